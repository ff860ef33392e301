"""Builds the body of a Responses request from a domain request.

Pure: the same request and adaptations give the same body.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from replyscope.domain.exchange import Api
from replyscope.domain.json_text import object_in
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.request import ModelRequest
from replyscope.provider.adaptation import adapt_fields
from replyscope.provider.attachment_text import (
    data_url,
    document_text,
    file_text,
    no_audio_text,
    result_text,
    sound_arguments,
)
from replyscope.provider.chat_request import CONTINUE_PROMPT, function_of
from replyscope.provider.given import add_given, with_extra
from replyscope.provider.history import join_turns, sent_id

_PARAMETERS = {
    "max_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
}


def response_body(request: ModelRequest, adaptations: Mapping[str, str]) -> dict[str, Any]:
    """Keyword arguments for `responses.create`, adaptations applied."""
    parameters = request.parameters
    body: dict[str, Any] = {"model": request.model}
    messages: Iterable[Message] = request.messages
    chains = adaptations.get("previous_response_id") != "drop"
    if request.previous_response_id is not None and chains:
        body["previous_response_id"] = request.previous_response_id
    if request.previous_response_id is None or chains:
        messages = request.messages[request.answered :]
    has_files = adaptations.get("files") != "text"
    items = _input_items(messages, continues=request.continues, has_files=has_files)
    body["input"] = join_turns(_with_sent_id(item, adaptations) for item in items)
    body["stream"] = True
    if request.system:
        body["instructions"] = request.system
    for name, wire_name in _PARAMETERS.items():
        value = getattr(parameters, name)
        if value is not None:
            body[wire_name] = value
    if parameters.reasoning_effort is not None:
        body["reasoning"] = {"effort": parameters.reasoning_effort, "summary": "auto"}
    functions = [function_of(tool, adaptations) for tool in request.tools]
    tools = [{"type": "function", "strict": False, **function} for function in functions]
    tools += [json.loads(hosted) for hosted in request.hosted]
    if tools:
        body["tools"] = tools
    text = _text_settings(request)
    if text:
        body["text"] = text
    if parameters.store is not None:
        body["store"] = parameters.store
    if parameters.store is False:
        body["include"] = ["reasoning.encrypted_content"]
    if parameters.background:
        body["background"] = True
    if parameters.metadata:
        body["metadata"] = dict(parameters.metadata)
    add_given(body, request, Api.RESPONSES)
    return with_extra(_adapted(body, adaptations), request)


def _text_settings(request: ModelRequest) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if request.parameters.verbosity is not None:
        text["verbosity"] = request.parameters.verbosity
    if request.schema is not None:
        text["format"] = {
            "type": "json_schema",
            "name": request.schema.name,
            "schema": json.loads(request.schema.text),
            "strict": True,
        }
    return text


def _adapted(body: dict[str, Any], adaptations: Mapping[str, str]) -> dict[str, Any]:
    if adaptations.get("system") == "user" and "instructions" in body:
        system = {"role": "user", "content": body.pop("instructions")}
        body["input"] = [system, *body["input"]]
    adapt_fields(body, adaptations)
    return body


def _input_items(
    messages: Iterable[Message], *, continues: bool, has_files: bool
) -> list[dict[str, Any]]:
    items = [i for message in messages for i in _message_items(message, has_files=has_files)]
    if continues:
        items.append({"role": "user", "content": CONTINUE_PROMPT})
    return items


def _with_sent_id(item: dict[str, Any], adaptations: Mapping[str, str]) -> dict[str, Any]:
    call_id = item.get("call_id")
    return {**item, "call_id": sent_id(call_id, adaptations)} if call_id else item


def _message_items(message: Message, *, has_files: bool) -> list[dict[str, Any]]:
    """The input items of a message. For a reply with stored output items, these items."""
    if message.role is Role.ASSISTANT:
        opaque = [part for part in message.parts if isinstance(part, OpaquePart)]
        if opaque:
            return [own for part in opaque if (own := object_in(part.payload))]
        return [item for part in message.parts if (item := _said_item(part))]
    results = [p for p in message.parts if isinstance(p, ToolResultPart)]
    if results:
        return [_result_item(part) for part in results]
    content = [item for part in message.parts for item in _content(part, has_files=has_files)]
    if len(content) == 1 and content[0]["type"] == "input_text":
        return [{"role": message.role.value, "content": content[0]["text"]}]
    return [{"role": message.role.value, "content": content}] if content else []


def _result_item(part: ToolResultPart) -> dict[str, Any]:
    """The output item of a call, in the format of its kind."""
    if part.kind == "mcp_approval_request":
        item: dict[str, Any] = {
            "type": "mcp_approval_response",
            "approval_request_id": part.call_id,
            "approve": part.output == "approve",
        }
        reason = part.output.removeprefix("deny").strip()
        return item if item["approve"] or not reason else {**item, "reason": reason}
    kind = "custom_tool_call_output" if part.kind == "custom" else "function_call_output"
    return {"type": kind, "call_id": part.call_id, "output": result_text(part)}


def _said_item(part: Part) -> dict[str, Any] | None:
    match part:
        case TextPart(text=text):
            return _said({"type": "output_text", "text": text})
        case RefusalPart(text=text):
            return _said({"type": "refusal", "refusal": text})
        case ToolCallPart(kind="function"):
            return {
                "type": "function_call",
                "call_id": part.call_id,
                "name": part.name,
                "arguments": sound_arguments(part.arguments),
            }
        case ToolCallPart(kind="custom"):
            return {
                "type": "custom_tool_call",
                "call_id": part.call_id,
                "name": part.name,
                "input": part.arguments,
            }
        case _:
            return None


def _said(content: dict[str, Any]) -> dict[str, Any]:
    """An assistant message in the long form, the only one that llama.cpp accepts."""
    return {"type": "message", "role": "assistant", "content": [content]}


def _content(part: Part, *, has_files: bool) -> list[dict[str, Any]]:
    match part:
        case TextPart(text=text):
            return [{"type": "input_text", "text": text}]
        case FilePart():
            return [{"type": "input_text", "text": file_text(part)}]
        case AudioPart():
            return [{"type": "input_text", "text": no_audio_text(part)}]
        case ImagePart():
            return [{"type": "input_image", "image_url": data_url(part), "detail": "auto"}]
        case DocumentPart(data=data) if has_files and data:
            return [{"type": "input_file", "filename": part.name, "file_data": data_url(part)}]
        case DocumentPart(pages=pages):
            pictures = [item for page in pages for item in _content(page, has_files=False)]
            return [{"type": "input_text", "text": document_text(part)}, *pictures]
        case _:
            return []
