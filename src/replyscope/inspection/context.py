"""How much of a model's context a conversation fills, and what could be left out. Pure.

Nobody counts tokens before the server does: four characters stand for one, corrected
by what the last reply's usage said of the same messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import (
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

_CHARACTERS_PER_TOKEN = 4
_IMAGE_TOKENS = 800
_MESSAGE_TOKENS = 4
_FULL = 0.9
"""A send should leave this much of the window unused for the reply."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What a send would take: tokens (estimated), and the window it has to fit.

    `drops` is how many of the oldest messages would have to be left out; None when
    even the newest alone does not fit.
    """

    tokens: int
    window: int
    drops: int | None

    @property
    def is_too_large(self) -> bool:
        """Whether the send will not fit."""
        return self.tokens > self.window


def fit_into(
    messages: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    parts: Sequence[Part],
    window: int,
) -> Fit:
    """Whether a message of these parts fits after the branch's messages (read in)."""
    sizes = [tokens_of(message.parts) for message in messages]
    known = _known_total(messages, exchanges)
    scale = known / sum(sizes) if known and sum(sizes) else 1.0
    scaled = [round(size * scale) for size in sizes]
    new = round(tokens_of(parts) * scale)
    total = sum(scaled) + new
    return Fit(total, window, _drops(scaled, new, round(window * _FULL)))


def _known_total(messages: Sequence[Message], exchanges: Mapping[str, Exchange]) -> int | None:
    """What the newest reply's usage says of the messages up to it."""
    if not messages or not messages[-1].sources:
        return None
    exchange = exchanges.get(messages[-1].sources[-1].exchange_id)
    return exchange.usage.total_tokens if exchange is not None and exchange.usage else None


def _drops(sizes: Sequence[int], new: int, room: int) -> int | None:
    """The fewest oldest messages without which the rest fits. Turns go whole: in twos."""
    rest = sum(sizes) + new
    for count, size in enumerate([*sizes, 0]):
        if rest <= room and count % 2 == 0:
            return count
        rest -= size
    return None


def tokens_of(parts: Sequence[Part]) -> int:
    """About how many tokens a message takes."""
    total = _MESSAGE_TOKENS
    for part in parts:
        match part:
            case TextPart(text=text) | FilePart(text=text) | ReasoningPart(text=text):
                total += len(text) // _CHARACTERS_PER_TOKEN
            case RefusalPart(text=text) | ToolResultPart(output=text):
                total += len(text) // _CHARACTERS_PER_TOKEN
            case ToolCallPart(arguments=text):
                total += len(text) // _CHARACTERS_PER_TOKEN
            case ImagePart():
                total += _IMAGE_TOKENS
    return total
