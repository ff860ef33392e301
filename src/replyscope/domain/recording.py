"""The formats of recordings, by their first bytes."""

FORMATS = {"audio/wav": "WAV", "audio/mpeg": "MP3", "audio/ogg": "Ogg", "audio/flac": "FLAC"}
"""The media types of recordings, each with the name of the format."""
_LATEST_ID3 = 32
"""The version after `ID3` is a small number; a text that begins so has a character there."""
_SIGNATURES = (
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


def read_recording(head: bytes) -> str | None:
    """The media type of a recording; None for other bytes."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:3] == b"ID3" and head[3:4] < bytes([_LATEST_ID3]) and len(head) > 3:
        return "audio/mpeg"
    return next((kind for begin, kind in _SIGNATURES if head.startswith(begin)), None)
