"""An in-memory log of the calls of one watch, oldest first, for the live screen and the chat."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from replyscope.domain.exchange import Exchange
from replyscope.domain.facts import Facts, Mark
from replyscope.domain.message import ToolResultPart
from replyscope.domain.session import WATCHED
from replyscope.domain.watched import WatchedRequest
from replyscope.engine.tool_calls import with_results
from replyscope.engine.watching.archive import WatchEvents
from replyscope.engine.watching.call import WatchedCall
from replyscope.engine.watching.gaps import Gap
from replyscope.engine.watching.late_results import LateResults, by_call
from replyscope.engine.watching.listed_call import ListedCall
from replyscope.engine.watching.opening import client_text
from replyscope.engine.watching.request_facts import reply_facts

MOST_CALLS = 10_000
MOST_CHARACTERS = 64 * 1024 * 1024
"""The texts of replies that are kept; of older calls nothing is shown any more."""
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call. `exchange` is None until the request is parsed, and for calls that do not request
    a reply; these have `listed` once they have ended. `session_id` is None if the reply is not
    saved.
    """

    request: WatchedRequest
    exchange: Exchange | None = None
    session_id: str | None = None
    listed: ListedCall | None = None
    is_for_reply: bool = True
    is_running: bool = True
    is_lost: bool = False

    @property
    def id(self) -> str:
        """The id of the call; the exchange has another one."""
        return self.request.id

    def facts(self) -> Facts:
        """The facts that a query is matched with."""
        if self.exchange is not None:
            return reply_facts(self.request, self.exchange)
        client = client_text(self.request.client, self.request.secrets)
        status = self.listed.status if self.listed is not None else None
        failed = self.listed is not None and (status is None or status >= _FIRST_ERROR)
        marks = frozenset({Mark.ERROR} if failed else ())
        return Facts(
            marks=marks, started_at=self.request.at, source=WATCHED, client=client
        )  # fmt: skip


class LiveCalls:
    """The calls by id, oldest first. `version` changes with each call that begins or ends.

    `now` is the clock's time. A call that runs is a snapshot at each look.
    """

    def __init__(self, now: Callable[[], datetime], on_ended: Callable[[LoggedCall], None]) -> None:
        self.version = 0
        self.gap = Gap(0, 0, "")
        self.count = 0
        """The number of calls for a reply so far."""
        self._now = now
        self._on_ended = on_ended
        self._calls: OrderedDict[str, LoggedCall] = OrderedDict()
        self._facts: dict[str, Facts] = {}
        self._running: dict[str, WatchedCall] = {}
        self._characters = 0
        self._late = LateResults()

    @property
    def events(self) -> WatchEvents:
        """The listeners that fill this log."""
        return WatchEvents(
            on_ended=self._ended,
            on_listed=self._listed,
            on_gap=self._set_gap,
            on_called=self._called,
            on_lost=self._lost,
            on_results=self._results_came,
        )

    @property
    def ids(self) -> list[str]:
        """The ids of all calls, oldest first."""
        return list(self._calls)

    @property
    def running_ids(self) -> tuple[str, ...]:
        """The ids of the calls whose reply has not ended."""
        return tuple(self._running)

    @property
    def is_quiet(self) -> bool:
        """Whether no call runs."""
        return not self._running

    def now(self) -> datetime:
        """The time that running calls last until."""
        return self._now()

    def call(self, call_id: str) -> LoggedCall | None:
        """The current state of a call; None if it is unknown."""
        known, running = self._calls.get(call_id), self._running.get(call_id)
        if known is None or running is None:
            return known
        return replace(known, exchange=running.exchange(), session_id=running.session_id)

    def facts(self, call_id: str) -> Facts:
        """The facts of a call. The facts of an ended call are cached."""
        facts = self._facts.get(call_id)
        if facts is None:
            call = self.call(call_id)
            facts = call.facts() if call is not None else Facts()
            if call is not None and not call.is_running:
                self._facts[call_id] = facts
        return facts

    def names(self, field: str) -> Iterator[str]:
        """The values that a query field has among these calls, each once."""
        seen: dict[str, None] = {}
        for call_id in self._calls:
            facts = self.facts(call_id)
            found = (facts.client,) if field == "client" else facts.names.get(field, ())
            seen.update(dict.fromkeys(one for one in found if one))
        yield from seen

    def clear(self) -> None:
        """Forget the calls that have ended. They stay saved."""
        for call_id in [key for key, call in self._calls.items() if not call.is_running]:
            self._forget(call_id)
        self.version += 1

    def _called(self, request: WatchedRequest, call: WatchedCall | None) -> None:
        self._calls[request.id] = LoggedCall(request, is_for_reply=call is not None)
        if call is not None:
            self._running[request.id] = call
            self.count += 1
        self.version += 1

    def _ended(self, request: WatchedRequest, exchange: Exchange, session: str | None) -> None:
        self._running.pop(request.id, None)
        bare = replace(request, body=b"")
        early = self._late.ended(request.id, session, exchange) if session is not None else []
        exchange = with_results(exchange, by_call(early))
        call = LoggedCall(bare, exchange, session, is_running=False)
        self._keep(call)
        self._on_ended(call)

    def _listed(self, listed: ListedCall) -> None:
        call = LoggedCall(listed.request, listed=listed, is_for_reply=False, is_running=False)
        self._keep(call)
        self._on_ended(call)

    def _lost(self, call_id: str) -> None:
        call = self.call(call_id)
        self._running.pop(call_id, None)
        if call is not None:
            self._keep(replace(call, is_running=False, is_lost=True))

    def _results_came(self, session_id: str, results: Sequence[ToolResultPart]) -> None:
        """Show the results of tool calls with the calls."""
        for call_id, found in self._late.came(session_id, results).items():
            call = self._calls.get(call_id)
            if call is not None and call.exchange is not None:
                self._characters -= _characters_of(call)
                self._facts.pop(call_id, None)
                self._keep(replace(call, exchange=with_results(call.exchange, by_call(found))))

    def _set_gap(self, gap: Gap) -> None:
        self.gap = gap
        self.version += 1

    def _keep(self, call: LoggedCall) -> None:
        """Keep an ended call in its place, within the bounds."""
        if call.id in self._calls:
            self._calls[call.id] = call
            self._characters += _characters_of(call)
        self.version += 1
        while len(self._calls) > MOST_CALLS or (
            self._characters > MOST_CHARACTERS and len(self._calls) > 1
        ):
            self._forget(next(iter(self._calls)))

    def _forget(self, call_id: str) -> None:
        self._characters -= _characters_of(self._calls.pop(call_id))
        self._facts.pop(call_id, None)
        self._running.pop(call_id, None)


def _characters_of(call: LoggedCall) -> int:
    choices = call.exchange.choices if call.exchange is not None and not call.is_running else ()
    return sum(
        len(c.text)
        + len(c.reasoning or "")
        + sum(len(one.arguments) + len(one.result or "") for one in c.tool_calls)
        for c in choices
    )
