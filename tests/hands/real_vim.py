"""A real vim in a pseudo-terminal: types keys into texts, and reads what became of them."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

VIM = shutil.which("vim.basic") or shutil.which("vim") or shutil.which("vim.tiny")
_DEADLINE_S = 60.0
_SCRIPT = r"""
set nocompatible nomore shortmess=aoOtTI noswapfile viminfo= shiftwidth=4 expandtab nojoinspaces
set backspace=indent,eol,start esckeys& timeoutlen=10000 noautoindent
func! Load(n)
  enew!
  set undolevels=-1
  call setline(1, readfile('IN/text' . a:n))
  if line('$') > 1 || getline(1) != ''
    exe "normal! a \<BS>\<Esc>"
  endif
  set undolevels=1000
  let place = split(readfile('IN/place' . a:n)[0])
  call cursor(place[0], place[1])
  call setreg('"', '')
endfunc
func! Save(n)
  call writefile(getline(1, '$'), 'OUT/text' . a:n)
  call writefile([line('.') . ' ' . col('.')], 'OUT/place' . a:n)
endfunc
"""


def run_vim(folder: Path, cases: Sequence[tuple[str, int, str]]) -> list[tuple[str, int]]:
    """The text and the cursor after keys, for each text with a cursor. Texts are ASCII."""
    given, made = folder / "in", folder / "out"
    for one in (given, made):
        one.mkdir()
    for number, (text, cursor, _) in enumerate(cases):
        (given / f"text{number}").write_text(text + "\n")
        row, column = text.count("\n", 0, cursor), cursor - (text.rfind("\n", 0, cursor) + 1)
        (given / f"place{number}").write_text(f"{row + 1} {column + 1}\n")
    script = folder / "script.vim"
    script.write_text(_SCRIPT.replace("IN/", f"{given}/").replace("OUT/", f"{made}/"))
    typed = [
        f":call Load({number})\r{keys}\x1b\x1b:call Save({number})\r"
        for number, (_, _, keys) in enumerate(cases)
    ]
    _type(["-u", "NONE", "-i", "NONE", "-S", str(script)], typed, made)
    return [_read(made, number) for number in range(len(cases))]


def _read(folder: Path, number: int) -> tuple[str, int]:
    text = (folder / f"text{number}").read_text().removesuffix("\n")
    row, column = map(int, (folder / f"place{number}").read_text().split())
    start = sum(len(line) + 1 for line in text.split("\n")[: row - 1])
    return text, start + column - 1


def _type(arguments: Sequence[str], typed: Sequence[str], made: Path) -> None:
    """Start vim, type the keys of each case when the one before is done, and end it."""
    assert VIM is not None
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "LC_ALL": "C"}
    vim = subprocess.Popen(
        [VIM, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    deadline = time.monotonic() + _DEADLINE_S
    try:
        _read_output(leader, lambda seen: bool(seen), deadline)  # vim has set up the terminal
        for number, keys in enumerate(typed):
            os.write(leader, keys.encode("ascii"))
            _read_output(leader, partial(_exists, made / f"place{number}"), deadline)
    finally:
        vim.kill()
        vim.wait()
        os.close(leader)


def _exists(path: Path, _seen: bytes) -> bool:
    return path.exists() and path.stat().st_size > 0


def _read_output(leader: int, is_done: Callable[[bytes], bool], deadline: float) -> None:
    """Read what vim prints until a condition."""
    seen = b""
    while not is_done(seen):
        if time.monotonic() > deadline:
            raise TimeoutError(f"vim does not go on: {seen[-400:]!r}")
        if select.select([leader], [], [], 0.002)[0]:
            seen += os.read(leader, 65_536)
