"""The picture on the clipboard: real programs, that have one, have none, fail, flood or hang."""

import os
import threading
import time
from pathlib import Path

import pytest

from replyscope.cli.attaching import run_program
from replyscope.domain.errors import AttachmentError
from replyscope.engine.clipboard import Clipboard
from tests.support.attached import png

WAYLAND, X11 = {"WAYLAND_DISPLAY": "wayland-0"}, {"DISPLAY": ":0"}
DESKTOPS = [
    ("wl-paste", WAYLAND, "linux", "--list-types"),
    ("xclip", X11, "linux", "TARGETS"),
    ("xclip", {**X11, **WAYLAND}, "linux", "TARGETS"),  # a Wayland desktop with X programs
    ("pngpaste", {}, "darwin", "nolist"),
]


class Programs:
    """A folder of programs, and the clipboard that is read with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def which(self, name: str) -> str | None:
        path = self.folder / name
        return str(path) if path.exists() else None

    def clipboard(
        self, environment: dict[str, str], platform: str = "linux", longest_s: float = 5.0
    ) -> Clipboard:
        return Clipboard(run_program, self.which, environment, platform, longest_s)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    if os.name == "nt":
        pytest.skip("needs shell scripts")
    return Programs(tmp_path)


@pytest.mark.parametrize(("name", "environment", "platform", "lists"), DESKTOPS)
async def test_a_picture_is_read_with_the_program_of_the_desktop(
    programs: Programs, name: str, environment: dict[str, str], platform: str, lists: str
) -> None:
    picture = programs.folder / "picture"
    picture.write_bytes(png())
    answer = f'*) cat "{picture}";;'
    programs.add(
        name,
        f'echo "$*" >> "{programs.folder}/calls"\n'
        f'case "$*" in *{lists}*) printf "text/html\\nimage/png\\n";; {answer} esac',
    )
    assert await programs.clipboard(environment, platform).picture() == png()
    calls = (programs.folder / "calls").read_text().splitlines()
    if platform == "linux":
        assert "image/png" in calls[1]


@pytest.mark.parametrize(("name", "environment", "platform", "lists"), DESKTOPS)
async def test_without_a_picture_there_is_none(
    programs: Programs, name: str, environment: dict[str, str], platform: str, lists: str
) -> None:
    programs.add(name, f'case "$*" in *{lists}*) echo UTF8_STRING;; *) exit 1;; esac')
    assert await programs.clipboard(environment, platform).picture() is None
    programs.add(name, "echo Error: target not available >&2; exit 1")
    assert await programs.clipboard(environment, platform).picture() is None


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (WAYLAND, "There is no wl-paste on this machine. Install wl-clipboard"),
        (X11, "There is no xclip on this machine. Install xclip"),
        ({**X11, **WAYLAND}, "There is no wl-paste"),
        ({}, "neither WAYLAND_DISPLAY nor DISPLAY is set"),
    ],
)
async def test_a_missing_program_is_named(
    programs: Programs, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(AttachmentError, match=said):
        await programs.clipboard(environment).picture()


@pytest.mark.parametrize("script", ["sleep 60", "trap '' TERM HUP; sleep 60 & wait"])
async def test_a_program_that_hangs_is_ended(programs: Programs, script: str) -> None:
    programs.add("xclip", f'echo $$ > "{programs.folder}/pid"\n{script}')
    began = time.monotonic()
    with pytest.raises(AttachmentError, match=r"xclip did not answer within 0\.5 s"):
        await programs.clipboard(X11, longest_s=0.5).picture()
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((programs.folder / "pid").read_text()), 0)


async def test_a_clipboard_of_the_system_that_hangs_is_a_sentence() -> None:
    goes_on = threading.Event()

    def grab() -> bytes | None:
        goes_on.wait(20)
        return None

    clipboard = Clipboard(run_program, lambda _name: None, {}, "win32", 0.2, grab)
    began = time.monotonic()
    with pytest.raises(AttachmentError, match=r"did not answer within 0\.2 s"):
        await clipboard.picture()
    assert time.monotonic() - began < 10
    goes_on.set()


async def test_an_empty_picture_and_one_that_never_ends_are_sentences(programs: Programs) -> None:
    programs.add("xclip", 'case "$*" in *TARGETS*) echo image/png;; esac')
    with pytest.raises(AttachmentError, match="empty: 0 bytes"):
        await programs.clipboard(X11).picture()
    programs.add("xclip", 'case "$*" in *TARGETS*) echo image/png;; *) cat /dev/zero;; esac')
    with pytest.raises(AttachmentError, match="larger than 100 MB"):
        await programs.clipboard(X11, longest_s=60).picture()


async def test_the_program_gets_no_secret(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("DISPLAY", ":0")
    programs.add("xclip", f'env > "{programs.folder}/env"')
    await programs.clipboard(X11).picture()
    given = (programs.folder / "env").read_text()
    assert "sk-planted" not in given
    assert "DISPLAY=:0" in given
