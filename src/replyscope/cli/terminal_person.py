"""The dialogue of `watch --hold` on the terminal: shows a held call and asks what to do."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from replyscope.cli.editor import edit_text
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.domain.watched import Refuse
from replyscope.engine.watching.held_calls import (
    DEFAULT_MESSAGE,
    DEFAULT_STATUS,
    AnswerHeld,
    HeldCall,
    SendHeld,
    Verdict,
    refusal_status,
)
from replyscope.inspection.held_lines import held_lines

T = TypeVar("T")
_MOST_TYPED = 4_096
_ASKED = "[s] send  [e] edit  [r] refuse  [a] answer with a recorded reply: "

Ask = Callable[[str], Awaitable[str | None]]


class Terminal:
    """Reads typed lines. A line whose request was cancelled is dropped."""

    def __init__(self) -> None:
        self._typed: asyncio.Future[str | None] | None = None

    async def ask(self, text: str) -> str | None:
        """Print a text and return the line that is typed; None at the end of the input."""
        sys.stdout.write(text)
        sys.stdout.flush()
        if self._typed is None or self._typed.done():
            self._typed = asyncio.get_running_loop().create_future()
            # A thread of an executor would hold up the end of the program.
            threading.Thread(target=self._read, args=(self._typed,), daemon=True).start()
        return await asyncio.shield(self._typed)

    def _read(self, typed: "asyncio.Future[str | None]") -> None:
        try:
            data = os.read(sys.stdin.fileno(), _MOST_TYPED)
        except OSError:
            data = b""
        line = data.decode("utf-8", "replace").strip() if data else None
        with suppress(RuntimeError):  # the loop has ended
            typed.get_loop().call_soon_threadsafe(typed.set_result, line)


class TerminalPerson:
    """Asks about one held call after another. Implements Person."""

    def __init__(self, ask: Ask, edit: Callable[[str], str] = edit_text) -> None:
        self._ask = ask
        self._edit = edit
        self._turn = asyncio.Lock()

    async def decide(self, held: HeldCall, accept: Callable[[Verdict], Awaitable[T]]) -> T:
        """See Person."""
        async with self._turn:
            try:
                self._say("", *held_lines(held.request, held.facts))
                while True:
                    try:
                        verdict = await self._typed(held)
                        if verdict is not None:
                            return await accept(verdict)
                    except ReplyscopeError as error:
                        self._say(str(error))
            except asyncio.CancelledError:
                self._say("The client left; the call is over.")
                raise

    async def _typed(self, held: HeldCall) -> Verdict | None:
        """The verdict that is typed; None if there is none yet. Raises ReplyscopeError."""
        word = (await self._ask(_ASKED) or "s").lower()
        if word in ("s", "send"):
            return SendHeld()
        if word in ("e", "edit"):
            return SendHeld(await asyncio.to_thread(self._edit, held.text))
        if word in ("r", "refuse"):
            return await self._refused()
        if word in ("a", "answer"):
            what = await self._ask("id of an exchange or a session, or a query: ")
            return AnswerHeld(what) if what else None
        self._say("Type s, e, r or a, then [Enter].")
        return None

    async def _refused(self) -> Verdict:
        """The typed refusal. Raises ReplyscopeError if the status is not an error."""
        typed = await self._ask(f"status [{DEFAULT_STATUS}]: ")
        status = refusal_status(typed or str(DEFAULT_STATUS))
        message = await self._ask(f"message [{DEFAULT_MESSAGE}]: ")
        return Refuse(status, message or DEFAULT_MESSAGE)

    def _say(self, *lines: str) -> None:
        for line in lines:
            print(printable_line(line), flush=True)
