"""Programs that keep a conversation themselves and send all of it with each call."""

import json
from dataclasses import dataclass, field
from typing import Any

from replyscope.domain.exchange import Api
from tests.support.responses import response
from tests.watching.watched import chat_stream

PATHS = {
    Api.CHAT: "/chat/completions",
    Api.RESPONSES: "/responses",
    Api.MESSAGES: "/v1/messages",
}
Call = tuple[str, str, dict[str, Any]]
"""The id, the name and the arguments of a tool call."""


@dataclass(frozen=True)
class Said:
    """A reply, or with `is_user` a message of the person, or the results of calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    is_user: bool = False


@dataclass
class Program:
    """A program of an API. `style` chooses how it sends replies back."""

    api: Api = Api.CHAT
    style: int = 0
    system: str = "Be brief."
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return PATHS[self.api]

    def body(self, history: list[Said], **fields: Any) -> dict[str, Any]:
        """The body of a request."""
        entries = [entry for said in history for entry in self._entries(said)]
        body: dict[str, Any] = {"model": "test-model", "stream": True, **self.extra, **fields}
        match self.api:
            case Api.CHAT:
                return {**body, "messages": [{"role": "system", "content": self.system}, *entries]}
            case Api.RESPONSES:
                return {**body, "instructions": self.system, "input": entries}
            case Api.MESSAGES:
                return {**body, "system": self.system, "messages": entries}

    def _entries(self, said: Said) -> list[dict[str, Any]]:
        match self.api:
            case Api.CHAT:
                return self._chat(said)
            case Api.RESPONSES:
                return self._items(said)
            case Api.MESSAGES:
                return self._blocks(said)

    def _arguments(self, given: dict[str, Any]) -> str:
        separators = (",", ":") if self.style % 2 else (", ", ": ")
        return json.dumps(given, separators=separators, sort_keys=self.style > 1)

    def _chat(self, said: Said) -> list[dict[str, Any]]:
        if said.is_user:
            content: Any = said.text
            if self.style % 3 == 1:
                content = [{"type": "text", "text": said.text}]
            return [{"role": "user", "content": content}]
        if said.results:
            made = [
                {"role": "tool", "tool_call_id": call_id, "content": output}
                for call_id, output in said.results
            ]
            return made[::-1] if self.style % 4 == 3 else made
        entry: dict[str, Any] = {"role": "assistant"}
        padded = f"{said.text}\n" if self.style % 4 == 1 and said.text else said.text
        if padded or self.style % 3 == 0:
            entry["content"] = padded or None
        elif self.style % 3 == 1:
            entry["content"] = ""
        if self.style % 2:
            entry |= {"refusal": None, "annotations": [], "audio": None}
        if said.calls:
            entry["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": name, "arguments": self._arguments(given)},
                }
                for call_id, name, given in said.calls
            ]
        return [entry]

    def _items(self, said: Said) -> list[dict[str, Any]]:
        if said.is_user:
            content = [{"type": "input_text", "text": said.text}]
            return [{"role": "user", "content": said.text if self.style % 2 else content}]
        if said.results:
            return [
                {"type": "function_call_output", "call_id": call_id, "output": output}
                for call_id, output in said.results
            ]
        made: list[dict[str, Any]] = []
        if self.style % 3 == 1:
            made.append({"type": "reasoning", "id": "rs_1", "summary": []})
        if said.text:
            part = {"type": "output_text", "text": said.text}
            made.append({"type": "message", "role": "assistant", "content": [part]})
        for call_id, name, given in said.calls:
            one = {"type": "function_call", "call_id": call_id, "name": name}
            made.append({**one, "arguments": self._arguments(given)})
        return made

    def _blocks(self, said: Said) -> list[dict[str, Any]]:
        if said.is_user:
            block: dict[str, Any] = {"type": "text", "text": said.text}
            if self.style % 2:
                block["cache_control"] = {"type": "ephemeral"}
            return [{"role": "user", "content": [block]}]
        if said.results:
            results = [
                {"type": "tool_result", "tool_use_id": call_id, "content": output}
                for call_id, output in said.results
            ]
            return [{"role": "user", "content": results}]
        made: list[dict[str, Any]] = []
        if self.style % 3 == 1:
            made.append({"type": "thinking", "thinking": "Hm.", "signature": "s"})
        if said.text:
            made.append({"type": "text", "text": said.text})
        for call_id, name, given in said.calls:
            made.append({"type": "tool_use", "id": call_id, "name": name, "input": given})
        return [{"role": "assistant", "content": made}]

    def reply(self, said: Said, response_id: str = "resp_1") -> bytes:
        """The stream of a reply."""
        calls = [(call_id, name, json.dumps(given)) for call_id, name, given in said.calls]
        match self.api:
            case Api.CHAT:
                return chat_stream(said.text, calls)
            case Api.RESPONSES:
                items = tuple(
                    {
                        "type": "function_call",
                        "id": f"fc_{call_id}",
                        "call_id": call_id,
                        "name": name,
                        "arguments": arguments,
                    }
                    for call_id, name, arguments in calls
                )
                texts = (said.text,) if said.text else ()
                answer = response(*texts, response_id=response_id, items=items)
                return b"".join(chunk for chunk in answer.chunks if isinstance(chunk, bytes))
            case Api.MESSAGES:
                return messages_stream(said)


def messages_stream(said: Said, stop: str | None = None) -> bytes:
    """A streamed reply of the Messages API, with thinking first."""
    usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test"}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**head, "content": [], "usage": usage}},
        {"type": "ping"},
    ]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "Let me "},
                {"type": "thinking_delta", "thinking": "think."},
                {"type": "signature_delta", "signature": "c2ln"},
            ],
        )
    ]
    if said.text:
        deltas = [{"type": "text_delta", "text": letter} for letter in said.text]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for call_id, name, given in said.calls:
        text = json.dumps(given)
        parts = [text[:3], text[3:]]
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        blocks.append((block, [{"type": "input_json_delta", "partial_json": p} for p in parts]))
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        events.append({"type": "content_block_stop", "index": index})
    reason = stop or ("tool_use" if said.calls else "end_turn")
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 25}})
    events.append({"type": "message_stop"})
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()
