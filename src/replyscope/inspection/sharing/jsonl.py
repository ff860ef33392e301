"""Writes a session as one line of JSON, in the messages format of fine-tuning and evals.

Empty replies, and prompts without a reply at the end, are omitted, because trainers reject
them. For the same reason, a call without a result gets a placeholder result.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.json_text import read_json
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.shared import Clean, Shared

_OF_FUNCTION = ("name", "description", "parameters", "strict")
_WHOLE = {
    FinishReason.STOP,
    FinishReason.TOOL_CALLS,
    FinishReason.REFUSAL,
    FinishReason.NEEDS_APPROVAL,
    FinishReason.UNSTATED,
}
_NO_RESULT = "(this call was not run)"
Entry = dict[str, Any]


def session_jsonl(shared: Shared, clean: Clean, *, whole_only: bool = False) -> str:
    """One line with a line break; "" for a session without a reply.

    `replies` marks each assistant message as whole or cut, and messages that were left out of
    requests have `left_out`. With `whole_only` the conversation ends before the first cut reply,
    messages that were left out are omitted, and there are no such fields: trainers reject them.
    """
    messages: list[Entry] = []
    replies: list[Entry] = []
    results = shared.results()
    left_out = set(shared.session.settings.left_out)
    for message in shared.branch:
        mark: Entry = {"left_out": True} if message.id in left_out else {}
        if mark and whole_only:
            continue
        if message.role is Role.ASSISTANT:
            entries = _reply(shared, message, results.get(message.id, {}), clean)
            entries = [entry | mark for entry in entries]
            ending = _ending(shared, message)
            if whole_only and not ending["whole"]:
                break
            messages += entries
            replies += [ending] if entries else []
        elif message.role is not Role.TOOL:
            said = {"role": message.role.value, "content": _content(message, clean)}
            messages.append(said | mark)
    _end_with_a_reply(messages)
    if not messages:
        return ""
    if shared.session.settings.system:
        messages.insert(0, {"role": "system", "content": clean(shared.session.settings.system)})
    line: Entry = {"messages": messages}
    if not whole_only:
        line["replies"] = replies
    tools = _tools(shared, clean)
    if tools:
        line["tools"] = tools
    return json.dumps(line, ensure_ascii=False) + "\n"


def _ending(shared: Shared, message: Message) -> Entry:
    """Whether a reply is whole, and its finish reason. The last exchange decides: it may have
    continued a cut one.
    """
    exchanges = list(shared.exchanges_of(message))
    finish = exchanges[-1][0].choice(exchanges[-1][1]).finish_reason if exchanges else None
    return {"whole": finish in _WHOLE, "finish": finish.value if finish is not None else None}


def _end_with_a_reply(messages: list[Entry]) -> None:
    """Remove messages after the last reply. It may be a reply with only tool calls."""
    last = max((n for n, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
    del messages[last + 1 :]


def _content(message: Message, clean: Clean) -> str | list[Entry]:
    parts: list[Entry] = []
    for part in message.parts:
        match part:
            case TextPart(text=text):
                parts.append({"type": "text", "text": clean(text)})
            case FilePart(name=name, text=text) | DocumentPart(name=name, text=text):
                said = f'<file name="{name}">\n{text}\n</file>'
                parts.append({"type": "text", "text": clean(said)})
            case ImagePart(media_type=media_type, data=data):
                url = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
                parts.append({"type": "image_url", "image_url": {"url": url}})
            case AudioPart(data=data):
                audio = {"data": base64.b64encode(data).decode("ascii"), "format": part.form}
                parts.append({"type": "input_audio", "input_audio": audio})
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(str(part["text"]) for part in parts)
    return parts


def _reply(
    shared: Shared, message: Message, results: Mapping[str, ToolResultPart], clean: Clean
) -> list[Entry]:
    choices = [exchange.choice(index) for exchange, index in shared.exchanges_of(message)]
    text = "".join(choice.text for choice in choices)
    refusal = "".join(choice.refusal or "" for choice in choices)
    calls = [c for choice in choices for c in choice.tool_calls if c.kind in ("function", "custom")]
    if not (text or refusal or calls):
        return []
    said: Entry = {"role": "assistant", "content": clean(text) or None}
    if refusal:
        said["refusal"] = clean(refusal)
    if calls:
        said["tool_calls"] = [_call(call, clean) for call in calls]
    answers = [_answer(call, results.get(call.id), clean) for call in calls]
    return [said, *answers]


def _call(call: ToolCall, clean: Clean) -> Entry:
    if call.kind == "custom":
        own = {"name": call.name, "input": clean(call.arguments)}
        return {"id": call.id, "type": "custom", "custom": own}
    own = {"name": call.name, "arguments": clean(call.arguments)}
    return {"id": call.id, "type": "function", "function": own}


def _answer(call: ToolCall, part: ToolResultPart | None, clean: Clean) -> Entry:
    output = part.output if part is not None else call.result or _NO_RESULT
    return {"role": "tool", "tool_call_id": call.id, "content": clean(output)}


def _tools(shared: Shared, clean: Clean) -> list[Entry]:
    """The functions that the newest request offered, in the form of Chat Completions."""
    for record in shared.records.values():
        if record.request is None:
            continue
        try:
            body = read_json(clean(record.request.body.decode("utf-8", "replace")))
        except ValueError:
            continue
        offered = body.get("tools") if isinstance(body, dict) else None
        if isinstance(offered, list):
            return [made for tool in offered if (made := _tool(tool)) is not None]
    return []


def _tool(tool: Any) -> Entry | None:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return None
    if isinstance(tool.get("function"), dict):
        return tool
    own = {name: tool[name] for name in _OF_FUNCTION if name in tool}
    return {"type": "function", "function": own}
