"""Kitty's graphics protocol with Unicode placeholders: a picture is transmitted once, and then
drawn by cells of text, which scroll like any other.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from replyscope.domain.regular_file import read_text
from replyscope.ui.pictures.grid import Grid

_CHUNK = 4096
_FIRST_VERSION = (0, 28)
"""The first version of Kitty with placeholders."""
_VERSION = re.compile(r"^version\b[^\n]*Version\((\d+), *(\d+)", re.MULTILINE)


def draws_placeholders(environment: Mapping[str, str]) -> bool:
    """Whether the terminal draws placeholders. It is not asked: the answer of a terminal that
    is slow, or of another kind, could be read as keys.

    An older Kitty would draw a box for each cell, so its version must not be in doubt: over a
    plain SSH connection its installation is unknown.
    """
    if environment.get("TERM") == "xterm-ghostty" or environment.get("TERM_PROGRAM") == "ghostty":
        return True
    folder = environment.get("KITTY_INSTALLATION_DIR", "")
    return bool(environment.get("KITTY_WINDOW_ID") and folder) and not _is_old(Path(folder))


def _is_old(installation: Path) -> bool:
    """Whether the files of a Kitty say that it is too old. The packages of distributions have
    its version in a file; the builds of its author do not, and update themselves.
    """
    try:
        text = read_text(installation / "kitty" / "constants.py", most_bytes=1_000_000)
    except (OSError, UnicodeDecodeError):
        return False
    found = _VERSION.search(text)
    return found is not None and (int(found[1]), int(found[2])) < _FIRST_VERSION


def transmission(number: int, png: bytes, grid: Grid) -> str:
    """The sequences that transmit a picture. The terminal does not answer."""
    encoded = base64.b64encode(png).decode("ascii")
    chunks = [encoded[at : at + _CHUNK] for at in range(0, len(encoded), _CHUNK)]
    first = f"a=T,U=1,f=100,t=d,i={number},c={grid.columns},r={grid.rows},q=2"
    return "".join(
        f"\x1b_G{first if not place else 'q=2'},m={int(place < len(chunks) - 1)};{chunk}\x1b\\"
        for place, chunk in enumerate(chunks)
    )


def deletion(number: int) -> str:
    """The sequence that deletes a picture and its data."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"
