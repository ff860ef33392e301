"""The parts of a request with their tokens. Pure.

The figures are of one of three sources, which every screen names: an estimate of four
characters a token; the estimate scaled by the usage of the last reply; or the server's own
count of the whole request, shared out by the estimate.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate, pairwise

from replyscope.domain.exchange import Exchange
from replyscope.domain.json_text import object_in, read_json
from replyscope.domain.message import (
    MESSAGE_FIELDS,
    NOTE,
    Attachment,
    Message,
    OpaquePart,
    ReasoningPart,
    Role,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.plural import plural
from replyscope.domain.request import ModelRequest
from replyscope.inspection.context import attachment_tokens, belongs_after, text_tokens, tokens_of

DRAFT_ID = "(draft)"
"""The id of the message that is being written, in a request that is only looked at. No saved
message can have it.
"""
_TOOL_TOKENS = 8
_LONGEST_TITLE = 200
_IN_PARTS = ("message", "function_call", "custom_tool_call")
"""The kinds of output items whose text is in other parts of the message."""
_MOST_FACTOR = 4.0


class PartKind(StrEnum):
    """The kind of a part of a request; the value is its label."""

    SYSTEM = "system prompt"
    TOOLS = "tools"
    SCHEMA = "reply schema"
    MESSAGES = "messages"
    ATTACHMENTS = "attachments"
    REASONING = "reasoning"
    DRAFT = "draft"
    FREE = "free"


class TokenSource(StrEnum):
    """The source of token figures; the value describes it."""

    ESTIMATED = "estimated: four characters a token"
    SCALED = "estimated, and scaled by the usage of the last reply"
    MEASURED = "measured: counted by the server"


@dataclass(frozen=True, slots=True)
class RequestPart:
    """A part of a request: the system prompt, the tools, or one message.

    `content`, `attachments` and `reasoning` are its tokens; reasoning is what is sent back to
    the model. A part that is not sent has the tokens that it would have.
    """

    kind: PartKind
    title: str
    content: int
    attachments: int = 0
    reasoning: int = 0
    message_id: str | None = None
    is_sent: bool = True

    @property
    def tokens(self) -> int:
        """All tokens of the part."""
        return self.content + self.attachments + self.reasoning


@dataclass(frozen=True, slots=True)
class RequestSize:
    """The parts of a request in the order in which they are sent, and the context window.

    `notes` are sentences about what the server has or does itself.
    """

    parts: tuple[RequestPart, ...]
    source: TokenSource = TokenSource.ESTIMATED
    window: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """The tokens of everything that is sent."""
        return sum(part.tokens for part in self.parts if part.is_sent)

    @property
    def free(self) -> int | None:
        """The rest of the window, 0 if the request exceeds it; None if it is unknown."""
        return None if self.window is None else max(0, self.window - self.tokens)

    def by_kind(self) -> list[tuple[PartKind, int]]:
        """The tokens of each kind that is sent, then the free rest of the window."""
        sums: dict[PartKind, int] = {}
        for part in self.parts:
            if part.is_sent:
                sums[part.kind] = sums.get(part.kind, 0) + part.content
                for kind, tokens in (
                    (PartKind.ATTACHMENTS, part.attachments),
                    (PartKind.REASONING, part.reasoning),
                ):
                    sums[kind] = sums.get(kind, 0) + tokens
        rows = [(kind, sums[kind]) for kind in PartKind if sums.get(kind)]
        return [*rows, (PartKind.FREE, self.free)] if self.free is not None else rows

    def measured(self, tokens: int) -> "RequestSize":
        """The size with the server's count of all parts that are sent."""
        flags = [part.is_sent for part in self.parts]
        return replace(
            self, parts=tuple(_scaled_to(self.parts, flags, tokens)), source=TokenSource.MEASURED
        )


