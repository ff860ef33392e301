"""Merges the pieces of a streamed JSON value. Pure functions.

Compatible servers add non-standard fields to a message and its calls, complete or in pieces.
The merged value equals the value that the server would have sent without streaming.
"""

from collections.abc import Sequence
from typing import Any

from replyscope.domain.unicode_text import join_halves

_DEEPEST = 40
_CONSTANT = ("type", "id", "index", "format", "role", "name", "object", "mime_type")
"""Fields that are complete in each piece; the newest replaces the earlier ones."""
_STRETCHES = ("thinking", "reasoning", "reasoning.text", "reasoning.summary")


def merge_pieces(pieces: Sequence[Any], depth: int = 0) -> Any:
    """Merge pieces into one value: objects by field, lists by their members' `index`; texts are
    joined. A repeated value is kept once.
    """
    pieces = [piece for piece in pieces if piece is not None]
    if not pieces:
        return None
    last = pieces[-1]
    if depth > _DEEPEST or all(piece == last for piece in pieces[:-1]):
        return last
    if all(isinstance(piece, str) for piece in pieces):
        return join_halves("".join(pieces))
    if all(isinstance(piece, dict) for piece in pieces):
        return _merge_objects(pieces, depth)
    if all(isinstance(piece, list) for piece in pieces):
        return _merge_members([one for piece in pieces for one in piece], depth)
    return last


def _merge_objects(pieces: Sequence[dict[str, Any]], depth: int) -> dict[str, Any]:
    received: dict[str, list[Any]] = {}
    for piece in pieces:
        for name, value in piece.items():
            received.setdefault(name, []).append(value)
    merged = {}
    for name, values in received.items():
        if name in _CONSTANT:
            values = [value for value in values if value not in (None, "")][-1:]
        merged[name] = merge_pieces(values, depth + 1)
    return merged


def _merge_members(members: Sequence[Any], depth: int) -> list[Any]:
    """Merge members with the same `index` and type, and consecutive pieces of thinking up to a
    signature. Every other member is separate.
    """
    groups: dict[Any, list[Any]] = {}
    last: tuple[Any, ...] = ()
    for number, member in enumerate(members):
        fields = member if isinstance(member, dict) else {}
        index, kind = fields.get("index"), str(fields.get("type"))
        key: tuple[Any, ...] = (number, kind)
        if isinstance(index, int):
            key = ("index", index, kind)
        elif last[1:] == (kind,) and kind in _STRETCHES and not groups[last][-1].get("signature"):
            key = last
        groups.setdefault(key, []).append(member)
        last = key
    return [merge_pieces(group, depth + 1) for group in groups.values()]
