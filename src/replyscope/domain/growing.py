"""Accumulators for text, words and pace that cost O(1) per step."""

from replyscope.domain.unicode_text import join_halves


class GrowingText:
    """A text buffer for many appends and few reads.

    Appending never copies the text; reading joins the new pieces. A surrogate pair that is split
    over two pieces becomes one character.
    """

    __slots__ = ("_high", "_joined", "_length", "_pieces")

    def __init__(self) -> None:
        self._joined = ""
        self._pieces: list[str] = []
        self._length = 0
        self._high = ""

    def append(self, text: str) -> None:
        """Append a piece."""
        if not text:
            return
        if self._high and "\udc00" <= text[0] <= "\udfff":
            self._drop_last()
            text = join_halves(self._high + text)
        self._high = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        self._pieces.append(text)
        self._length += len(text)

    def _drop_last(self) -> None:
        self._length -= 1
        if self._pieces:
            self._pieces[-1] = self._pieces[-1][:-1]
        else:
            self._joined = self._joined[:-1]

    def __len__(self) -> int:
        return self._length

    def __str__(self) -> str:
        if self._pieces:
            self._joined += "".join(self._pieces)
            self._pieces.clear()
        return self._joined


class WordCount:
    """Counts the words of a text that arrives in pieces; pieces may split words."""

    __slots__ = ("_is_in_word", "length", "words")

    def __init__(self) -> None:
        self.length = 0
        self.words = 0
        self._is_in_word = False

    def feed(self, text: str) -> None:
        """Count the words of the next piece."""
        if not text:
            return
        self.words += len(text.split()) - (self._is_in_word and not text[0].isspace())
        self.length += len(text)
        self._is_in_word = not text[-1].isspace()


class Pace:
    """Characters per interval, in at most 128 intervals.

    For a longer reply, neighbours are merged and the interval doubles.
    """

    __slots__ = ("_counts", "stretch_ms")

    def __init__(self) -> None:
        self._counts: list[int] = []
        self.stretch_ms = 125.0

    def add(self, at_ms: float, characters: int) -> None:
        """Count characters that arrived at a time since the first token. Imported frames may
        have times that go back; they count as the first.
        """
        at_ms = max(0.0, at_ms)
        slot = int(at_ms / self.stretch_ms)
        while slot >= 128:
            self._halve()
            slot = int(at_ms / self.stretch_ms)
        counts = self._counts
        if slot >= len(counts):
            counts.extend([0] * (slot + 1 - len(counts)))
        counts[slot] += characters

    def _halve(self) -> None:
        pairs = range(0, len(self._counts), 2)
        self._counts = [sum(self._counts[i : i + 2]) for i in pairs]
        self.stretch_ms *= 2

    @property
    def counts(self) -> tuple[int, ...]:
        """Characters per interval, oldest first."""
        return tuple(self._counts)
