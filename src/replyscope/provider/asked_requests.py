"""Reads the conversations in the requests of other programs, for each API."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.asked import ITEM_REFERENCE, AskedCall
from replyscope.domain.exchange import APPROVAL, Api
from replyscope.domain.json_text import dump_json
from replyscope.domain.limits import CHOICES
from replyscope.domain.message import (
    ImagePart,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.tool import ToolCallState
from replyscope.provider.asked_content import (
    AskedMessages,
    content_parts,
    joined_text,
    role_of,
)
from replyscope.provider.plain import Fields, as_text, fields_of, list_of, number_of, text_of

_REASONING = ("reasoning_content", "reasoning")


def read_asked(body: Mapping[str, Any], api: Api) -> AskedCall:
    """The conversation in a request body."""
    conversation = AskedMessages()
    match api:
        case Api.CHAT:
            _read_chat(body, conversation)
        case Api.RESPONSES:
            _read_responses(body, conversation)
        case Api.MESSAGES:
            _read_messages(body, conversation)
    limits = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    held = body.get("conversation")
    return AskedCall(
        api,
        model=text_of(body.get("model")) or "",
        system=conversation.system,
        messages=conversation.messages,
        choices=_choices(body) if api is Api.CHAT else 1,
        max_tokens=next((n for name in limits if (n := number_of(body.get(name)))), None),
        schema=_schema(body),
        previous_response_id=text_of(body.get("previous_response_id")),
        conversation=text_of(held) or text_of(fields_of(held).get("id")),
        is_background=body.get("background") is True,
    )


def _choices(body: Mapping[str, Any]) -> int:
    wanted = number_of(body.get("n")) or 1
    return wanted if wanted in CHOICES else 1


def _schema(body: Mapping[str, Any]) -> str | None:
    """The JSON schema of the requested format; None without one."""
    form = fields_of(body.get("response_format")) or fields_of(
        fields_of(body.get("text")).get("format")
    )
    schema = fields_of(form.get("json_schema")).get("schema") or form.get("schema")
    return dump_json(schema) if isinstance(schema, Mapping) else None


def _read_chat(body: Mapping[str, Any], conversation: AskedMessages) -> None:
    for entry in map(fields_of, list_of(body.get("messages"))):
        # Some SDKs send back a streamed reply whose chunks had no role with a role of null.
        role = role_of(entry.get("role") or "assistant")
        if role is Role.TOOL:
            call_id = text_of(entry.get("tool_call_id")) or ""
            conversation.add(role, [_result(call_id, entry.get("content"), entry.get("name"))])
        elif role is Role.ASSISTANT:
            conversation.add(role, _said(entry))
        else:
            conversation.add(role, content_parts(entry.get("content")))


def _said(entry: Fields) -> Iterator[Part]:
    """The parts of an assistant message of Chat Completions."""
    for name in _REASONING:
        if isinstance(entry.get(name), str):
            yield ReasoningPart(entry[name])
            break
    yield from content_parts(entry.get("content"))
    if refusal := text_of(entry.get("refusal")):
        yield RefusalPart(refusal)
    for call in map(fields_of, list_of(entry.get("tool_calls"))):
        kind = "custom" if call.get("type") == "custom" else "function"
        inner = fields_of(call.get(kind))
        given = inner.get("input" if kind == "custom" else "arguments")
        yield _call(call.get("id"), inner.get("name"), given, kind)
    if old := fields_of(entry.get("function_call")):
        yield _call("", old.get("name"), old.get("arguments"))


def _call(call_id: object, name: object, arguments: object, kind: str = "function") -> ToolCallPart:
    return ToolCallPart(text_of(call_id) or "", text_of(name) or "", as_text(arguments), kind)


def _result(
    call_id: str,
    content: object,
    name: object = None,
    kind: str = "function",
    *,
    is_error: bool = False,
) -> ToolResultPart:
    """A tool's result; images in it are named."""
    parts = content_parts(content) if isinstance(content, str | list) else []
    text = joined_text(parts)
    if not parts and content is not None:
        text = as_text(content)
    pictures = sum(isinstance(part, ImagePart) for part in parts)
    text += "\n[image]" * pictures if text else "\n".join(["[image]"] * pictures)
    state = ToolCallState.FAILED if is_error else ToolCallState.COMPLETED
    return ToolResultPart(call_id, text, text_of(name) or "", state, kind)


