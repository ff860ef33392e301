"""Builds the body of a Chat Completions request from a domain request.

Pure: the same request and adaptations give the same body.
"""

import json
from collections.abc import Mapping
from typing import Any

from replyscope.domain.endpoint import limit_name, takes_files
from replyscope.domain.exchange import Api
from replyscope.domain.json_text import object_in
from replyscope.domain.loose_json import mapping_of
from replyscope.domain.message import (
    MESSAGE_FIELDS,
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Schema
from replyscope.domain.tool import Tool
from replyscope.provider.adaptation import adapt_fields
from replyscope.provider.attachment_text import (
    data_url,
    document_text,
    encoded,
    file_text,
    result_text,
    sound_arguments,
)
from replyscope.provider.given import add_given, with_extra
from replyscope.provider.history import adapt_history
from replyscope.provider.schema_words import adapt_schema

CONTINUE_PROMPT = (
    "Continue your last message exactly where it stopped. Repeat nothing and add no introduction."
)

_PLAIN_PARAMETERS = ("temperature", "top_p", "seed", "reasoning_effort", "verbosity", "store")


def chat_body(
    request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
) -> dict[str, Any]:
    """Keyword arguments for `chat.completions.create`, adaptations applied.

    The value of an adaptation is "drop" or the replacement.
    """
    has_files = adaptations.get("files") != "text" and takes_files(base_url, Api.CHAT)
    messages = wire_messages(request, adaptations.get("system", "system"), has_files=has_files)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": adapt_history(messages, adaptations),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    parameters = request.parameters
    if parameters.max_tokens is not None:
        body[limit_name(base_url)] = parameters.max_tokens
    for name in _PLAIN_PARAMETERS:
        value = getattr(parameters, name)
        if value is not None:
            body[name] = value
    if parameters.n is not None and parameters.n > 1:
        body["n"] = parameters.n
    if request.tools:
        functions = [function_of(tool, adaptations) for tool in request.tools]
        body["tools"] = [{"type": "function", "function": function} for function in functions]
    if request.schema is not None:
        body["response_format"] = _form_of(request.schema)
    if parameters.metadata:
        body["metadata"] = dict(parameters.metadata)
    add_given(body, request, Api.CHAT)
    adapt_fields(body, adaptations)
    return with_extra(body, request)


def _form_of(schema: Schema) -> dict[str, Any]:
    form = {"name": schema.name, "schema": json.loads(schema.text), "strict": True}
    return {"type": "json_schema", "json_schema": form}


def wire_messages(
    request: ModelRequest, system_role: str, *, has_files: bool = False
) -> list[dict[str, Any]]:
    """The messages of a branch in the format of the API, the system prompt first.

    With the role "user" the prompt is a user message, for models without a system role.
    `has_files` is whether the server accepts PDF files.
    """
    wire = [
        entry
        for message in request.messages
        for entry in _wire_messages(message, has_files=has_files)
    ]
    if request.continues:
        wire.append({"role": "user", "content": CONTINUE_PROMPT})
    if not request.system:
        return wire
    if system_role != "user":
        return [{"role": system_role, "content": request.system}, *wire]
    return [{"role": "user", "content": request.system}, *wire]


def function_of(tool: Tool, adaptations: Mapping[str, str]) -> dict[str, Any]:
    """The function definition of a tool, the same in both APIs."""
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": adapt_schema(json.loads(tool.schema), adaptations),
    }


def _wire_messages(message: Message, *, has_files: bool) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        return [
            {
                "role": "tool",
                "tool_call_id": part.call_id,
                "name": part.name,
                "content": result_text(part),
            }
            for part in message.parts
            if isinstance(part, ToolResultPart)
        ]
    if message.role is Role.ASSISTANT:
        entry = _said(message)
    else:
        entry = _wire_message(message, has_files=has_files)
    return [entry] if entry else []


def _said(message: Message) -> dict[str, Any] | None:
    """An assistant message: text, tool calls, and the fields that its server added."""
    said = [p.text for p in message.parts if isinstance(p, TextPart | RefusalPart)]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCallPart)]
    text = "".join(said)
    if not text and not calls:
        return None
    entry: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        entry["tool_calls"] = calls
    for part in message.parts:
        if isinstance(part, OpaquePart) and part.kind == MESSAGE_FIELDS:
            entry |= object_in(part.payload)
    return entry


def _call(part: ToolCallPart) -> dict[str, Any]:
    """A tool call, with the fields that its server added."""
    fields = object_in(part.fields)
    inner = mapping_of(fields.pop("function", {}))
    if part.kind == "custom":
        custom = {"name": part.name, "input": part.arguments}
        return {"id": part.call_id, "type": "custom", "custom": custom, **fields}
    function = {"name": part.name, "arguments": sound_arguments(part.arguments), **inner}
    return {"id": part.call_id, "type": "function", "function": function, **fields}


def _wire_message(message: Message, *, has_files: bool) -> dict[str, Any] | None:
    parts = [one for part in message.parts for one in _wire_parts(part, has_files=has_files)]
    if all(part["type"] == "text" for part in parts) and len(parts) == 1:
        return {"role": message.role.value, "content": parts[0]["text"]}
    return {"role": message.role.value, "content": parts} if parts else None


def _wire_parts(part: object, *, has_files: bool) -> list[dict[str, Any]]:
    match part:
        case TextPart(text=text):
            return [{"type": "text", "text": text}]
        case FilePart():
            return [{"type": "text", "text": file_text(part)}]
        case ImagePart():
            return [{"type": "image_url", "image_url": {"url": data_url(part)}}]
        case AudioPart():
            audio = {"data": encoded(part.data), "format": part.form}
            return [{"type": "input_audio", "input_audio": audio}]
        case DocumentPart(data=data) if has_files and data:
            file = {"filename": part.name, "file_data": data_url(part)}
            return [{"type": "file", "file": file}]
        case DocumentPart(pages=pages):
            pictures = [one for page in pages for one in _wire_parts(page, has_files=False)]
            return [{"type": "text", "text": document_text(part)}, *pictures]
        case _:
            return []
