"""Kills a child process and all of its descendants, in any session or process group.

Descendants are found by their parents, and by the environment variable `MARK`, which remains
when their parents have exited. A child that is a subreaper (child.py, on Linux) adopts
orphans, so a descendant cannot hide by clearing its environment.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "REPLYSCOPE_PROCESS"
_PROC = Path("/proc")
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """An entry of the process table. `started` is in clock ticks since boot, or 0 if unknown."""

    pid: int
    parent: int
    group: int
    started: int = 0
    is_zombie: bool = False


def kill_tree(pid: int, mark: str = "") -> None:
    """Kill a process, its group and its descendants. Blocks for some milliseconds.

    The process itself is stopped first and killed last, so that it adopts orphans meanwhile.
    `mark` is the value of MARK in its environment. A pid that is not a child of this process
    is not killed, because the system may have reused it.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        return
    table = read_table()
    root = table.get(pid)
    is_ours = root is not None and root.parent == os.getpid()
    started = root.started if root is not None else 0
    if is_ours:
        _signal(pid, signal.SIGSTOP)
        kill_below(pid)
    for _ in range(_ROUNDS):
        marked = [one for one in read_table().values() if mark and _has_mark(one.pid, mark)]
        if not _kill_all(one for one in marked if one.pid != pid and one.started >= started):
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if is_ours:
        _signal(pid, signal.SIGKILL)


def kill_below(pid: int) -> None:
    """Kill the descendants of a process, but not the process itself."""
    for _ in range(_ROUNDS):  # a fork between reading and killing is seen in the next round
        table = read_table()
        started = table[pid].started if pid in table else 0
        below = [table[one] for one in descendants(table.values(), pid) - {pid}]
        if not _kill_all(one for one in below if one.started >= started):
            break


def _kill_all(entries: Iterable[ProcessEntry]) -> bool:
    """Kill the running processes. Returns whether there were any."""
    alive = [entry for entry in entries if not entry.is_zombie and entry.pid != os.getpid()]
    for entry in alive:
        _signal(entry.pid, signal.SIGKILL)
    return bool(alive)


def descendants(table: Iterable[ProcessEntry], pid: int) -> set[int]:
    """The pids of a process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for entry in table:
        children.setdefault(entry.parent, []).append(entry.pid)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, ())
    return found


def read_table() -> Mapping[int, ProcessEntry]:
    """The process table of this machine, by pid."""
    if (_PROC / "self" / "stat").exists():
        entries = (_read_entry(name) for name in os.listdir(_PROC) if name.isdigit())
        return {entry.pid: entry for entry in entries if entry is not None}
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="], capture_output=True, check=False, text=True
    ).stdout
    rows = [row for line in listed.splitlines() if len(row := line.split()) == 4]
    return {
        int(pid): ProcessEntry(int(pid), int(parent), int(group), is_zombie=state.startswith("Z"))
        for pid, parent, group, state in rows
    }


def _read_entry(name: str) -> ProcessEntry | None:
    """An entry of /proc, or None if the process has ended."""
    try:
        text = (_PROC / name / "stat").read_bytes()
    except OSError:
        return None
    # The program name is in parentheses, and can itself contain parentheses and spaces.
    fields = text[text.rindex(b")") + 2 :].split()
    return ProcessEntry(
        int(name), int(fields[1]), int(fields[2]), int(fields[19]), fields[0] in (b"Z", b"X")
    )


def _has_mark(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # ended, another user's, or a system without /proc
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
