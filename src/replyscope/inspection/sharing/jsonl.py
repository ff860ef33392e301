"""A session as one line of JSON: the messages form that fine-tuning and evals read."""

import base64
import json
from typing import Any

from replyscope.domain.message import FilePart, ImagePart, Message, Role, TextPart
from replyscope.domain.shared import Clean, Shared


def session_jsonl(shared: Shared, clean: Clean) -> str:
    """One line, with its break; "" for a session without a message."""
    messages: list[dict[str, Any]] = []
    if shared.session.settings.system:
        messages.append({"role": "system", "content": clean(shared.session.settings.system)})
    for message in shared.branch:
        if message.role is Role.ASSISTANT:
            messages += _reply(shared, message, clean)
        elif message.role is not Role.TOOL:
            messages.append({"role": message.role.value, "content": _content(message, clean)})
    if not messages:
        return ""
    return json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def _content(message: Message, clean: Clean) -> str | list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case TextPart(text=text):
                parts.append({"type": "text", "text": clean(text)})
            case FilePart(name=name, text=text):
                said = f'<file name="{name}">\n{text}\n</file>'
                parts.append({"type": "text", "text": clean(said)})
            case ImagePart(media_type=media_type, data=data):
                url = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
                parts.append({"type": "image_url", "image_url": {"url": url}})
    if all(part["type"] == "text" for part in parts):
        return "".join(str(part["text"]) for part in parts)
    return parts


def _reply(shared: Shared, message: Message, clean: Clean) -> list[dict[str, Any]]:
    choices = [exchange.choice(index) for exchange, index in shared.exchanges_of(message)]
    text = "".join(choice.text for choice in choices)
    refusal = "".join(choice.refusal or "" for choice in choices)
    calls = [c for choice in choices for c in choice.tool_calls if c.kind in ("function", "custom")]
    said: dict[str, Any] = {"role": "assistant", "content": clean(text) or None}
    if refusal:
        said["refusal"] = clean(refusal)
    if calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": clean(call.arguments)},
            }
            for call in calls
        ]
    results = shared.results_of(message)
    answers = [
        {"role": "tool", "tool_call_id": call.id, "content": clean(results[call.id].output)}
        for call in calls
        if call.id in results
    ]
    return [said, *answers]
