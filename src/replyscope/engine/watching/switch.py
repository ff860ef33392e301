"""Starts and stops the watch of a chat: the relay, its archive, and the log of its calls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.matching import matches
from replyscope.domain.ports import Clock
from replyscope.domain.query import Query
from replyscope.engine.watching.archive import WatchEvents
from replyscope.engine.watching.call_log import LiveCalls, LoggedCall
from replyscope.engine.watching.held_calls import HeldCalls


@dataclass(frozen=True, slots=True)
class WatchAddress:
    """The address of the relay for programs. `base_url` ends in /v1; `upstream` is the target of
    its requests, and `variables` are the lines to set in a shell.
    """

    base_url: str
    upstream: str
    variables: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The address without what all have: host, port, and the path of a token."""
        return self.base_url.removeprefix("http://").removesuffix("/v1")


class RunningWatch(Protocol):
    """A relay that listens, and its archive."""

    @property
    def address(self) -> WatchAddress:
        """The address for programs."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The servers that calls are forwarded to, by the names in watched sessions."""

    async def close(self) -> None:
        """End the calls that run, and save them."""


@dataclass(frozen=True, slots=True)
class WatchOrder:
    """A request to start a watch. `to` names an upstream; if it is empty, `endpoint` or the
    options of the command line are used. `report` gets notices for the person, and `held` the
    calls that are held.
    """

    events: WatchEvents
    report: Callable[[str], None]
    held: HeldCalls
    to: str = ""
    endpoint: Endpoint | None = None


StartWatch = Callable[[WatchOrder], Awaitable[RunningWatch]]
"""Starts a relay. Raises ReplyscopeError."""


@dataclass(slots=True)
class Watching:
    """The watch of one run: at most one relay. The log stays when it is stopped.

    `fail` counts the calls that match it.
    """

    clock: Clock
    start_watch: StartWatch
    fail: Query | None = None
    matched: int = 0
    on_call: Callable[[LoggedCall], None] = lambda _call: None
    """Gets each call that has ended."""
    on_note: Callable[[str], None] = lambda _text: None
    """Gets notices for the person, such as a refused page in a browser."""
    log: LiveCalls = field(init=False)
    held: HeldCalls = field(default_factory=HeldCalls)
    """The calls that wait for a decision."""
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """The servers that calls were forwarded to in this run, by the names in watched sessions."""
    problem: str = ""
    """The reason why the start failed; empty if it succeeded."""
    _running: RunningWatch | None = None
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.log = LiveCalls(self.clock.now, self._ended)

    @property
    def address(self) -> WatchAddress | None:
        """The address of the relay; None while it is stopped."""
        return self._running.address if self._running is not None else None

    async def start(self, to: str = "", endpoint: Endpoint | None = None) -> WatchAddress:
        """Start the relay, unless it runs. Raises ReplyscopeError."""
        async with self._changing:
            if self._running is None:
                order = WatchOrder(self.log.events, self._note, self.held, to, endpoint)
                self.log.version += 1
                try:
                    self._running = await self.start_watch(order)
                except ReplyscopeError as error:
                    self.problem = str(error)
                    raise
                self.problem = ""
                self.endpoints |= {one.name: one for one in self._running.endpoints}
            return self._running.address

    async def stop(self) -> None:
        """Stop the relay. The calls that run are cut off, and saved."""
        async with self._changing:
            running, self._running = self._running, None
            if running is not None:
                await running.close()
                self.log.version += 1

    def outlive_screen(self, on_note: Callable[[str], None]) -> WatchAddress | None:
        """Go on without a screen, which failed. Returns the address; None if no relay runs."""
        self.on_call, self.on_note = lambda _call: None, on_note
        self.held.leave()
        return self.address

    def _ended(self, call: LoggedCall) -> None:
        now = self.clock.now().astimezone()
        if self.fail is not None and call.exchange is not None:
            self.matched += matches(self.fail, self.log.facts(call.id), now)
        self.on_call(call)

    def _note(self, text: str) -> None:
        self.on_note(text)
