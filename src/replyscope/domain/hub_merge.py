"""Merges the states of a session on several machines. Pure functions.

A session is a map of fields, each with the stamp of its last change; the greater stamp wins.
Messages and exchanges are added by id. A purge removes a session permanently: only its id stays.
Merging is commutative, associative and idempotent, so the order of syncs does not matter.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from replyscope.domain.hybrid_clock import MOST_AHEAD_MS
from replyscope.domain.values import dataclass

if TYPE_CHECKING:  # the start reads no stamp
    from replyscope.domain.hub import Stamp

Value = Any
"""A JSON value."""

CREATED, UPDATED, HEAD = "created_at", "updated_at", "head_id"
_TAG, _MARK = "tag:", "mark:"
_SETTING, _PARAMETER = "settings.", "settings.parameters."
_MARKS = {"left_out": "left out", "pinned": "pinned"}
"""The lists of message ids in settings, with the mark of their messages."""


@dataclass(frozen=True, slots=True)
class StampedField:
    """The value of a field, and the stamp of its last change."""

    value: Value
    stamp: "Stamp"


Fields = Mapping[str, StampedField]


def merge_fields(ours: Fields, theirs: Fields) -> dict[str, StampedField]:
    """The merged fields of a session. Equal stamps have equal values: ours is kept."""
    merged = dict(ours)
    for name, one in theirs.items():
        known = merged.get(name)
        merged[name] = one if known is None else _newer(name, known, one)
    return merged


def _newer(name: str, ours: StampedField, theirs: StampedField) -> StampedField:
    if name in (CREATED, UPDATED):
        pick = min if name == CREATED else max
        value = pick(ours.value, theirs.value)
        return StampedField(value, pick(ours.stamp, theirs.stamp))
    return theirs if theirs.stamp > ours.stamp else ours


def credible(theirs: Fields, ours: Fields, now_ms: int) -> dict[str, StampedField]:
    """The fields without a last change that lies far ahead of the wall clock: the session would
    be the newest for as long. A session that is new here was changed now.
    """
    one = theirs.get(UPDATED)
    if one is None or one.value <= now_ms + MOST_AHEAD_MS:
        return dict(theirs)
    rest = {name: field for name, field in theirs.items() if name != UPDATED}
    return rest if UPDATED in ours else {**rest, UPDATED: StampedField(now_ms, one.stamp)}


def wins(theirs: "Stamp", ours: "Stamp") -> bool:
    """Whether the content of another machine replaces ours."""
    return theirs > ours


def fields_of_settings(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The settings of a session, in JSON, as fields: one for each setting, parameter and mark."""
    found: dict[str, Value] = {}
    for name, value in settings.items():
        if name == "parameters" and isinstance(value, Mapping):
            found |= {f"{_PARAMETER}{key}": one for key, one in value.items()}
        elif name in _MARKS and isinstance(value, list | tuple):
            found |= {f"{_MARK}{key}": _MARKS[name] for key in value}
        else:
            found[f"{_SETTING}{name}"] = value
    return found


def settings_of_fields(fields: Mapping[str, Value]) -> dict[str, Value]:
    """The settings in JSON from the fields of `fields_of_settings`; None is a setting that was
    removed. Other fields are ignored.
    """
    settings: dict[str, Value] = {}
    parameters: dict[str, Value] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name.startswith(_PARAMETER):
            parameters[name.removeprefix(_PARAMETER)] = value
        elif name.startswith(_SETTING):
            settings[name.removeprefix(_SETTING)] = value
    for key, mark in _MARKS.items():
        ids = [n.removeprefix(_MARK) for n, v in fields.items() if _is_mark(n) and v == mark]
        if ids:
            settings[key] = sorted(ids)
    return {**settings, "parameters": parameters} if parameters else settings


def _is_mark(name: str) -> bool:
    return name.startswith(_MARK)


def changed_settings(old: Mapping[str, Value], new: Mapping[str, Value]) -> list[str]:
    """The names of the fields in which two settings differ."""
    before, now = fields_of_settings(old), fields_of_settings(new)
    return sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))


def tag_field(name: str) -> str:
    """The field of a tag."""
    return f"{_TAG}{name}"


def tags_of_fields(fields: Mapping[str, Value]) -> dict[str, bool]:
    """Each tag that a session has or had, and whether it has it."""
    return {n.removeprefix(_TAG): v is True for n, v in fields.items() if n.startswith(_TAG)}
