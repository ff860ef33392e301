"""Redacts the body of a hub entry, with the rules of exports."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.hub import EntryKind, HubEntry
from replyscope.domain.json_values import exchange_from_json, parts_from_json, parts_to_json
from replyscope.domain.message import DocumentPart
from replyscope.inspection.sharing.frame_redaction import clean_frames
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.session_json import clean_parameters, cleaned, exchange_json

_PARAMETER = "settings.parameters."
_DATA_URL = re.compile(r"(data:[a-z]{1,20}/[a-z0-9.+-]{1,80};base64,)[A-Za-z0-9+/=]+")


def clean_entry(entry: HubEntry, clean: Redactor, *, is_shared: bool) -> HubEntry:
    """The entry with its texts redacted. For others than the person (`is_shared`) the bytes of
    PDF files and the files in requests are left out too: they cannot be redacted.
    """
    clean.enter(entry.session_id)
    if entry.kind is EntryKind.PURGE:
        return entry
    if not is_shared and not clean.may_find(entry.body.decode("utf-8")):
        return entry
    value = json.loads(entry.body)
    match entry.kind:
        case EntryKind.SESSION:
            _clean_session(value, clean)
        case EntryKind.MESSAGE:
            value["parts"] = _parts(value["parts"], clean, is_shared=is_shared)
        case EntryKind.EXCHANGE:
            _clean_exchange(value, clean, is_shared=is_shared)
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    return entry if body == entry.body else replace(entry, body=body)


def _clean_session(value: dict[str, Any], clean: Redactor) -> None:
    for name, pair in value["fields"].items():
        short = name.removeprefix(_PARAMETER)
        if short in ("extra", "others"):
            given = {short: pair[0]} if pair[0] is not None else {}
            clean_parameters(given, clean)
            pair[0] = given.get(short)
        elif not name.startswith("tag:"):
            pair[0] = cleaned(pair[0], clean)


def _parts(values: Any, clean: Redactor, *, is_shared: bool) -> Any:
    if is_shared:
        parts = (
            replace(part, data=b"", pages=()) if isinstance(part, DocumentPart) else part
            for part in parts_from_json(values)
        )
        values = parts_to_json(tuple(parts))
    return cleaned(values, clean)


def _clean_exchange(value: dict[str, Any], clean: Redactor, *, is_shared: bool) -> None:
    value["exchange"] = exchange_json(exchange_from_json(value["exchange"]), clean)
    frames = clean_frames([WireFrame(at, text) for at, text in value["frames"]], clean)
    value["frames"] = [[frame.at_ms, frame.text] for frame in frames]
    request: Mapping[str, Any] | None = value["request"]
    if request is None:
        return

    def piece(one: Any) -> Any:
        if not isinstance(one, str):
            return one
        return clean(_DATA_URL.sub(r"\1", one) if is_shared else one)

    value["request"] = {
        **request,
        "url": clean(request["url"]),
        "headers": cleaned(request["headers"], clean),
        "pieces": [piece(one) for one in request["pieces"]],
    }
