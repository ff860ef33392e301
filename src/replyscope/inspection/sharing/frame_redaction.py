"""Redacts recorded frames, including secrets that are split over several deltas.

A model writes a key or an address over several deltas, so no frame holds it whole. Texts
of the same place in frames of the same kind are joined before they are redacted.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from replyscope.domain.event import WireFrame
from replyscope.domain.json_text import read_json
from replyscope.inspection.sharing.redaction import Redactor, cut

_PLACES = ("type", "index", "output_index", "content_index", "summary_index", "item_id")
_Spot = tuple[Any, str | int]  # the container of a text, and its key
_Key = tuple[Any, ...]


def clean_frames(frames: Sequence[WireFrame], clean: Redactor) -> tuple[WireFrame, ...]:
    """The redacted frames. A frame without secrets does not change by a byte."""
    if not clean.is_on:
        return tuple(frames)
    values = [_value(frame.text) for frame in frames]
    spots: dict[_Key, list[tuple[int, _Spot]]] = {}
    for number, value in enumerate(values):
        for key, spot in _texts(value, ()):
            spots.setdefault(key, []).append((number, spot))
    changed: set[int] = set()
    for found in spots.values():
        texts = [holder[at] for _, (holder, at) in found]
        spans = clean.spans("".join(texts))
        if not spans:
            continue
        for (number, (holder, at)), old, new in zip(found, texts, cut(texts, spans), strict=True):
            if old != new:
                holder[at] = new
                changed.add(number)
    return tuple(_rewritten(f, values[n], n in changed, clean) for n, f in enumerate(frames))


def _value(text: str) -> Any:
    """The JSON value of a frame's data, in a list; None for data that is not JSON."""
    lines = [line for line in text.splitlines() if line.startswith("data:")]
    try:
        return [read_json("\n".join(line[5:] for line in lines))]
    except ValueError:
        return None


def _texts(value: Any, key: _Key) -> Iterator[tuple[_Key, _Spot]]:
    """Each text with its location, and a key that identifies its stream of deltas."""
    waiting = [(value, key)]
    while waiting:
        holder, own = waiting.pop()
        if isinstance(holder, dict):
            own = (*own, *(str(holder.get(name)) for name in _PLACES))
        pairs: Any = holder.items() if isinstance(holder, dict) else enumerate(holder or ())
        for at, inner in pairs:
            if isinstance(inner, str):
                yield (*own, at), (holder, at)
            elif isinstance(inner, dict | list):
                waiting.append((inner, (*own, at)))


def _rewritten(frame: WireFrame, value: Any, is_changed: bool, clean: Redactor) -> WireFrame:
    if value is None:
        return replace(frame, text=clean(frame.text))
    if not is_changed:
        return frame
    end = frame.text[len(frame.text.rstrip("\r\n")) :]
    kept = [line for line in frame.text.splitlines() if line and not line.startswith("data:")]
    data = f"data: {json.dumps(value[0], ensure_ascii=False, separators=(',', ':'))}"
    return replace(frame, text="\n".join([*kept, data]) + end)
