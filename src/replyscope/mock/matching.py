"""Which recorded exchange answers a request."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.json_text import read_json


@dataclass(frozen=True, slots=True)
class Recording:
    """An exchange and what went over its wire."""

    exchange: Exchange
    record: WireRecord

    @property
    def asked(self) -> str:
        """What the request said: its messages or input, in one form."""
        request = self.record.request
        return asked_of(request.body) if request is not None else ""


def asked_of(body: bytes) -> str:
    """What a request says, whatever else it sets; "" when it says nothing readable."""
    try:
        value = read_json(body.decode("utf-8"))
    except ValueError:
        return ""
    if not isinstance(value, Mapping):
        return ""
    said = value.get("messages", value.get("input"))
    return json.dumps(_plain(said), sort_keys=True, ensure_ascii=False)


def _plain(said: Any) -> Any:
    """Messages without what servers do not care about: a text in parts is that text."""
    if isinstance(said, str):
        return [{"content": said, "role": "user"}]
    if not isinstance(said, list):
        return said
    return [
        {"role": one.get("role"), "content": _text(one.get("content"))}
        if isinstance(one, Mapping) and "content" in one
        else one
        for one in said
    ]


def _text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    words = [text for text in texts if isinstance(text, str)]
    return "".join(words) if len(words) == len(content) else content


def find_recording(
    recordings: Sequence[Recording], api: Api, body: bytes, served: Iterable[str]
) -> Recording | None:
    """The recording that was asked the same; with only one of that API, that one.

    Of several that were asked the same, the first that was not `served` yet.
    """
    ours = [one for one in recordings if one.exchange.api is api]
    asked = asked_of(body)
    same = [one for one in ours if one.asked == asked]
    if not same:
        return ours[0] if len(ours) == 1 else None
    given = set(served)
    return next((one for one in same if one.exchange.id not in given), same[-1])
