"""Finds the place of a call: the session that it continues, or a new one. Pure functions.

A request continues a conversation if it repeats a recorded reply, or names one. A request that
repeats only messages of the person is a new conversation, except that the same program may retry
the same request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replyscope.domain.asked import AskedCall, AskedMessage
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import UNSEEN, Choice, Exchange, ExchangeState, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ReplySource,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.ports import NewId
from replyscope.domain.session import WATCHED, Session, SessionSettings, title_from
from replyscope.domain.watched_store import NewCall, Place
from replyscope.engine.branch import choice_parts
from replyscope.engine.watching.chain import (
    chain,
    conversation_key,
    known_reply_key,
    reply_keys,
    response_key,
    root_of,
)

_NEWEST = 8
_OF_PROGRAM = re.compile(r"\s*<([\w-]+)>.*</\1>\s*", re.DOTALL)
"""A text that agents put before the words of the person, such as <environment_context>."""
_LONGEST_RETRY = timedelta(hours=1)
"""A later request with the same first message is a new conversation."""


@dataclass(frozen=True, slots=True)
class Chained:
    """A request with the keys of its conversation: `root` before the first message."""

    asked: AskedCall
    root: bytes
    keys: tuple[bytes, ...]

    @property
    def last(self) -> bytes:
        """The key of the whole conversation."""
        return self.keys[-1] if self.keys else self.root

    @property
    def newest(self) -> tuple[bytes, ...]:
        """The keys of the longest beginnings: one of them is known of nearly every request.

        All keys of a short request, so that one lookup is enough.
        """
        return self.keys[-_NEWEST:] if self.others else (self.root, *self.keys)

    @property
    def others(self) -> tuple[bytes, ...]:
        """The keys of the shorter beginnings."""
        return (self.root, *self.keys[:-_NEWEST]) if len(self.keys) > _NEWEST else ()

    def replies_after(self, count: int) -> tuple[bytes, ...]:
        """The keys of the replies after a beginning: the session may have them elsewhere."""
        said = (m for m in self.asked.messages[count:] if m.role is Role.ASSISTANT)
        keys = (known_reply_key(m.role, m.parts) for m in said)
        return tuple(key for key in keys if key is not None)


def chained(asked: AskedCall) -> Chained:
    """A request with its keys. Takes as long as hashing it."""
    root = root_of(asked)
    return Chained(asked, root, tuple(chain(root, asked.messages)))


Places = Mapping[bytes, Sequence[Place]]
"""The known places by key, newest first."""


@dataclass(frozen=True, slots=True)
class Found:
    """The place that a request continues; `count` is the number of its messages up to there."""

    place: Place
    count: int


def find_replied(request: Chained, places: Places, client: str) -> Found | None:
    """The longest known beginning of a request with a recorded reply; the stored response or
    conversation that it names is the shortest.

    One of the program's own run comes first: other runs that began alike may have gone further.
    """
    longest: Found | None = None
    for count, key in reversed(tuple(enumerate((request.root, *request.keys)))):
        replied = [p for p in places.get(key, ()) if p.has_reply]
        if not replied:
            continue
        found = Found(_nearest(replied, client), count)
        if found.place.client == client:
            return found
        longest = longest or found
    return longest


def find_place(request: Chained, places: Places, client: str, now: datetime) -> Found | None:
    """The longest known beginning of a request; None for a new conversation."""
    replied = find_replied(request, places, client)
    if replied is not None:
        return replied
    again = [
        place
        for place in places.get(request.last, ())
        if place.client == client and abs(now - place.at) < _LONGEST_RETRY
    ]
    return Found(again[0], len(request.keys)) if again and request.keys else None


def _nearest(places: Sequence[Place], client: str) -> Place:
    """The newest place of the same program, else the newest."""
    return next((place for place in places if place.client == client), places[0])


@dataclass(frozen=True, slots=True)
class Caller:
    """The facts of a call apart from its conversation."""

    client: str
    opening: Exchange
    settings: SessionSettings
    title: str
    sent: RequestSent


def place_call(
    request: Chained,
    found: Found | None,
    places: Places,
    caller: Caller,
    new_id: NewId,
) -> NewCall:
    """The call with its new messages, in the session that it continues or in a new one."""
    at = caller.opening.started_at
    session = _session(request.asked, found, caller, new_id)
    branch = _Branch(request, found, places, caller, session.id, new_id)
    branch.append_rest()
    replies = tuple(
        Message(
            new_id(), Role.ASSISTANT, (), at, branch.tip, (ReplySource(caller.opening.id, index),)
        )
        for index in range(request.asked.choices)
    )
    return NewCall(
        session,
        found is None,
        tuple(branch.messages),
        replies,
        caller.opening,
        tuple(branch.history),
        tuple(branch.places),
        caller.sent,
    )


def _session(asked: AskedCall, found: Found | None, caller: Caller, new_id: NewId) -> Session:
    """The session: of one that exists only the id is used."""
    at = caller.opening.started_at
    prompts = (m for m in asked.messages if m.role is Role.USER)
    texts = [p.text for m in prompts for p in m.parts if isinstance(p, TextPart) and p.text.strip()]
    said = next((text for text in texts if not _OF_PROGRAM.fullmatch(text)), "".join(texts[:1]))
    return Session(
        new_id() if found is None else found.place.session_id,
        title_from(said) if said else caller.title,
        at,
        at,
        replace(caller.settings, system=asked.system),
        source=WATCHED,
        client=caller.client,
    )


class _Branch:
    """The messages of a request that are not saved yet, in a session."""

    def __init__(
        self,
        request: Chained,
        found: Found | None,
        known: Places,
        caller: Caller,
        session_id: str,
        new_id: NewId,
    ) -> None:
        self.tip = found.place.message_id if found is not None else None
        self.messages: list[Message] = []
        self.history: list[Exchange] = []
        self.places: list[Place] = []
        self._request = request
        self._start = found.count if found is not None else 0
        self._has_reply = found is not None and found.place.has_reply
        self._known = known
        self._caller = caller
        self._session_id = session_id
        self._new_id = new_id
        calls = (p for m in request.asked.messages for p in m.parts)
        self._names = {p.call_id: p.name for p in calls if isinstance(p, ToolCallPart)}

    def append_rest(self) -> None:
        """Append the messages after the known beginning."""
        asked = self._request.asked.messages
        for key, message in zip(
            self._request.keys[self._start :], asked[self._start :], strict=True
        ):
            made = self._message(message)
            self.messages.append(made)
            self.tip = made.id
            at, client = made.created_at, self._caller.client
            self.places.append(
                Place(key, self._session_id, made.id, at, self._has_reply, client, made.sources)
            )

    def _message(self, asked: AskedMessage) -> Message:
        at, parts = self._caller.opening.started_at, asked.parts
        sources: tuple[ReplySource, ...] = ()
        if asked.role is Role.ASSISTANT:
            sources, parts = self._sources(asked), ()
        elif asked.role is Role.TOOL:
            parts = tuple(self._named(part) for part in parts)
        return Message(self._new_id(), asked.role, parts, at, self.tip, sources)

    def _named(self, part: Part) -> Part:
        if isinstance(part, ToolResultPart) and not part.name:
            return replace(part, name=self._names.get(part.call_id, ""))
        return part

    def _sources(self, asked: AskedMessage) -> tuple[ReplySource, ...]:
        """The exchange of a reply in the history: the recorded one, if this session has it."""
        key = known_reply_key(asked.role, asked.parts)
        for place in self._known.get(key, ()) if key is not None else ():
            if place.session_id == self._session_id and place.sources:
                self._has_reply = True
                return place.sources
        exchange = _unseen(asked, self._caller.opening, self._new_id())
        self.history.append(exchange)
        return (ReplySource(exchange.id),)


def _unseen(asked: AskedMessage, opening: Exchange, exchange_id: str) -> Exchange:
    """An exchange for a reply that only the history has."""
    texts = [p.text for p in asked.parts if isinstance(p, TextPart)]
    thoughts = [p.text for p in asked.parts if isinstance(p, ReasoningPart)]
    refusals = [p.text for p in asked.parts if isinstance(p, RefusalPart)]
    calls = tuple(
        ToolCall(p.call_id, p.kind, p.name, p.arguments)
        for p in asked.parts
        if isinstance(p, ToolCallPart)
    )
    choice = Choice(
        0,
        "".join(texts),
        reasoning="\n\n".join(thoughts) or None,
        refusal="".join(refusals) or None,
        finish_reason=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
        tool_calls=calls,
    )
    return Exchange(
        exchange_id,
        opening.api,
        opening.endpoint,
        "",
        "unknown",
        opening.started_at,
        ExchangeState.COMPLETED,
        (choice,),
        adaptations=(UNSEEN,),
    )


def reply_places(request: Chained, placed: NewCall, exchange: Exchange) -> tuple[Place, ...]:
    """The places after the replies of an ended exchange, from which a request may continue."""
    session_id, at, client = placed.session.id, exchange.started_at, placed.session.client
    places = []
    for message, source in ((m, s) for m in placed.replies for s in m.sources):
        choice = exchange.choice(source.choice_index)
        parts = choice_parts(choice)
        if not parts:
            continue
        keys = reply_keys(request.last, exchange, choice, parts)
        keys |= {key for key in (known_reply_key(message.role, parts),) if key is not None}
        if exchange.response_id is not None:
            keys.add(response_key(exchange.response_id))
        if request.asked.conversation is not None:
            keys.add(conversation_key(request.asked.conversation))
        places += [
            Place(key, session_id, message.id, at, True, client, message.sources)
            for key in sorted(keys)
        ]
    return tuple(places)
