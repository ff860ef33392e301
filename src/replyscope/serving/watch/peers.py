"""Identifies the program at the other end of a connection: by user agent, on Linux by process.

A thread reads the tables of /proc, once for each connection.
"""

import asyncio
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replyscope.domain.printable import printable_line
from replyscope.domain.secret_shapes import without_keys
from replyscope.domain.typed_number import whole_number

_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")
_MOST_OF_A_COMMAND = 200
_MOST_OF_A_NAME = 60
_MOST_KNOWN = 16
_CLOSE_S = 1.0
_WAIT_S = 0.005
_TABLE_PART = 65_536
_PRODUCT = re.compile(r"\s*([^\s(]+?)(?:[/ ]v?\d[^\s]*)?(?=[\s(]|$)")


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its id and its command line, without keys."""

    pid: int
    command: str


class Peers:
    """Finds the processes of clients. Processes that were found before are looked at first."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "peers")
        self._known: list[int] = []
        self._running: set[asyncio.Future[Process | None]] = set()

    def look_up(self, addresses: tuple[Any, Any]) -> asyncio.Future[Process | None]:
        """Begin to find the process of a client, by the client's and the server's address."""
        if sys.platform != "linux" or not all(addresses):
            loop = asyncio.get_running_loop()
            nothing: asyncio.Future[Process | None] = loop.create_future()
            nothing.set_result(None)
            return nothing
        found = asyncio.ensure_future(self._look_up(*addresses))
        self._running.add(found)
        found.add_done_callback(self._running.discard)
        return found

    async def _look_up(self, client: Any, server: Any) -> Process | None:
        # Later than an upstream that answers at once: its first byte must not wait for this.
        await asyncio.sleep(_WAIT_S)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._find, client[1], server[1])

    async def close(self) -> None:
        """End the thread. Everyone who waits for a process has heard of it afterwards."""
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSE_S)
        left = tuple(self._running)
        for one in left:
            one.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _find(self, client_port: int, server_port: int) -> Process | None:
        inode = _inode_of(client_port, server_port)
        if inode is None:
            return None
        link = f"socket:[{inode}]"
        for pid in (*self._known, *_pids()):
            if _has_open(pid, link):
                self._known = [pid, *(one for one in self._known if one != pid)][:_MOST_KNOWN]
                return Process(pid, _command_of(pid))
        return None


def client_name(user_agent: str) -> str:
    """The name in a user agent, without its version; empty without one."""
    product = _PRODUCT.match(user_agent)
    return printable_line(product[1] if product else "")[:_MOST_OF_A_NAME]


def _inode_of(client_port: int, server_port: int) -> str | None:
    """The inode of the client's socket, from the system's tables of connections."""
    # One search over all bytes: a loop over thousands of lines would hold up the event loop.
    line = rb" [0-9A-F]+:%04X [0-9A-F]+:%04X [^\n]{40,80}? \d+ +\d+ (\d+) "
    pattern = re.compile(line % (client_port, server_port))
    for table in _TABLES:
        with suppress(OSError), (_PROC / table).open("rb", buffering=0) as file:
            while data := file.read(_TABLE_PART):
                found = pattern.search(data)
                if found is not None and found[1] != b"0":
                    return found[1].decode("ascii")
    return None


def _pids() -> list[int]:
    """All processes, the newest first: a client has often just begun."""
    try:
        names = os.listdir(_PROC)
    except OSError:
        return []
    pids = [pid for name in names if (pid := whole_number(name)) is not None]
    return sorted(pids, reverse=True)


def _has_open(pid: int, link: str) -> bool:
    """Whether a process has a socket open; False for processes of other users."""
    with suppress(OSError), os.scandir(_PROC / str(pid) / "fd") as entries:
        for entry in entries:
            with suppress(OSError):
                if os.readlink(entry.path) == link:
                    return True
    return False


def _command_of(pid: int) -> str:
    try:
        with (_PROC / str(pid) / "cmdline").open("rb") as file:
            words = file.read(4 * _MOST_OF_A_COMMAND)
    except OSError:
        return ""
    text = words.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    return printable_line(without_keys(text))[:_MOST_OF_A_COMMAND]
