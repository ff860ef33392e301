"""A filter that takes the base64 of pictures out of growing Markdown.

A picture in a data URI is one line of up to megabytes, which no parser should read for each
frame. The filter keeps the base64 and leaves a short name of it in the text. Code is not
changed. The output depends on the text alone, never on its chunks.
"""

import re
from collections.abc import Iterator

_OPENING = re.compile(
    r"(?<!`)!\[[^\]\n]{0,200}\]\([ <]{0,2}data:image/(?:png|jpeg|gif|webp);base64,"
)
_ALT = re.compile(r"!\[([^\]\n]{0,200})\]\([ <]{0,2}data:image/\w{3,4};base64,~(\d+)~")
_LONGEST_OPENING = 256
_MOST_DIGITS = 10
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]*")
_NAMED = re.compile(r"\]\([ <]{0,2}data:image/\w{3,4};base64,~(\d+)~")
_FENCE = re.compile(r"[\s>]*(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}(?!.*`)|~{3,})(.*)", re.DOTALL)


class DataImages:
    """The pictures in data URIs of a text that arrives in chunks."""

    def __init__(self) -> None:
        self._images: list[str] = []
        self._open: list[str] | None = None
        """The pieces of the picture that has not ended yet."""
        self._line = ""
        """The beginning and the end of the current line, as far as they matter."""
        self._fence = ""

    def filter(self, chunk: str) -> str:
        """The next chunk of the text without the base64."""
        out: list[str] = []
        for piece in _lines_of(chunk):
            self._filter_line(piece, out)
        return "".join(out)

    def _filter_line(self, rest: str, out: list[str]) -> None:
        """Filter a line, or a part of one, with its end if it is complete."""
        while rest:
            if self._open is not None:
                rest = self._collect(rest, out)
            else:
                line, end, _ = rest.partition("\n")
                after = self._pass(line, out)
                if after is None and end:
                    out.append(end)
                    self._end_line()
                rest = "" if after is None else f"{after}{end}"

    def named_in(self, source: str) -> list[str]:
        """The base64 of the pictures whose names are in a part of the output."""
        if "base64,~" not in source:
            return []
        found = map(self._image, _NAMED.findall(source))
        return [image for image in found if image is not None]

    def pictures(self, output: str) -> list[tuple[str, str]]:
        """The alternative text and the base64 of each picture in the whole output."""
        named = ((alt, self._image(digits)) for alt, digits in _ALT.findall(output))
        return [(alt, image) for alt, image in named if image is not None]

    def _image(self, digits: str) -> str | None:
        """The image with a number; None for a number in the text of the author."""
        number = int(digits) if len(digits) < _MOST_DIGITS else len(self._images)
        return self._images[number] if number < len(self._images) else None

    def _collect(self, chunk: str, out: list[str]) -> str:
        """Keep the base64 at the beginning of a chunk. Returns the text after it."""
        assert self._open is not None
        found = _BASE64.match(chunk)
        end = found.end() if found is not None else 0
        self._open.append(chunk[:end])
        if end < len(chunk):
            out.append(f"~{len(self._images)}~")
            self._images.append("".join(self._open))
            self._open = None
        return chunk[end:]

    def _pass(self, line: str, out: list[str]) -> str | None:
        """Pass a part of a line, up to a picture. Returns what follows its opening, or None."""
        seen = self._line + line
        found = None
        if not self._fence and ";base64," in seen:
            found = next((m for m in _OPENING.finditer(seen) if m.end() > len(self._line)), None)
        if found is None:
            out.append(line)
            self._line = _ends_of(seen)
            return None
        at = found.end() - len(self._line)
        out.append(line[:at])
        self._line = _ends_of(seen[: found.end()])
        self._open = []
        return line[at:]

    def _end_line(self) -> None:
        """Note whether the line began or ended a fence of code."""
        found = _FENCE.match(self._line)
        if found is not None:
            mark, info = found.groups()
            if not self._fence:
                self._fence = mark
            elif mark.startswith(self._fence) and not info.strip():
                self._fence = ""
        self._line = ""


def has_pictures(text: str) -> bool:
    """Whether a text may have a picture in a data URI."""
    return "data:image/" in text


def pictures_in_text(text: str) -> list[tuple[str, str]]:
    """The alternative text and the base64 of each picture in a whole text."""
    images = DataImages()
    return images.pictures(images.filter(text)) if has_pictures(text) else []


def _lines_of(chunk: str) -> Iterator[str]:
    """The lines of a chunk with their ends, without an expression: it takes 0.1 s for 20 MB."""
    start = 0
    while start < len(chunk):
        end = chunk.find("\n", start) + 1 or len(chunk)
        yield chunk[start:end]
        start = end


def _ends_of(line: str) -> str:
    """The beginning of a line, for its fence, and its end, where a picture may begin."""
    if len(line) <= 2 * _LONGEST_OPENING:
        return line
    return f"{line[:_LONGEST_OPENING]}\n{line[-_LONGEST_OPENING:]}"
