"""Merges the states of a session on several machines. Pure functions.

A session is a map of fields, each with the stamp of its last change; the greater stamp wins.
Messages and exchanges are added by id. A purge removes a session permanently: only its id stays.
Merging is commutative, associative and idempotent, so the order of syncs does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    stamp: Stamp


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


@dataclass(frozen=True, slots=True)
class Item:
    """A message or an exchange: its content, and the stamp under which it was saved."""

    session_id: str
    parent_id: str | None
    content: Value
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Replica:
    """Everything that one machine knows: sessions, the items of their trees, and purged ids."""

    sessions: Mapping[str, Fields] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    purged: frozenset[str] = frozenset()

    def head_of(self, session_id: str) -> str | None:
        """The last message of the current branch. A head that is not in the tree is replaced by
        the newest message of the tree.
        """
        tree = {key: one for key, one in self.items.items() if one.session_id == session_id}
        named = self.sessions.get(session_id, {}).get(HEAD)
        if named is not None and named.value in tree:
            return str(named.value)
        return max(tree, key=lambda key: (tree[key].stamp, key), default=None)


def merge_replicas(ours: Replica, theirs: Replica) -> Replica:
    """Everything that one of two machines knows, without what one of them has purged."""
    purged = ours.purged | theirs.purged
    names = (ours.sessions.keys() | theirs.sessions.keys()) - purged
    sessions = {
        name: merge_fields(ours.sessions.get(name, {}), theirs.sessions.get(name, {}))
        for name in names
    }
    items = dict(ours.items)
    for key, one in theirs.items.items():
        known = items.get(key)
        if known is None or wins(one.stamp, known.stamp):
            items[key] = one
    kept = {key: one for key, one in items.items() if one.session_id not in purged}
    return Replica(sessions, kept, purged)


def wins(theirs: Stamp, ours: Stamp) -> bool:
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
