"""Writes a session as JSON with all of its data. `readers/replyscope_json.py` reads it."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.json_values import (
    exchange_to_json,
    parts_to_json,
    settings_to_json,
    to_ms,
)
from replyscope.domain.message import DocumentPart, Message
from replyscope.domain.shared import SESSION_FORMAT, Shared
from replyscope.inspection.sharing.frame_redaction import clean_frames
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.reply_redaction import clean_choice

_PDF_URL = re.compile(r"(data:application/pdf;base64,)[A-Za-z0-9+/=]+")
_KEPT = ("frames", "data", "extra", "others")  # already redacted, and bytes


def session_to_json(shared: Shared, clean: Redactor | None = None) -> str:
    """The JSON of a session with its tree, its exchanges and their wires."""
    session = shared.session
    if clean is not None:
        pages = _page_images(shared.messages) if clean.is_on else []
        records = {key: _cleaned_record(r, clean, pages) for key, r in shared.records.items()}
        exchanges = {key: _cleaned_exchange(e, clean) for key, e in shared.exchanges.items()}
        messages = tuple(_without_files(message, clean) for message in shared.messages)
        shared = replace(shared, records=records, exchanges=exchanges, messages=messages)
    settings = settings_to_json(session.settings)
    if clean is not None:
        clean_parameters(settings.get("parameters", {}), clean)
    value = {
        "format": SESSION_FORMAT,
        "id": session.id,
        "title": session.title,
        "is_title_given": session.is_title_given,
        "created_at": to_ms(session.created_at),
        "updated_at": to_ms(session.updated_at),
        "deleted_at": to_ms(session.deleted_at) if session.deleted_at else None,
        "head_id": session.head_id,
        "draft": session.draft,
        "source": session.source,
        "client": session.client,
        "tags": list(shared.tags),
        "settings": settings,
        "messages": [_message(m, m.id in session.settings.left_out) for m in shared.messages],
        "exchanges": [_exchange(e, shared.records.get(e.id)) for e in shared.exchanges.values()],
    }
    return json.dumps(_cleaned_value(value, clean) if clean is not None else value)


def _cleaned_value(value: dict[str, Any], clean: Redactor) -> dict[str, Any]:
    """The redacted JSON. The texts of replies have offsets and are redacted earlier."""
    exchanges = [_cleaned_exchange_json(exchange, clean) for exchange in value["exchanges"]]
    rest: dict[str, Any] = cleaned({**value, "exchanges": []}, clean)
    return rest | {"exchanges": exchanges}


def _cleaned_exchange_json(value: dict[str, Any], clean: Redactor) -> dict[str, Any]:
    rest: dict[str, Any] = cleaned({**value, "choices": []}, clean)
    return rest | {"choices": [_cleaned_choice(choice, clean) for choice in value["choices"]]}


def exchange_json(exchange: Exchange, clean: Redactor) -> dict[str, Any]:
    """The redacted JSON of an exchange, without its wire."""
    return _cleaned_exchange_json(exchange_to_json(_cleaned_exchange(exchange, clean)), clean)


def _cleaned_choice(choice: dict[str, Any], clean: Redactor) -> dict[str, Any]:
    return {
        name: one if name in ("text", "reasoning", "refusal") else cleaned(one, clean)
        for name, one in choice.items()
    }


def _without_files(message: Message, clean: Redactor) -> Message:
    """The message without the bytes and page images of its PDF files, which can't be redacted.
    Their text is.
    """
    if not clean.is_on:
        return message
    parts = tuple(
        replace(part, data=b"", pages=()) if isinstance(part, DocumentPart) else part
        for part in message.parts
    )
    return replace(message, parts=parts)


def _page_images(messages: Iterable[Message]) -> list[bytes]:
    """The page images of PDF files as base64, as requests have them."""
    documents = (part for m in messages for part in m.parts if isinstance(part, DocumentPart))
    return [base64.b64encode(page.data) for part in documents for page in part.pages if page.data]


def _cleaned_record(record: WireRecord, clean: Redactor, pages: Iterable[bytes]) -> WireRecord:
    """The record with redacted frames, and without the page images in its request."""
    request = record.request
    if request is not None:
        body = request.body
        for page in pages:
            body = body.replace(page, b"")
        request = replace(request, body=body)
    return WireRecord(request, clean_frames(record.frames, clean))


def _cleaned_exchange(exchange: Exchange, clean: Redactor) -> Exchange:
    choices = tuple(clean_choice(choice, clean) for choice in exchange.choices)
    return replace(exchange, choices=choices)


def clean_parameters(given: dict[str, Any], clean: Redactor) -> None:
    """Redact the texts within the JSON of parameters, so that it stays JSON."""

    def cleaned_text(text: str) -> str:
        return json.dumps(cleaned(json.loads(text), clean), ensure_ascii=False)

    if "extra" in given:
        given["extra"] = cleaned_text(given["extra"])
    if "others" in given:
        given["others"] = [[name, cleaned_text(text)] for name, text in given["others"]]


def cleaned(value: Any, clean: Redactor) -> Any:
    """The value with all texts redacted. Field names and image bytes are unchanged."""
    if isinstance(value, str):
        return clean(_PDF_URL.sub(r"\1", value) if clean.is_on else value)
    if isinstance(value, list | tuple):
        return [cleaned(one, clean) for one in value]
    if isinstance(value, dict):
        return {name: one if name in _KEPT else cleaned(one, clean) for name, one in value.items()}
    return value


def _message(message: Message, is_left_out: bool) -> dict[str, Any]:
    return {
        "id": message.id,
        "role": message.role.value,
        "parent_id": message.parent_id,
        "created_at": to_ms(message.created_at),
        "parts": parts_to_json(message.parts),
        "sources": [[source.exchange_id, source.choice_index] for source in message.sources],
        **({"left_out": True} if is_left_out else {}),
    }


def _exchange(exchange: Exchange, record: WireRecord | None) -> dict[str, Any]:
    value = exchange_to_json(exchange)
    if record is None:
        return value
    value["frames"] = [[frame.at_ms, frame.text] for frame in record.frames]
    request = record.request
    if request is not None:
        value["request"] = {
            "method": request.method,
            "url": request.url,
            "headers": [list(pair) for pair in request.headers],
            **_body(request.body),
        }
    return value


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode("ascii")}
