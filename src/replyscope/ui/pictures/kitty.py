"""Kitty's graphics protocol with Unicode placeholders: a picture is transmitted once, and then
drawn by cells of text, which scroll like any other.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from replyscope.domain.printable import PLACEHOLDER
from replyscope.domain.regular_file import read_text
from replyscope.ui.pictures.grid import MOST_COLUMNS, Grid

_CHUNK = 4096
_FIRST_VERSION = (0, 28)
"""The first version of Kitty with placeholders."""
_VERSION = re.compile(r"^version\b[^\n]*Version\((\d+), *(\d+)", re.MULTILINE)
_MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")
_NUMBERS = (
    "0305 030d 030e 0310 0312 033d 033e 033f 0346 034a 034b 034c 0350 0351 0352 0357 035b 0363 "
    "0364 0365 0366 0367 0368 0369 036a 036b 036c 036d 036e 036f 0483 0484 0485 0486 0487 0592 "
    "0593 0594 0595 0597 0598 0599 059c 059d 059e 059f 05a0 05a1 05a8 05a9 05ab 05ac 05af 05c4 "
    "0610 0611 0612 0613 0614 0615 0616 0617 0657 0658 0659 065a 065b 065d 065e 06d6 06d7 06d8 "
    "06d9 06da 06db 06dc 06df 06e0 06e1 06e2"
)
NUMBERS = tuple(chr(int(code, 16)) for code in _NUMBERS.split())
"""The combining characters that encode the numbers of rows and columns, from 0."""
assert len(NUMBERS) >= MOST_COLUMNS

OWN = "picture"
"""The key in the meta of a style by which the gate knows our placeholders."""


def draws_placeholders(environment: Mapping[str, str]) -> bool:
    """Whether the terminal draws placeholders. It is not asked: the answer of a terminal that
    is slow, or of another kind, could be read as keys.

    An older Kitty would draw a box for each cell, so its version must not be in doubt: over a
    plain SSH connection its installation is unknown.
    """
    if any(environment.get(name) for name in _MULTIPLEXERS):
        return False  # the variables are those of the terminal outside
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


def image_id(key: str, grid: Grid) -> int:
    """The id of a picture in a grid: 24 bits, never 0."""
    digest = hashlib.sha256(f"{key} {grid.columns} {grid.rows}".encode()).digest()
    return int.from_bytes(digest[:3]) or 1


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


def placeholder_rows(number: int, grid: Grid) -> list[list[Segment]]:
    """The cells that draw a transmitted picture. Each has its own numbers, so that a dialog may
    cover a part.
    """
    color = Color.from_rgb(number >> 16, number >> 8 & 255, number & 255)
    style = Style.from_color(color) + Style(meta={OWN: True})
    columns = NUMBERS[: grid.columns]
    return [
        [Segment("".join(f"{PLACEHOLDER}{row}{column}" for column in columns), style)]
        for row in NUMBERS[: grid.rows]
    ]
