"""Entries for hubs, with the bodies that a machine sends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from replyscope.domain.exchange import Exchange
from replyscope.domain.hub import EntryKind, HubEntry, Stamp
from replyscope.domain.hub_bodies import session_body
from replyscope.domain.hub_merge import StampedField
from replyscope.domain.json_values import exchange_to_json, parts_to_json, to_ms
from replyscope.domain.message import Part, TextPart

START_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class Log:
    """Makes the entries of a machine's log, numbered from 1."""

    def __init__(self, machine: str = "laptop", *, is_shared: bool = False) -> None:
        self.machine = machine
        self.is_shared = is_shared
        self.number = 0

    def entry(
        self, kind: EntryKind, key: str, session_id: str, body: Mapping[str, Any], at_ms: int = 0
    ) -> HubEntry:
        """The next entry."""
        self.number += 1
        stamp = Stamp(at_ms or self.number, 0, self.machine)
        data = json.dumps(body).encode("utf-8")
        return HubEntry(self.number, kind, key, session_id, stamp, data, self.is_shared)

    def session(self, key: str, at_ms: int = 1, **fields: Any) -> HubEntry:
        """The fields of a session, each stamped with one time. `tags` are names."""
        named = {f"tag:{tag}": True for tag in fields.pop("tags", ())} | fields
        named |= {"created_at": to_ms(START_AT), "updated_at": to_ms(START_AT)}
        stamp = Stamp(at_ms, 0, self.machine)
        body = session_body({name: StampedField(value, stamp) for name, value in named.items()})
        return self.entry(EntryKind.SESSION, key, key, json.loads(body))

    def message(
        self,
        key: str,
        session_id: str,
        parts: Sequence[Part] = (),
        *,
        role: str = "user",
        parent: str | None = None,
        sources: Sequence[tuple[str, int]] = (),
    ) -> HubEntry:
        """A message of a tree."""
        body = {
            "role": role,
            "parent_id": parent,
            "created_at": to_ms(START_AT),
            "parts": parts_to_json(parts),
            "sources": [[exchange, choice, False] for exchange, choice in sources],
        }
        return self.entry(EntryKind.MESSAGE, key, session_id, body)

    def exchange(
        self, exchange: Exchange, session_id: str, message_id: str, frames: Sequence[str] = ()
    ) -> HubEntry:
        """An ended exchange with its frames."""
        body = {
            "exchange": exchange_to_json(exchange),
            "message_id": message_id,
            "position": 0,
            "choice_index": 0,
            "sources": [[message_id, 0, 0]],
            "frames": [[float(n), text] for n, text in enumerate(frames)],
            "request": None,
        }
        return self.entry(EntryKind.EXCHANGE, exchange.id, session_id, body)

    def purge(self, session_id: str) -> HubEntry:
        """The removal of a session."""
        return self.entry(EntryKind.PURGE, session_id, session_id, {})

    def turn(
        self, name: str, said: str, exchange: Exchange, days: int = 0, **fields: Any
    ) -> list[HubEntry]:
        """A session of one message and one reply, like that of the local store's tests."""
        at = START_AT + timedelta(days=days)
        exchange = replace(exchange, id=f"{name}-x", started_at=at)
        reply = [(exchange.id, 0)]
        return [
            self.session(name, **{"title": f"Title of {name}", **fields}),
            self.message(f"{name}-u", name, (TextPart(said),)),
            self.message(f"{name}-a", name, role="assistant", parent=f"{name}-u", sources=reply),
            self.exchange(exchange, name, f"{name}-a", [f"data: {said}\n\n"]),
        ]