_RESULTS = {
    "function_call_output": "function",
    "custom_tool_call_output": "custom",
    "local_shell_call_output": "local_shell_call",
    "shell_call_output": "shell_call",
    "computer_call_output": "computer_call",
    "apply_patch_call_output": "apply_patch_call",
}


def _read_responses(body: Mapping[str, Any], conversation: AskedMessages) -> None:
    if instructions := text_of(body.get("instructions")):
        conversation.add(Role.SYSTEM, content_parts(instructions))
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else list_of(given)
    for item in map(fields_of, items):
        _read_item(item, conversation)


def _read_item(item: Fields, conversation: AskedMessages) -> None:
    kind = text_of(item.get("type")) or "message"
    call_id = text_of(item.get("call_id")) or text_of(item.get("id")) or ""
    if kind == "message":
        conversation.add(role_of(item.get("role")), content_parts(item.get("content")))
    elif kind == "function_call":
        call = _call(call_id, item.get("name"), item.get("arguments"))
        conversation.add(Role.ASSISTANT, [call])
    elif kind == "custom_tool_call":
        call = _call(call_id, item.get("name"), item.get("input"), "custom")
        conversation.add(Role.ASSISTANT, [call])
    elif kind in _RESULTS:
        conversation.add(Role.TOOL, [_result(call_id, item.get("output"), kind=_RESULTS[kind])])
    elif kind == "mcp_approval_response":
        answer = "approve" if item.get("approve") is True else "deny"
        request = text_of(item.get("approval_request_id")) or ""
        conversation.add(Role.TOOL, [_result(request, answer, kind=APPROVAL)])
    elif kind == "reasoning":
        texts = [text_of(fields_of(one).get("text")) for one in list_of(item.get("summary"))]
        thought = "\n\n".join(text for text in texts if text)
        conversation.add(Role.ASSISTANT, [ReasoningPart(thought)] if thought else [])
    elif kind == ITEM_REFERENCE:
        reference = OpaquePart(ITEM_REFERENCE, text_of(item.get("id")) or "")
        conversation.add(Role.ASSISTANT, [reference])
    else:  # an item of the server's own tools, such as web_search_call
        conversation.add(Role.ASSISTANT, [])


def _read_messages(body: Mapping[str, Any], conversation: AskedMessages) -> None:
    conversation.add(Role.SYSTEM, content_parts(body.get("system")))
    for entry in map(fields_of, list_of(body.get("messages"))):
        role = role_of(entry.get("role"))
        content = entry.get("content")
        blocks = [content] if isinstance(content, str) else list_of(content)
        if role is Role.ASSISTANT:
            conversation.add(role, (part for block in blocks for part in _block(block)))
            continue
        results = [b for b in blocks if fields_of(b).get("type") == "tool_result"]
        others = [b for b in blocks if fields_of(b).get("type") != "tool_result"]
        if results:
            conversation.add(Role.TOOL, map(_block_result, map(fields_of, results)))
        conversation.add(role, content_parts(others))


def _block(block: object) -> Iterator[Part]:
    """The parts of a content block of a reply."""
    given = fields_of(block)
    if given.get("type") == "tool_use":
        yield _call(given.get("id"), given.get("name"), dump_json(given.get("input", {})))
    elif isinstance(block, str) or given.get("type") in ("text", "thinking"):
        yield from content_parts([block])


def _block_result(block: Fields) -> ToolResultPart:
    is_error = block.get("is_error") is True
    call_id = text_of(block.get("tool_use_id")) or ""
    return _result(call_id, block.get("content"), is_error=is_error)
