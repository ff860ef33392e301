"""Estimates how much of a model's context window a conversation fills. Pure.

A token is estimated as four characters. The estimate is scaled by the usage that the last
reply reported for the same messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import (
    Attachment,
    AudioPart,
    DocumentPart,
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
from replyscope.domain.picture import ENOUGH, read_picture
from replyscope.domain.session import SessionSettings
from replyscope.domain.values import dataclass

_CHARACTERS_PER_TOKEN = 4
_IMAGE_TOKENS = 800
"""For an image whose size is unknown."""
_TOKENS_PER_IMAGE, _TOKENS_PER_TILE = 85, 170
_SIDE, _SHORT_SIDE, _TILE = 2_048, 768, 512
"""In pixels: the sides to which an image is scaled, and the side of a tile."""
_AUDIO_TOKENS_PER_S = 10
_BYTES_PER_S = {"wav": 176_400, "mp3": 16_000}
"""The usual rates: stereo at 44.1 kHz, and 128 kbit/s."""
_WAVE_RATE = slice(28, 32)
"""The bytes per second in the header of a WAV file."""
_MESSAGE_TOKENS = 4
_FULL = 0.9
"""The share of the window that a request may fill; the rest is for the reply."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The estimated tokens of a request, and the context window of the model.

    `drops` is the number of oldest messages to leave out so that it fits; None if even the
    newest message alone does not fit.
    """

    tokens: int
    window: int
    drops: int | None
    has_pinned: bool = False
    """Whether pinned messages are among them: these are sent."""

    @property
    def oldest(self) -> str:
        """The messages to leave out, as a phrase."""
        phrase = f"the oldest {self.drops} messages"
        return f"{phrase} but the pinned ones" if self.has_pinned else phrase

    @property
    def is_too_large(self) -> bool:
        """Whether the request exceeds the window."""
        return self.tokens > self.window


def fit_into(
    messages: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    parts: Sequence[Part],
    window: int,
    settings: SessionSettings,
) -> Fit:
    """Estimate a request of the branch's messages and a new one. Exchanges must be loaded."""
    sizes = [tokens_of(message.parts) for message in messages]
    scale = _scale(messages, sizes, exchanges)
    left_out, pinned = set(settings.left_out), set(settings.pinned)
    scaled = [
        0 if message.id in left_out else round(size * scale)
        for message, size in zip(messages, sizes, strict=True)
    ]
    removable = [
        0 if message.id in pinned else size for message, size in zip(messages, scaled, strict=True)
    ]
    new = round(tokens_of(parts) * scale)
    total = sum(scaled) + new
    drops = _drops(removable, total, round(window * _FULL))
    has_pinned = any(message.id in pinned for message in messages[: drops or 0])
    return Fit(total, window, drops, has_pinned)


def belongs_after(exchange: Exchange, before: Iterable[Message]) -> bool:
    """Whether the request of an exchange can have had these messages: none is newer.

    The copy of a pinned reply follows a summary that is newer than its exchange.
    """
    return all(message.created_at <= exchange.started_at for message in before)


def _scale(
    messages: Sequence[Message], sizes: Sequence[int], exchanges: Mapping[str, Exchange]
) -> float:
    """The total tokens that the newest reply reported, as a factor of the estimate. Without such
    a reply at the end of the branch, it is 1.
    """
    if not messages or not messages[-1].sources:
        return 1.0
    exchange = exchanges.get(messages[-1].sources[-1].exchange_id)
    if exchange is None or exchange.usage is None or not exchange.usage.total_tokens:
        return 1.0
    if not belongs_after(exchange, messages[:-1]):
        return 1.0
    lacking = set(exchange.left_out)
    sent = sum(n for m, n in zip(messages, sizes, strict=True) if m.id not in lacking)
    return exchange.usage.total_tokens / sent if sent else 1.0


def _drops(removable: Sequence[int], total: int, room: int) -> int | None:
    """The smallest number of oldest messages to leave out. It is even: turns stay complete."""
    for count, size in enumerate([*removable, 0]):
        if total <= room and count % 2 == 0:
            return count
        total -= size
    return None


def text_tokens(text: str) -> int:
    """The estimated tokens of a text."""
    return len(text) // _CHARACTERS_PER_TOKEN


def tokens_of(parts: Sequence[Part]) -> int:
    """The estimated tokens of a message."""
    total = _MESSAGE_TOKENS
    for part in parts:
        match part:
            case TextPart(text=text) | FilePart(text=text) | ReasoningPart(text=text):
                total += text_tokens(text)
            case RefusalPart(text=text) | ToolResultPart(output=text):
                total += text_tokens(text)
            case ToolCallPart(arguments=text):
                total += text_tokens(text)
            case ImagePart(data=data):
                total += _image_tokens(data)
            case AudioPart():
                total += _audio_tokens(part)
            case DocumentPart(text=text, pages=pages):
                total += text_tokens(text)
                total += sum(_image_tokens(page.data) for page in pages)
    return total


def attachment_tokens(part: Attachment) -> int:
    """The estimated tokens of an attachment, at least 1."""
    return max(1, tokens_of((part,)) - _MESSAGE_TOKENS)


def _audio_tokens(part: AudioPart) -> int:
    """The estimate for a recording, from its duration."""
    rate = _BYTES_PER_S[part.form]
    if part.data[:4] == b"RIFF" and part.data[12:16] == b"fmt ":
        rate = int.from_bytes(part.data[_WAVE_RATE], "little") or rate
    return ceil(len(part.data) / rate * _AUDIO_TOKENS_PER_S)


def _image_tokens(data: bytes) -> int:
    """The estimate for an image: OpenAI's formula of tiles, the most widely copied."""
    picture = read_picture(data[:ENOUGH])
    if picture is None or not picture.width or not picture.height:
        return _IMAGE_TOKENS
    width, height = picture.width, picture.height
    scale = min(1.0, _SIDE / max(width, height))
    scale *= min(1.0, _SHORT_SIDE / (scale * min(width, height)))
    tiles = ceil(width * scale / _TILE) * ceil(height * scale / _TILE)
    return _TOKENS_PER_IMAGE + _TOKENS_PER_TILE * tiles
