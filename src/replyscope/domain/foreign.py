"""Conversations of other programs, and their conversion into sessions.

Ids are derived from the source's ids, so that a second import recognises a session.
"""

import binascii
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
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
from replyscope.domain.values import dataclass

UNKNOWN_MODEL = "unknown"
"""The model of a reply for which the program names none."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The time of a conversation for which the program gives none."""


@dataclass(frozen=True, slots=True)
class ForeignTurn:
    """A message of another program. `key` and `parent` are that program's ids.

    The `parts` of a reply hold only its text; `duration_ms` is None if it is unknown. A reader
    copies the numbers of `usage` and `duration_ms` from the file, whatever their type:
    `shared_of` validates them and reports invalid ones.
    `error` is the program's text for why a reply failed; `extras` are unsupported fields, as
    (name, JSON). `reply_key` is an id of the reply that is the same in copies of the conversation,
    which then share the reply; without one, the reply belongs to this conversation alone.
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
    reply_key: str = ""
    api: Api = Api.CHAT
    response_id: str | None = None
    request_id: str | None = None
    service_tier: str | None = None
    first_token_ms: float | None = None
    cost_usd: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignConversation:
    """One conversation of another program; `head` is the key of its last turn.

    With `grows` it is a piece of a log that may be read while it is written: parents of its turns
    may be in earlier pieces, and a turn that is known already is replaced by its newer form.
    `earlier_head` is the head of the piece before. Without `has_title` the title is only the
    beginning of the first message.
    """

    source: str
    key: str
    title: str
    at: datetime | None
    turns: tuple[ForeignTurn, ...]
    system: str | None = None
    head: str | None = None
    tags: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    grows: bool = False
    has_title: bool = True
    earlier_head: str | None = None


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
    known = {turn.key for turn in conversation.turns}
    began = conversation.at or next((t.at for t in conversation.turns if t.at), EARLIEST)
    messages, exchanges = _messages_of(conversation, scope, known, began)
    last = messages[-1].created_at if messages else began
    head = conversation.head if conversation.head in known or conversation.grows else None
    if head is None and conversation.turns:
        head = conversation.turns[-1].key
    said = next((_text(t.parts) for t in conversation.turns if t.role is Role.USER), "")
    session = Session(
        id=_id(scope),
        title=conversation.title.strip()[:200] or title_from(said),
        created_at=began,
        updated_at=max(began, last),
        settings=SessionSettings(system=conversation.system or None),
        head_id=_id(f"{scope}/{head}") if head is not None else None,
        is_title_given=conversation.has_title,
        source=conversation.source,
    )
    earlier = conversation.earlier_head
    tags = tuple(dict.fromkeys((conversation.source, *conversation.tags)))
    left_out = conversation.left_out
    return Shared(
        session,
        tuple(messages),
        exchanges,
        tags,
        left_out=left_out,
        grows=conversation.grows,
        earlier_head_id=_id(f"{scope}/{earlier}") if earlier is not None else None,
    )


def _messages_of(
    conversation: ForeignConversation, scope: str, known: set[str], began: datetime
) -> tuple[list[Message], dict[str, Exchange]]:
    """The messages of a conversation, and the exchanges of its replies."""
    messages: list[Message] = []
    exchanges: dict[str, Exchange] = {}
    at = began
    for turn in conversation.turns:
        at = turn.at or at
        key, parent = _id(f"{scope}/{turn.key}"), None
        if turn.parent is not None and (turn.parent in known or conversation.grows):
            parent = _id(f"{scope}/{turn.parent}")
        if turn.role is Role.ASSISTANT:
            own = f"{conversation.source}//{turn.reply_key}" if turn.reply_key else ""
            exchange = _exchange(conversation, turn, _id(f"{own or f'{scope}/{turn.key}'}/x"), at)
            exchanges[exchange.id] = exchange
            source = (ReplySource(exchange.id, 0),)
            messages.append(Message(key, Role.ASSISTANT, (), at, parent, source))
        else:
            messages.append(Message(key, turn.role, turn.parts, at, parent))
    return messages, exchanges


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
        api=turn.api,
        endpoint=conversation.source,
        base_url="",
        model=turn.model or UNKNOWN_MODEL,
        started_at=at,
        state=_state(turn),
        choices=(choice,),
        usage=turn.usage,
        timing=Timing(first_token_ms=turn.first_token_ms, duration_ms=turn.duration_ms or 0.0),
        reported_cost_usd=turn.cost_usd,
        max_tokens=turn.max_tokens,
        response_id=turn.response_id,
        request_id=turn.request_id,
        service_tier=turn.service_tier,
        extras=turn.extras,
        failure=Failure("server", turn.error, "") if turn.error else None,
    )
    return with_sound_numbers(exchange)


def _state(turn: ForeignTurn) -> ExchangeState:
    if turn.error:
        return ExchangeState.FAILED
    is_cancelled = turn.finish is FinishReason.CANCELLED
    return ExchangeState.CANCELLED if is_cancelled else ExchangeState.COMPLETED


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
    return id_of((name,))


def id_of(texts: Iterable[str]) -> str:
    """The id that is made from a text, given in parts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "replace"))
    return id_from(digest.digest())


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
        # Without the copy as bytes that base64.b64decode makes.
        data = binascii.a2b_base64(base64_text, strict_mode=True)
    except ValueError:
        return None
    picture = read_picture(data)
    return ImagePart(name, picture.media_type, data) if picture is not None else None
