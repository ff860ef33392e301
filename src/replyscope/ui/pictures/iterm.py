"""iTerm2's protocol: a file, scaled by the terminal to a number of cells.

https://iterm2.com/documentation-images.html
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 256
_PROGRAMS = ("iTerm.app", "WezTerm", "rio")


def draws_files(environment: Mapping[str, str]) -> bool:
    """Whether the terminal draws files. iTerm2 also names itself in `LC_TERMINAL`, which SSH
    passes on.
    """
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2"
    )


def inline_file(image: Image, columns: int) -> str:
    """The sequence that draws a picture at the cursor, in one row of `columns` cells."""
    out = io.BytesIO()
    image.save(out, "PNG")
    data = out.getvalue()
    options = f"inline=1;size={len(data)};width={columns};height=1;preserveAspectRatio=0"
    return f"\x1b]1337;File={options}:{base64.b64encode(data).decode('ascii')}\x07"
