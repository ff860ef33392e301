"""Completes paths: a thread reads the folder, and the wait has a limit.

A folder can be on a disk that does not answer, and must not block the event loop.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from replyscope.engine.attachments import complete_path

Found = list[tuple[str, bool]]
"""Paths to insert, each with whether it is a folder."""
LONGEST_S = 0.3
"""The longest wait for a folder, in seconds: keys wait as long."""


class PathCompletion:
    """Completes paths in a folder. While one folder does not answer, no other folder is read."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._is_reading = False

    async def complete(self, typed: str) -> Found:
        """The files and folders that complete a path; none if the folder does not answer."""
        if self._is_reading:
            return []
        loop, folder = asyncio.get_running_loop(), self._folder()
        answer: asyncio.Future[Found] = loop.create_future()

        def settle(found: Found) -> None:
            self._is_reading = False
            if not answer.done():
                answer.set_result(found)

        def read() -> None:
            found = complete_path(typed, folder)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, found)

        # A daemon: a folder that never answers must not keep the program from ending.
        self._is_reading = True
        Thread(target=read, name="paths", daemon=True).start()
        try:
            async with asyncio.timeout(LONGEST_S):
                return await answer
        except TimeoutError:
            return []
