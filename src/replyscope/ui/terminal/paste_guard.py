"""Keeps what is pasted a paste.

Text copied from a terminal may hold escape characters. Textual's parser ends a bracketed
paste at the first of them and takes the rest for keys, line breaks for Enter included.
Here they become visible symbols before the parser sees them.
"""

_BEGIN = "\x1b[200~"
_END = "\x1b[201~"
_SYMBOLS = {n: chr(0x2400 + n) for n in range(0x20) if n not in (0x09, 0x0A, 0x0D)}
_SYMBOLS[0x7F] = "\N{SYMBOL FOR DELETE}"


class PasteGuard:
    """Filters what the terminal sends, in chunks of any size."""

    def __init__(self) -> None:
        self._is_pasting = False
        self._held = ""
        self._tail = ""

    def filter(self, data: str) -> str:
        """What the parser may see of the next chunk.

        In a paste, the beginning of its end marker waits for the rest. Outside, nothing
        waits: an Escape has to be heard at once.
        """
        data, self._held = self._held + data, ""
        out: list[str] = []
        while data:
            passed, data = self._pasted(data) if self._is_pasting else self._typed(data)
            out.append(passed)
        return "".join(out)

    def _typed(self, data: str) -> tuple[str, str]:
        """What goes through up to a paste's begin marker, and what follows it."""
        seen = self._tail + data
        at = seen.find(_BEGIN)
        if at < 0:
            self._tail = seen[-(len(_BEGIN) - 1) :]
            return data, ""
        self._is_pasting, end = True, at + len(_BEGIN) - len(self._tail)
        self._tail = ""
        return data[:end], data[end:]

    def _pasted(self, data: str) -> tuple[str, str]:
        """What goes through up to the end marker, and what follows it."""
        before, marker, rest = data.partition(_END)
        if marker:
            self._is_pasting = False
        else:
            keep = len(before) - _begun(before)
            before, self._held = before[:keep], before[keep:]
        return before.translate(_SYMBOLS) + marker, rest


def _begun(text: str) -> int:
    """How many characters at the end may be the beginning of the end marker."""
    return next((n for n in range(len(_END) - 1, 0, -1) if text.endswith(_END[:n])), 0)
