"""Sessions: a session is one saved conversation, with its settings and a tree of messages."""

import json
from collections.abc import Mapping
from dataclasses import field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Attachment, Message
from replyscope.domain.values import dataclass

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema for a reply: a name, and a JSON schema as text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request; None is the server's default.

    `others` are parameters of the catalogue as (name, JSON). `extra` is a JSON object whose
    fields are added to the request. `unset` names parameters that are not sent although the
    provider's settings have them.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    n: int | None = None
    store: bool | None = None
    background: bool | None = None
    metadata: Pairs | None = None
    others: Pairs | None = None
    extra: str | None = None
    extra_headers: Pairs | None = None
    unset: tuple[str, ...] | None = None

    @property
    def needs_catalogue(self) -> bool:
        """Whether only the catalogue of the API's parameters can check all values."""
        return bool(self.others or self.extra or self.extra_headers)

    def merged_over(self, base: "Parameters") -> "Parameters":
        """These parameters; the base's values replace None."""
        below = base.given()
        for name in self.unset or ():
            below.pop(name, None)
        given = self.given()
        for name in _MERGED:
            if name in given and name in below:
                given[name] = below[name] | given[name]
        merged = below | given
        unset = (*(base.unset or ()), *(self.unset or ()))
        left = tuple(name for name in dict.fromkeys(unset) if name not in merged)
        return replace(Parameters().changed(merged), unset=left or None)

    def given(self) -> dict[str, Any]:
        """The values that are set, by name, as JSON values."""
        values = {name: getattr(self, name) for name in _TYPED}
        found: dict[str, Any] = {name: one for name, one in values.items() if one is not None}
        for name in _PAIRED:
            if getattr(self, name) is not None:
                found[name] = dict(getattr(self, name))
        if self.extra is not None:
            found["extra"] = json.loads(self.extra)
        return found | {name: json.loads(text) for name, text in self.others or ()}

    def changed(self, values: Mapping[str, Any]) -> "Parameters":
        """The parameters with other values, by name; None removes a value.

        A value of the wrong type is kept unchanged: a `Parameter` checks it before.
        """
        given = {**self.given(), **values}
        found = {name: value for name, value in given.items() if value is not None}
        made: dict[str, Any] = {name: found.pop(name) for name in _TYPED if name in found}
        for name in _PAIRED:
            made[name] = tuple(found.pop(name, {}).items()) or None
        extra = found.pop("extra", None)
        made["extra"] = json.dumps(extra) if extra else None
        made["others"] = tuple((name, json.dumps(one)) for name, one in found.items()) or None
        unset = (name for name in self.unset or () if values.get(name) is None)
        return Parameters(**made, unset=tuple(unset) or None)

    def inheriting(self, name: str) -> "Parameters":
        """The parameters that send the provider's value of one."""
        rest = tuple(one for one in self.unset or () if one != name)
        return replace(self.changed({name: None}), unset=rest or None)

    def unsetting(self, name: str) -> "Parameters":
        """The parameters with one that is not sent, even if the provider's settings have it."""
        rest = self.changed({name: None})
        return replace(rest, unset=tuple(dict.fromkeys((*(rest.unset or ()), name))))


_PAIRED = ("metadata", "extra_headers")
_MERGED = ("extra", "extra_headers")
"""The parameters whose fields are merged one by one."""
_OF_FORM = (*_PAIRED, "others", "extra", "unset")
_TYPED = tuple(one.name for one in fields(Parameters) if one.name not in _OF_FORM)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The settings of a session: endpoint, model, system prompt, parameters and tools.

    `tools` names the offered tools and sources, None means the tools of the settings file;
    `hosted` are tools of the provider, each as JSON for the request. `preset` names the preset
    whose parameters are under the session's own.

    `left_out` and `pinned` are ids of messages: the first are not sent, the others are kept when
    a request is shortened and when the conversation is compacted. No message is both.
    """

    endpoint: str | None = None
    model: str | None = None
    system: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    schema: Schema | None = None
    tools: tuple[str, ...] | None = None
    hosted: tuple[str, ...] = ()
    preset: str | None = None
    left_out: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    def mark_of(self, message_id: str) -> str:
        """The mark of a message as a word; empty without one."""
        if message_id in self.left_out:
            return "left out"
        return "pinned" if message_id in self.pinned else ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsent message: text, attachments, and the cursor, as the number of characters before
    it. A cursor of None is at the end.
    """

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    cursor: int | None = None


