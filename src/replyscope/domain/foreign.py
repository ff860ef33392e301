"""Conversations of other programs, and their conversion into sessions.

Ids are derived from the source's ids, so that a second import recognises a session.
"""

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from replyscope.domain.exchange import (
    Api,
    Choice,
    Citation,
    Exchange,
    ExchangeState,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.ids import id_from
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReplySource,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.picture import read_picture
from replyscope.domain.session import Session, SessionSettings, title_from
from replyscope.domain.shared import LeftOut, Shared
from replyscope.domain.sound_numbers import with_sound_numbers

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ForeignTurn:
    """A message of another program. `key` and `parent` are that program's ids.

    The `parts` of a reply hold only its text; `duration_ms` is None if it is unknown. A reader
    copies the numbers of `usage` and `duration_ms` from the file, whatever their type:
    `shared_of` validates them and reports invalid ones.
    `error` is the program's text for why a reply failed; `extras` are unsupported fields, as
    (name, JSON).
    """

    key: str
    role: Role
    parts: tuple[Part, ...]
    at: datetime | None = None
    parent: str | None = None
    model: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    duration_ms: float | None = None
    finish: FinishReason = FinishReason.UNSTATED
    citations: tuple[Citation, ...] = ()
    finish_raw: str | None = None
    error: str = ""
    extras: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignConversation:
    """One conversation of another program; `head` is the key of its last turn."""

    source: str
    key: str
    title: str
    at: datetime | None
    turns: tuple[ForeignTurn, ...]
    system: str | None = None
    head: str | None = None
    tags: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that could not be read, and the reason: a phrase for the person."""

    name: str
    why: str


Foreign = Shared | Unreadable


@dataclass(frozen=True, slots=True)
class Batch:
    """The conversations of a file, read lazily, with the progress: the place, of a size."""

    items: Iterator[Foreign]
    size: int
    place: Callable[[], int]


def shared_of(conversation: ForeignConversation) -> Shared:
    """Convert a conversation into a session."""
    scope = f"{conversation.source}/{conversation.key}"
    ids = {turn.key: _id(f"{scope}/{turn.key}") for turn in conversation.turns}
    began = conversation.at or next((t.at for t in conversation.turns if t.at), _EARLIEST)
    messages, exchanges = [], {}
    last = began
    for turn in conversation.turns:
        at = last = turn.at or last
        key = ids[turn.key]
        parent = ids.get(turn.parent or "")
        if turn.role is Role.ASSISTANT:
            exchange = _exchange(conversation, turn, _id(f"{scope}/{turn.key}/x"), at)
            exchanges[exchange.id] = exchange
            source = (ReplySource(exchange.id, 0),)
            messages.append(Message(key, Role.ASSISTANT, (), at, parent, source))
        else:
            messages.append(Message(key, turn.role, turn.parts, at, parent))
    head = conversation.head if conversation.head in ids else None
    if head is None and conversation.turns:
        head = conversation.turns[-1].key
    said = next((_text(t.parts) for t in conversation.turns if t.role is Role.USER), "")
    session = Session(
        id=_id(scope),
        title=conversation.title.strip()[:200] or title_from(said),
        created_at=began,
        updated_at=max(began, last),
        settings=SessionSettings(system=conversation.system or None),
        head_id=ids[head] if head is not None else None,
        is_title_given=True,
        source=conversation.source,
    )
    tags = tuple(dict.fromkeys((conversation.source, *conversation.tags)))
    left_out = conversation.left_out
    return Shared(session, tuple(messages), exchanges, tags, left_out=left_out)


def _exchange(
    conversation: ForeignConversation, turn: ForeignTurn, exchange_id: str, at: datetime
) -> Exchange:
    choice = Choice(
        0,
        "\n".join(filter(None, (text_of_part(part) for part in turn.parts))),
        reasoning=turn.reasoning or None,
        finish_reason=turn.finish,
        finish_reason_raw=turn.finish_raw,
        tool_calls=turn.calls,
        citations=turn.citations,
    )
    exchange = Exchange(
        id=exchange_id,
        api=Api.CHAT,
        endpoint=conversation.source,
        base_url="",
        model=turn.model or "unknown",
        started_at=at,
        state=ExchangeState.FAILED if turn.error else ExchangeState.COMPLETED,
        choices=(choice,),
        usage=turn.usage,
        timing=Timing(duration_ms=turn.duration_ms or 0.0),
        extras=turn.extras,
        failure=Failure("server", turn.error, "") if turn.error else None,
    )
    return with_sound_numbers(exchange)


def _text(parts: Iterable[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))


def text_of_part(part: Part) -> str:
    """The text of a part in a reply: an image by its name, a file with its text."""
    match part:
        case TextPart(text=text):
            return text
        case FilePart(name=name, text=text) | DocumentPart(name=name, text=text):
            return f"[file {name}]\n{text}"
        case ImagePart():
            return f"[image {part.name}, {part.media_type}, {len(part.data):,} bytes]"
        case AudioPart():
            return f"[audio {part.name}, {part.media_type}, {len(part.data):,} bytes]"
    return ""


def _id(name: str) -> str:
    return id_from(hashlib.sha256(name.encode("utf-8", "replace")).digest())


def in_a_row(turns: Iterable[ForeignTurn]) -> tuple[ForeignTurn, ...]:
    """The turns of a program without a tree: the parent of each is the previous one."""
    made: list[ForeignTurn] = []
    for turn in turns:
        made.append(replace(turn, parent=made[-1].key if made else None))
    return tuple(made)


def tool_turn(
    key: str, parent: str | None, at: datetime | None, name: str, text: str
) -> ForeignTurn:
    """The result of a tool, as a turn."""
    part = ToolResultPart(call_id=parent or key, output=text, name=name)
    return ForeignTurn(key, Role.TOOL, (part,), at, parent)


def time_of(value: object) -> datetime | None:
    """The time from a number of seconds, milliseconds or less since 1970; None if invalid."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < 1e20 or not math.isfinite(value):
        return None
    while value > 1e11:
        value /= 1000
    return datetime.fromtimestamp(value, UTC)


def picture_of(name: str, base64_text: str) -> ImagePart | None:
    """An image from its base64; None for other data."""
    try:
        data = base64.b64decode(base64_text, validate=True)
    except ValueError:
        return None
    picture = read_picture(data)
    return ImagePart(name, picture.media_type, data) if picture is not None else None
