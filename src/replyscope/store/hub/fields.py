"""Reads and writes a session as stamped fields: see `domain/hub_merge.py`."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from replyscope.domain.hub import Stamp
from replyscope.domain.hub_bodies import UNSHARED, read_settings
from replyscope.domain.hub_merge import (
    CREATED,
    HEAD,
    UPDATED,
    Fields,
    StampedField,
    fields_of_settings,
    tag_field,
    tags_of_fields,
)
from replyscope.domain.json_values import from_ms
from replyscope.domain.session import Session
from replyscope.store import rows
from replyscope.store.codec import encode_settings

_COLUMNS = (
    "title",
    "is_title_given",
    CREATED,
    UPDATED,
    "deleted_at",
    "pinned_at",
    "archived_at",
    "source",
    "client",
    HEAD,
)
_BASE = ""


def read_fields(connection: sqlite3.Connection, session_id: str) -> dict[str, StampedField]:
    """The fields of a session; empty when there is no such session."""
    row = connection.execute(
        f"SELECT {', '.join(_COLUMNS)}, settings FROM session WHERE id = ?", (session_id,)
    ).fetchone()
    if row is None:
        return {}
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
    values["is_title_given"] = bool(values["is_title_given"])
    values |= fields_of_settings(_settings_json(row[-1]))
    for (name,) in connection.execute("SELECT name FROM tag WHERE session_id = ?", (session_id,)):
        values[tag_field(name)] = True
    stamps: dict[str, Stamp] = {}
    base = Stamp(values[CREATED], 0, "")
    for name, at_ms, counter, machine, kept in connection.execute(
        "SELECT name, at_ms, counter, machine, value FROM hub_field WHERE session_id = ?",
        (session_id,),
    ):
        stamps[name] = Stamp(at_ms, counter, machine)
        if kept is not None:
            values[name] = json.loads(kept)
        elif name != _BASE:
            values.setdefault(name, False if name.startswith("tag:") else None)
    base = stamps.pop(_BASE, base)
    return {name: StampedField(value, stamps.get(name, base)) for name, value in values.items()}


def _settings_json(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def write_fields(
    connection: sqlite3.Connection, session_id: str, ours: Fields, merged: Fields
) -> bool:
    """Save the merged fields of a session. Returns whether the session was created.

    A session without a time of creation is not created: it was withdrawn from the hub.
    """
    values = {name: one.value for name, one in merged.items()}
    is_new = not ours
    if is_new:
        if CREATED not in values or UPDATED not in values:
            return False
        _insert(connection, session_id, merged, values)
    else:
        _update(connection, session_id, ours, merged, values)
    _write_stamps(connection, session_id, ours, merged)
    _write_tags(connection, session_id, values)
    place_head(connection, session_id)
    return is_new


def _insert(
    connection: sqlite3.Connection, session_id: str, merged: Fields, values: Mapping[str, Any]
) -> None:
    session = Session(
        id=session_id,
        title=values.get("title") or "",
        created_at=from_ms(values[CREATED]),
        updated_at=from_ms(values[UPDATED]),
        settings=read_settings(merged),
        is_title_given=bool(values.get("is_title_given")),
        deleted_at=_time(values.get("deleted_at")),
        source=values.get("source") or "",
        client=values.get("client") or "",
    )
    rows.insert_session(connection, session)
    connection.execute(
        "UPDATE session SET pinned_at = ?, archived_at = ? WHERE id = ?",
        (values.get("pinned_at"), values.get("archived_at"), session_id),
    )


def _time(value: int | None) -> datetime | None:
    return from_ms(value) if value is not None else None


def _update(
    connection: sqlite3.Connection,
    session_id: str,
    ours: Fields,
    merged: Fields,
    values: Mapping[str, Any],
) -> None:
    changed = {
        name: values[name]
        for name in _COLUMNS
        if name in values and name != HEAD and values[name] != ours[name].value
    }
    for name in ("title", "source", "client"):
        if name in changed:
            changed[name] = rows.storable(changed[name])
    theirs = (name for name, one in merged.items() if one != ours.get(name))
    if any(name.startswith(("settings.", "mark:")) for name in theirs):
        changed["settings"] = encode_settings(read_settings(merged))
    if changed:
        connection.execute(
            f"UPDATE session SET {', '.join(f'{name} = ?' for name in changed)} WHERE id = ?",
            (*changed.values(), session_id),
        )


def _write_stamps(
    connection: sqlite3.Connection, session_id: str, ours: Fields, merged: Fields
) -> None:
    """Save the stamps of the fields that changed. A new session gets one row for the stamp that
    most of its fields have.
    """
    known: dict[str, Stamp] = {}
    base: Stamp | None = None
    if not ours:
        stamps = [one.stamp for one in merged.values()]
        base = max(set(stamps), key=stamps.count)
        _put(connection, session_id, _BASE, base, None)
    else:
        known = {name: one.stamp for name, one in ours.items()}
    for name, one in merged.items():
        # A head may not be in the tree yet, and these fields have no column.
        kept = json.dumps(one.value) if name in (HEAD, UNSHARED) else None
        old = ours.get(name)
        is_same = one.stamp == known.get(name, base) and (old is None or old.value == one.value)
        if kept is not None or not is_same:
            _put(connection, session_id, name, one.stamp, kept)


def _put(
    connection: sqlite3.Connection, session_id: str, name: str, stamp: Stamp, value: str | None
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO hub_field VALUES (?, ?, ?, ?, ?, ?)",
        (session_id, name, stamp.at_ms, stamp.counter, stamp.machine, value),
    )


def _write_tags(connection: sqlite3.Connection, session_id: str, values: Mapping[str, Any]) -> None:
    for name, is_on in tags_of_fields(values).items():
        sql = (
            "INSERT OR IGNORE INTO tag (session_id, name) VALUES (?, ?)"
            if is_on
            else "DELETE FROM tag WHERE session_id = ? AND name = ?"
        )
        connection.execute(sql, (session_id, rows.storable(name)))


def place_head(connection: sqlite3.Connection, session_id: str) -> None:
    """Set the head of a session to the message that its fields name, once that was received.

    Until then the newest message of the tree is the head, so that the session can be opened.
    """
    row = connection.execute(
        "SELECT value FROM hub_field WHERE session_id = ? AND name = ? AND value IS NOT NULL",
        (session_id, HEAD),
    ).fetchone()
    if row is None:
        return
    wanted = json.loads(row[0])
    has_it = wanted is None or _is_in_tree(connection, session_id, wanted)
    if has_it:
        connection.execute("UPDATE session SET head_id = ? WHERE id = ?", (wanted, session_id))
        connection.execute(
            "UPDATE hub_field SET value = NULL WHERE session_id = ? AND name = ?",
            (session_id, HEAD),
        )
        return
    connection.execute(
        "UPDATE session SET head_id = (SELECT id FROM message WHERE session_id = session.id "
        "ORDER BY created_at DESC, rowid DESC LIMIT 1) WHERE id = ? AND head_id IS NULL",
        (session_id,),
    )


def _is_in_tree(connection: sqlite3.Connection, session_id: str, message_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM message WHERE id = ? AND session_id = ?", (message_id, session_id)
    ).fetchone()
    return row is not None


def read_item_stamp(connection: sqlite3.Connection, item_id: str, own_ms: int) -> Stamp:
    """The stamp of a message or exchange."""
    row = connection.execute(
        "SELECT at_ms, counter, machine FROM hub_item WHERE id = ?", (item_id,)
    ).fetchone()
    return item_stamp(row or (None, None, None), own_ms)


def item_stamp(columns: Sequence[Any], own_ms: int) -> Stamp:
    """The stamp of the columns of `hub_item`; by default the item's own time, in milliseconds."""
    at_ms, counter, machine = columns
    return Stamp(max(0, own_ms), 0, "") if at_ms is None else Stamp(at_ms, counter, machine)


def is_unshared(connection: sqlite3.Connection, session_id: str) -> bool:
    """Whether a session was withdrawn from the hub."""
    row = connection.execute(
        "SELECT value FROM hub_field WHERE session_id = ? AND name = ?", (session_id, UNSHARED)
    ).fetchone()
    return row is not None and row[0] == "true"