WATCHED = "watch"
"""The source of the sessions of watched programs."""


@dataclass(frozen=True, slots=True)
class Session:
    """The row of a saved conversation; `head_id` is the last message of its current branch.

    `draft` is the text of the unsent message; see `whole_draft`. `stashed` is the number of drafts
    on the stash. `source` is empty for a session of replyscope itself, WATCHED for one of a
    watched program, else the name of the import format; `client` is the watched program.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    settings: SessionSettings = field(default_factory=SessionSettings)
    head_id: str | None = None
    is_title_given: bool = False
    draft: str = ""
    deleted_at: datetime | None = None
    draft_attachments: tuple[Attachment, ...] = ()
    draft_cursor: int | None = None
    stashed: int = 0
    source: str = ""
    client: str = ""

    @property
    def whole_draft(self) -> Draft:
        """The unsent message."""
        return Draft(self.draft, self.draft_attachments, self.draft_cursor)

    def with_draft(self, draft: Draft) -> "Session":
        """The session with another unsent message."""
        return replace(
            self,
            draft=draft.text,
            draft_attachments=draft.attachments,
            draft_cursor=draft.cursor,
        )


class Shelf(StrEnum):
    """The list that a session is in."""

    LISTED = "listed"
    ARCHIVED = "archived"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The row of a session in a list; `state` is that of its newest exchange."""

    id: str
    title: str
    model: str | None
    created_at: datetime
    updated_at: datetime
    exchange_count: int
    state: str
    tags: tuple[str, ...] = ()
    is_pinned: bool = False
    is_archived: bool = False
    is_private: bool = False
    source: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """The sums over exchanges with known values; None without any.

    `tokens` are the input and output tokens that the server reported, `cost_usd` is the
    reported or estimated cost in US dollars.
    """

    tokens: int | None = None
    cost_usd: float | None = None

    def plus(self, exchange: Exchange, times: int = 1) -> "Spent":
        """Add an exchange; with `times` -1 subtract it."""
        tokens = exchange.usage.total_tokens if exchange.usage is not None else None
        cost_usd = exchange.cost_usd
        return Spent(
            self.tokens if tokens is None else (self.tokens or 0) + times * tokens,
            self.cost_usd if cost_usd is None else (self.cost_usd or 0.0) + times * cost_usd,
        )


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session with every message of its tree, oldest first, and their exchanges by id.

    `spent` is the sum over the exchanges. `is_held` is true while this or another process
    writes a reply.
    """

    session: Session
    messages: tuple[Message, ...] = ()
    exchanges: Mapping[str, Exchange] = field(default_factory=dict)
    spent: Spent = Spent()
    is_held: bool = False

    @property
    def branch(self) -> tuple[Message, ...]:
        """The path from the root to the head."""
        return tuple(path_to(self.session.head_id, {m.id: m for m in self.messages}))


def path_to(message_id: str | None, messages: Mapping[str, Message]) -> list[Message]:
    """The messages from the root to a message. Stops at a cycle of a damaged tree."""
    path: list[Message] = []
    seen: set[str] = set()
    while message_id is not None and message_id in messages and message_id not in seen:
        seen.add(message_id)
        path.append(messages[message_id])
        message_id = messages[message_id].parent_id
    return path[::-1]


def title_from(text: str, *, width: int = 48) -> str:
    """A title from the first line of a first message, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.lstrip("#>-* ").split())
    if len(line) <= width:
        return line or "New session"
    cut = line[:width].rsplit(" ", 1)[0]
    return (cut if len(cut) > width // 2 else line[:width]).rstrip(" ,.;:") + "…"
