"""Collects the recording of a spoken reply, which streams as base64 of raw samples. Pure."""

import base64
import binascii
import struct

from replyscope.domain.exchange import ReplyImage
from replyscope.domain.recording import read_recording

_RATE, _CHANNELS, _BYTES = 24_000, 1, 2
"""Of pcm16, the only format that streams; a whole reply has a format with a header."""


class ReplyAudio:
    """The pieces of one recording, in the order of their arrival."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, piece: object) -> None:
        """Append a piece of base64. Each may be padded."""
        if isinstance(piece, str):
            self._pieces.append(piece)

    def take(self) -> ReplyImage | None:
        """The recording as a file, raw samples as WAV; None without one, or if it is damaged."""
        pieces, self._pieces = self._pieces, []
        try:
            data = b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
        except (binascii.Error, ValueError):
            return None
        if not data:
            return None
        kind = read_recording(data)
        if kind is None:
            kind, data = "audio/wav", _wav_header(len(data)) + data
        return ReplyImage(kind, len(data), data=base64.b64encode(data).decode("ascii"))


def _wav_header(size: int) -> bytes:
    per_s = _RATE * _CHANNELS * _BYTES
    form = struct.pack("<HHIIHH", 1, _CHANNELS, _RATE, per_s, _CHANNELS * _BYTES, 8 * _BYTES)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(body) + size) + body
