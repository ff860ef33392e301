"""The dialogue of `watch --hold` on the terminal: shows a held call and asks what to do."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from replyscope.cli.editor import edit_text
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.facts import Facts
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.matching import matches
from replyscope.domain.printable import printable_line
from replyscope.domain.query import Query
from replyscope.domain.typed_number import whole_number
from replyscope.domain.watched import WatchedRequest
from replyscope.serving.gate import AnswerRecorded, Decision, Refuse, Send
from replyscope.serving.mock.matching import find_recording
from replyscope.serving.mock.recording import Recording

_MOST_OF_A_LINE = 200
_LINES = 6
_MOST_TYPED = 4_096
_ASKED = "[s] send  [e] edit  [r] refuse  [a] answer with a recorded reply: "
_DEFAULT_STATUS, _DEFAULT_MESSAGE = 403, "The call was refused in replyscope watch."

Ask = Callable[[str], Awaitable[str | None]]
Find = Callable[[str], Awaitable[Sequence[Recording]]]


class Terminal:
    """Reads typed lines. A line that was asked for and not awaited to its end is dropped."""

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


class TerminalGate:
    """Holds the calls that match a query until a person decides, one after another.

    `facts` returns the facts of a request, `find` the recordings of an id or a query. Implements
    Gate.
    """

    def __init__(
        self,
        query: Query,
        facts: Callable[[WatchedRequest], Facts],
        api_of: Callable[[WatchedRequest], Api | None],
        find: Find,
        ask: Ask,
        edit: Callable[[str], str] = edit_text,
    ) -> None:
        self._query = query
        self._facts = facts
        self._api_of = api_of
        self._find = find
        self._ask = ask
        self._edit = edit
        self._turn = asyncio.Lock()

    async def decide(self, request: WatchedRequest) -> Decision:
        """See Gate."""
        facts = await asyncio.to_thread(self._facts, request)
        if not matches(self._query, facts, request.at.astimezone()):
            return Send()
        async with self._turn:
            try:
                return await self._decide(request, facts)
            except asyncio.CancelledError:
                self._say("The client left; the call is over.")
                raise

    async def _decide(self, request: WatchedRequest, facts: Facts) -> Decision:
        self._say("", *held_lines(request, facts))
        while True:
            typed = await self._ask(_ASKED)
            word = (typed or "s").lower()
            if word in ("s", "send"):
                return Send()
            decision: Decision | None = None
            if word in ("e", "edit"):
                decision = await self._edited(request)
            elif word in ("r", "refuse"):
                decision = await self._refused()
            elif word in ("a", "answer"):
                decision = await self._answered(request)
            else:
                self._say("Type s, e, r or a, then [Enter].")
            if decision is not None:
                return decision

    async def _edited(self, request: WatchedRequest) -> Decision | None:
        """The request as it is edited; None if the text is not JSON."""
        value = _object(request.body)
        before = (
            json.dumps(value, indent=2, ensure_ascii=False)
            if value is not None
            else (request.body.decode("utf-8", "replace"))
        )
        try:
            text = await asyncio.to_thread(self._edit, before)
            edited = read_bounded_json(text)
        except ReplyscopeError as error:
            self._say(str(error))
            return None
        except ValueError as error:
            self._say(f"The edited text is not JSON ({error}). Nothing was sent.")
            return None
        if edited == value:
            return Send()
        return Send(json.dumps(edited, ensure_ascii=False).encode("utf-8", "replace"))

    async def _refused(self) -> Decision | None:
        """The refusal that is typed; None for a status that is no error."""
        typed = await self._ask(f"status [{_DEFAULT_STATUS}]: ") or str(_DEFAULT_STATUS)
        status = whole_number(typed)
        if status is None or not 400 <= status <= 599:
            self._say("A status is a number from 400 to 599.")
            return None
        message = await self._ask(f"message [{_DEFAULT_MESSAGE}]: ")
        return Refuse(status, message or _DEFAULT_MESSAGE)

    async def _answered(self, request: WatchedRequest) -> Decision | None:
        """The recorded reply that is typed; None if there is none over the API of the call."""
        what = await self._ask("id of an exchange or a session, or a query: ")
        if not what:
            return None
        try:
            found = await self._find(what)
        except ReplyscopeError as error:
            self._say(str(error))
            return None
        api = self._api_of(request)
        fitting = (
            find_recording(found, api, request.body, (), any_=True) if api is not None else None
        )
        if fitting is None:
            self._say("None of these replies is over the API of this call.")
            return None
        return AnswerRecorded(fitting[0])

    def _say(self, *lines: str) -> None:
        for line in lines:
            print(printable_line(line), flush=True)


def held_lines(request: WatchedRequest, facts: Facts) -> list[str]:
    """The lines about a held call: who asks, the end of its messages, and the tools."""
    model = ", ".join(facts.names.get("model", ())) or "—"
    said = [line for line in facts.prompt.splitlines() if line.strip()]
    lines = [f"Held: {request.client.name or '—'}  {model}  {request.method} {request.path}"]
    if len(said) > _LINES:
        lines.append(f"  … {len(said) - _LINES} lines before")
    lines += [f"  {line[:_MOST_OF_A_LINE]}" for line in said[-_LINES:]]
    tools = facts.names.get("tool", ())
    return [*lines, f"  tools: {', '.join(tools)}"[:_MOST_OF_A_LINE]] if tools else lines


def _object(data: bytes) -> Any:
    try:
        return read_bounded_json(data)
    except ValueError:
        return None
