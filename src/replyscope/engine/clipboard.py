"""The picture on the clipboard, read by a program of the system."""

import asyncio
import io
import sys
from collections.abc import Callable, Mapping

from replyscope.domain.errors import AttachmentError
from replyscope.domain.ports import RunProgram
from replyscope.domain.system_words import system_words
from replyscope.domain.values import dataclass

LONGEST_S = 5.0
_MOST_OUTPUT = 100_000_000
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff")

Which = Callable[[str], str | None]
"""The path of a program, None without one."""


@dataclass(frozen=True, slots=True)
class _Program:
    """A program that writes the clipboard to stdout: its types, and a picture of a type."""

    name: str
    package: str
    variable: str
    lists: tuple[str, ...]
    reads: tuple[str, ...]


_PROGRAMS = {
    "wl-paste": _Program(
        "wl-paste",
        "wl-clipboard",
        "WAYLAND_DISPLAY",
        ("--list-types",),
        ("--no-newline", "--type"),
    ),
    "xclip": _Program(
        "xclip",
        "xclip",
        "DISPLAY",
        ("-selection", "clipboard", "-t", "TARGETS", "-o"),
        ("-selection", "clipboard", "-o", "-t"),
    ),
}
"""By name. `variable` is the environment's variable of the desktop."""
_PNGPASTE, _PILLOW = "pngpaste", "pillow"


class Clipboard:
    """Reads pictures from the clipboard. `environment` tells which desktop there is; `grab` reads
    the picture of a desktop without such programs, and blocks.
    """

    def __init__(
        self,
        run: RunProgram,
        which: Which,
        environment: Mapping[str, str],
        platform: str = sys.platform,
        longest_s: float = LONGEST_S,
        grab: Callable[[], bytes | None] | None = None,
    ) -> None:
        self._run = run
        self._which = which
        self._environment = environment
        self._platform = platform
        self._longest_s = longest_s
        self._grab = grab or _grab

    async def picture(self) -> bytes | None:
        """The bytes of the picture; None if there is none. Raises AttachmentError with the name
        of a program that is missing, that fails or that hangs.
        """
        name = self.program()
        if name is None:
            raise self._missing()
        if name == _PILLOW:
            return await self._grabbed()
        if name == _PNGPASTE:  # it fails without a picture; it has no other answer
            return await self._output(name, "-") or None
        program = _PROGRAMS[name]
        types = (await self._output(program.name, *program.lists)).decode("utf-8", "replace")
        kind = next((kind for kind in _PICTURES if kind in types.split()), None)
        if kind is None:
            return None
        data = await self._output(program.name, *program.reads, kind)
        if not data:
            raise AttachmentError("The picture on the clipboard is empty: 0 bytes.")
        return data

    async def _grabbed(self) -> bytes | None:
        """The picture that Pillow reads. Its thread can't be ended, and is left behind."""
        try:
            async with asyncio.timeout(self._longest_s):
                return await asyncio.to_thread(self._grab)
        except TimeoutError as error:
            raise AttachmentError(
                f"The clipboard did not answer within {self._longest_s:g} s.", "Use /attach FILE."
            ) from error

    def program(self) -> str | None:
        """The name of the program that reads pictures; None if it is missing."""
        if self._platform == "darwin":
            return _PNGPASTE if self._which(_PNGPASTE) else _PILLOW
        if self._platform == "win32":
            return _PILLOW
        return next((name for name in self._wanted() if self._which(name)), None)

    def _wanted(self) -> tuple[str, ...]:
        """The programs for this desktop, the best first. A Wayland desktop may have both."""
        return tuple(
            program.name
            for program in _PROGRAMS.values()
            if self._environment.get(program.variable)
        )

    def _missing(self) -> AttachmentError:
        wanted = self._wanted()
        if not wanted:
            return AttachmentError(
                "No clipboard with pictures: neither WAYLAND_DISPLAY nor DISPLAY is set.",
                "Use /attach FILE.",
            )
        package = _PROGRAMS[wanted[0]].package
        return AttachmentError(
            f"There is no {wanted[0]} on this machine.",
            f"Install {package} to paste pictures, or use /attach FILE.",
        )

    async def _output(self, name: str, *arguments: str) -> bytes:
        """The output of a program; empty if it failed, as without a picture."""
        path = self._which(name)
        assert path is not None
        try:
            async with asyncio.timeout(self._longest_s):
                ended = await self._run((path, *arguments), most_output=_MOST_OUTPUT)
        except TimeoutError as error:
            raise AttachmentError(
                f"{name} did not answer within {self._longest_s:g} s.", "Use /attach FILE."
            ) from error
        except OSError as error:
            raise AttachmentError(f"{name} can't be started ({system_words(error)}).") from error
        if ended.is_flooding:
            raise AttachmentError(
                f"The picture on the clipboard is larger than {_MOST_OUTPUT // 1_000_000} MB."
            )
        return ended.output if ended.status == 0 else b""


def _grab() -> bytes | None:
    """The picture on the clipboard of macOS or Windows, as PNG. Blocks."""
    from PIL import Image, ImageGrab  # at the first paste: the start does not need it

    try:
        found = ImageGrab.grabclipboard()
    except (OSError, NotImplementedError, ValueError) as error:
        raise AttachmentError(f'The clipboard can\'t be read ("{error}").') from error
    if not isinstance(found, Image.Image):
        return None
    out = io.BytesIO()
    found.save(out, "PNG")
    return out.getvalue()
