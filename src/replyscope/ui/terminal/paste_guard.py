"""An input filter that makes control characters in pasted text visible.

Text copied from a terminal may contain escape characters. Textual's parser ends a bracketed
paste at the first of them and reads the rest as keys, line breaks as Enter. This filter
replaces them by symbols before the parser reads them.
"""

_BEGIN = "\x1b[200~"
_END = "\x1b[201~"
_SYMBOLS = {n: chr(0x2400 + n) for n in range(0x20) if n not in (0x09, 0x0A, 0x0D)}
_SYMBOLS[0x7F] = "\N{SYMBOL FOR DELETE}"


class PasteGuard:
    """A filter of the terminal's input, which arrives in chunks of any size."""

    def __init__(self) -> None:
        self._is_pasting = False
        self._held = ""
        self._tail = ""

    def filter(self, data: str) -> str:
        """The filtered text of the next chunk, for the parser.

        Within a paste, the first characters of the end marker are held until the rest
        arrives. Outside a paste nothing is held: Escape must act at once.
        """
        data, self._held = self._held + data, ""
        out: list[str] = []
        while data:
            passed, data = self._pasted(data) if self._is_pasting else self._typed(data)
            out.append(passed)
        return "".join(out)

    def _typed(self, data: str) -> tuple[str, str]:
        """The text up to and with the begin marker of a paste, and the text after it."""
        seen = self._tail + data
        at = seen.find(_BEGIN)
        if at < 0:
            self._tail = seen[-(len(_BEGIN) - 1) :]
            return data, ""
        self._is_pasting, end = True, at + len(_BEGIN) - len(self._tail)
        self._tail = ""
        return data[:end], data[end:]

    def _pasted(self, data: str) -> tuple[str, str]:
        """The filtered text up to and with the end marker, and the text after it."""
        before, marker, rest = data.partition(_END)
        if marker:
            self._is_pasting = False
        else:
            keep = len(before) - _begun(before)
            before, self._held = before[:keep], before[keep:]
        return before.translate(_SYMBOLS) + marker, rest


def _begun(text: str) -> int:
    """The number of characters at the end that may begin the end marker."""
    return next((n for n in range(len(_END) - 1, 0, -1) if text.endswith(_END[:n])), 0)
