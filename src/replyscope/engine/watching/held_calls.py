"""The calls that `watch --hold` holds until a person decides, on a terminal or on a screen."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from replyscope.domain.errors import ReplyscopeError, SettingsError
from replyscope.domain.facts import Facts
from replyscope.domain.typed_number import whole_number
from replyscope.domain.watched import Refuse, WatchedRequest

T = TypeVar("T")
DEFAULT_STATUS, DEFAULT_MESSAGE = 403, "The call was refused in replyscope watch."
_GONE = "The client has left; the call is over."


@dataclass(frozen=True, slots=True)
class SendHeld:
    """Send the request. `text` is the JSON that was edited; None sends it unchanged."""

    text: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerHeld:
    """Answer with a recorded reply: the id of an exchange or a session, or a query."""

    what: str


def refusal_status(word: str) -> int:
    """The status of a refusal that a person typed. Raises SettingsError."""
    status = whole_number(word)
    if status is None or not 400 <= status <= 599:
        raise SettingsError("The status of a refusal is a number from 400 to 599.", "")
    return status


Verdict = SendHeld | Refuse | AnswerHeld


@dataclass(frozen=True, slots=True)
class HeldCall:
    """A request that waits, and its facts. `text` is its body as a person edits it."""

    request: WatchedRequest
    facts: Facts
    text: str


class Person(Protocol):
    """Whoever decides about held calls."""

    async def decide(self, held: HeldCall, accept: Callable[[Verdict], Awaitable[T]]) -> T:
        """Ask until `accept` takes the verdict; it raises ReplyscopeError with the reason why it
        does not. Cancelled when the client leaves.
        """
        ...


@dataclass(slots=True)
class _Waiting:
    held: HeldCall
    verdicts: "asyncio.Queue[tuple[Verdict, asyncio.Future[str | None]]]" = field(
        default_factory=asyncio.Queue
    )


class HeldCalls:
    """The calls that wait for a decision on a screen, oldest first. Implements Person.

    `version` changes with each call that is held or decided.
    """

    def __init__(self) -> None:
        self.version = 0
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._is_left = False

    @property
    def count(self) -> int:
        """The number of calls that wait."""
        return len(self._waiting)

    def oldest(self) -> HeldCall | None:
        """The call that has waited longest."""
        return next((one.held for one in self._waiting.values()), None)

    def is_held(self, held: HeldCall) -> bool:
        """Whether a call still waits."""
        return held.request.id in self._waiting

    async def decide(self, held: HeldCall, accept: Callable[[Verdict], Awaitable[T]]) -> T:
        """See Person."""
        if self._is_left:
            return await accept(SendHeld())
        waiting = self._waiting[held.request.id] = _Waiting(held)
        self.version += 1
        answer: asyncio.Future[str | None] | None = None
        try:
            while True:
                verdict, answer = await waiting.verdicts.get()
                try:
                    decision = await accept(verdict)
                except ReplyscopeError as error:
                    answer.set_result(str(error))
                    continue
                answer.set_result(None)
                return decision
        finally:
            if answer is not None and not answer.done():
                answer.set_result(_GONE)
            while not waiting.verdicts.empty():
                waiting.verdicts.get_nowait()[1].set_result(_GONE)
            del self._waiting[held.request.id]
            self.version += 1

    def leave(self) -> None:
        """Send the calls that wait and all later ones unchanged: nobody can decide any more."""
        self._is_left = True
        for waiting in self._waiting.values():
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            waiting.verdicts.put_nowait((SendHeld(), answer))

    async def give(self, held: HeldCall, verdict: Verdict) -> str | None:
        """Decide about a call. Returns a sentence if the verdict can't be carried out; the call
        then still waits, unless its client has left.
        """
        waiting = self._waiting.get(held.request.id)
        if waiting is None:
            return _GONE
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        waiting.verdicts.put_nowait((verdict, answer))
        return await answer