def distribute(weights: Sequence[int], total: int) -> list[int]:
    """Whole numbers in proportion to the weights, whose sum is exactly the total.

    Weights of 0 get 0. Without any positive weight, all are 0.
    """
    ends = list(accumulate(weights, initial=0))
    if not ends[-1]:
        return [0] * len(weights)
    marks = [end * total // ends[-1] for end in ends]
    return [after - before for before, after in pairwise(marks)]


def request_size(
    request: ModelRequest,
    branch: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    window: int | None = None,
) -> RequestSize:
    """The parts of a request. The messages of the branch that the request lacks are listed as not
    sent, and must have their parts.
    """
    parts = (*_settings_parts(request), *_message_parts(request, branch))
    notes = tuple(_notes(request))
    for number, message in reversed(list(enumerate(branch))):
        source = message.sources[0] if len(message.sources) == 1 else None
        exchange = exchanges.get(source.exchange_id) if source is not None else None
        if exchange is not None and exchange.usage and exchange.usage.input_tokens:
            if not belongs_after(exchange, branch[:number]):
                continue
            before = {one.id for one in branch[:number]}
            scaled = _scaled_by(parts, exchange, message.id, before)
            return RequestSize(scaled, TokenSource.SCALED, window, notes)
    return RequestSize(parts, TokenSource.ESTIMATED, window, notes)


def _notes(request: ModelRequest) -> Iterator[str]:
    if request.answered:
        yield (
            f"The server keeps the first {plural(request.answered, 'message')}: they are not sent "
            "again, and count."
        )
    if "context_management" in dict(request.parameters.others or ()):
        yield "The parameter context_management is set: the server compacts by itself."


def _settings_parts(request: ModelRequest) -> list[RequestPart]:
    parts = []
    if request.system:
        parts.append(RequestPart(PartKind.SYSTEM, request.system, text_tokens(request.system)))
    texts = [f"{tool.name}{tool.description}{tool.schema}" for tool in request.tools]
    texts += request.hosted
    if texts:
        names = ", ".join([*(tool.name for tool in request.tools), *map(_kind_of, request.hosted)])
        tokens = sum(text_tokens(text) + _TOOL_TOKENS for text in texts)
        parts.append(RequestPart(PartKind.TOOLS, names, tokens))
    if request.schema is not None:
        tokens = text_tokens(request.schema.text)
        parts.append(RequestPart(PartKind.SCHEMA, request.schema.name, tokens))
    return parts


def _kind_of(hosted: str) -> str:
    """The type of a tool of the provider."""
    try:
        value = read_json(hosted)
    except ValueError:
        return hosted
    return str(value.get("type", "tool")) if isinstance(value, dict) else hosted


def _message_parts(request: ModelRequest, branch: Sequence[Message]) -> list[RequestPart]:
    """The rows of the branch, then of the draft. Results that were added for calls that did not
    run count with their reply.
    """
    known = {message.id for message in branch}
    sent = {message.id: message for message in request.messages if message.id in known}
    added: dict[str | None, int] = {}
    parts, drafts = [], []
    for message in request.messages:
        if message.id == DRAFT_ID and message.parts:
            drafts.append(_part_of(message, PartKind.DRAFT))
        elif message.id not in known and message.parts:
            added[message.parent_id] = tokens_of(message.parts)
    for message in branch:
        part = _part_of(sent.get(message.id, message), is_sent=message.id in sent)
        more = added.get(message.id)
        parts.append(replace(part, content=part.content + more) if more else part)
    return [*parts, *drafts]


def _part_of(
    message: Message, kind: PartKind = PartKind.MESSAGES, *, is_sent: bool = True
) -> RequestPart:
    attached = [part for part in message.parts if isinstance(part, Attachment)]
    items = [part for part in message.parts if isinstance(part, OpaquePart)]
    rest = [part for part in message.parts if not isinstance(part, Attachment | ReasoningPart)]
    own = sum(text_tokens(item.payload) for item in items if not _is_counted(item))
    return RequestPart(
        kind,
        title_of(message),
        tokens_of(rest) + own,
        sum(map(attachment_tokens, attached)),
        sum(map(_reasoning_tokens, items)),
        message.id,
        is_sent,
    )


def _is_counted(item: OpaquePart) -> bool:
    """Whether an item's tokens are counted as text or as reasoning, or it is not sent."""
    return item.kind in (*_IN_PARTS, "reasoning", MESSAGE_FIELDS, NOTE)


def _reasoning_tokens(item: OpaquePart) -> int:
    """The tokens of the reasoning that an item sends back."""
    if item.kind == "reasoning":
        return text_tokens(item.payload)
    if item.kind != MESSAGE_FIELDS:
        return 0
    fields = object_in(item.payload)
    fields.pop("content", None)
    return text_tokens("".join(str(value) for value in fields.values()))


def title_of(message: Message) -> str:
    """The beginning of a message in one line: its text, or a description of other content."""
    text = " ".join(message.text[:_LONGEST_TITLE].split())
    calls = [part.name for part in message.parts if isinstance(part, ToolCallPart)]
    results = [part.name for part in message.parts if isinstance(part, ToolResultPart)]
    attached = [part.name for part in message.parts if isinstance(part, Attachment)]
    if message.role is Role.TOOL:
        return f"results: {', '.join(results)}"
    names = [*attached, *(f"calls {name}" for name in calls)]
    return " · ".join(filter(None, (text, ", ".join(names)))) or "no text"


def _scaled_to(
    parts: Sequence[RequestPart], flags: Sequence[bool], tokens: int
) -> list[RequestPart]:
    """The flagged parts with their tokens scaled to a known sum, the others unchanged."""
    sent = [part for part, is_in in zip(parts, flags, strict=True) if is_in]
    weights = [n for part in sent for n in (part.content, part.attachments, part.reasoning)]
    shares = iter(distribute(weights, tokens))
    return [
        replace(part, content=next(shares), attachments=next(shares), reasoning=next(shares))
        if is_in
        else part
        for part, is_in in zip(parts, flags, strict=True)
    ]


def _scaled_by(
    parts: Sequence[RequestPart], exchange: Exchange, reply_id: str, before: Set[str]
) -> tuple[RequestPart, ...]:
    """The parts scaled by a reply's usage: its input tokens are what precedes it, its output
    tokens are the reply. The same factor applies to the parts after it.
    """
    usage = exchange.usage
    assert usage is not None
    assert usage.input_tokens is not None
    counted = {None, *before} - set(exchange.left_out)
    flags = [part.message_id in counted for part in parts]
    estimated = sum(part.tokens for part, is_in in zip(parts, flags, strict=True) if is_in)
    factor = usage.input_tokens / estimated if estimated else 1.0
    factor = max(1 / _MOST_FACTOR, min(factor, _MOST_FACTOR))
    scaled = []
    known = _scaled_to(parts, flags, usage.input_tokens)
    for part, is_in in zip(known, flags, strict=True):
        if is_in:
            scaled.append(part)
        elif part.message_id == reply_id and usage.output_tokens and len(exchange.choices) <= 1:
            reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
            content = usage.output_tokens - reasoning
            scaled.append(
                replace(part, content=content, reasoning=reasoning if part.reasoning else 0)
            )
        else:
            scaled.append(_times(part, factor))
    return tuple(scaled)


def _times(part: RequestPart, factor: float) -> RequestPart:
    return replace(
        part,
        content=round(part.content * factor),
        attachments=round(part.attachments * factor),
        reasoning=round(part.reasoning * factor),
    )


@dataclass(frozen=True, slots=True)
class KindBar:
    """A kind of parts as a bar. It begins where the bar before it ends, in cells."""

    kind: PartKind
    tokens: int
    start: int
    cells: int


def bars_of(size: RequestSize, width: int) -> list[KindBar]:
    """A bar for each kind. Together they fill the width: the window, or the request if the window
    is unknown or too small.
    """
    rows = size.by_kind()
    cells = distribute([tokens for _, tokens in rows], width)
    starts = accumulate(cells, initial=0)
    return [
        KindBar(kind, tokens, start, length)
        for (kind, tokens), start, length in zip(rows, starts, cells, strict=False)
    ]
