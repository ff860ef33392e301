"""The archive of watched calls: each becomes an exchange in the session that it continues.

Nothing here fails the caller. While the store can't be written, calls are kept in memory within
bounds and saved later; what is lost is counted and reported.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import StoreError, StoreRejected
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.ports import Clock, NewId, PriceList
from replyscope.domain.watched import MISSED, CallListener, WatchedRequest
from replyscope.domain.watched_store import NewCall, Place, WatchStore
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.endings import Endings
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.reply_images import KeepFile
from replyscope.engine.rules import RuleBook
from replyscope.engine.watching.call import Folding, Room, WatchedCall
from replyscope.engine.watching.gaps import Gap, Gaps
from replyscope.engine.watching.late_journal import LateJournal
from replyscope.engine.watching.listed_call import CallCounter, ListedCall
from replyscope.engine.watching.opening import caller_of, fault_note, think_tags_of
from replyscope.engine.watching.places import Places
from replyscope.engine.watching.placing import Chained, chained

_log = logging.getLogger(__name__)
RETRY_S = 1.0
"""The wait before a call that could not be saved is tried again."""
STALL_S = 5.0
"""The longest time without progress while closing and the store refuses calls; the remaining
calls are lost then.
"""
HUNG_S = 120.0
"""The same while no write has failed: a slow disk is waited for."""
MOST_WAITING = 500
"""The ended calls that are kept in memory while the store can't be written."""
MOST_REJECTED = 10
"""The tries to save a call that the store rejects: the call before it may not be saved yet."""
_MOST_BOOKS = 200
_AWAITED = 64
"""The tasks that closing waits for at once."""


@dataclass(frozen=True, slots=True)
class WatchEvents:
    """The listeners of an archive. An exception of one is logged, and changes nothing.

    `on_called` gets each request without its body, and the running call; None for a call that
    is only listed. `on_ended` gets the request and the exchange of a call that has ended, with its
    session's id; None when it is not saved. `on_gap` gets each change of what is not saved.
    `on_lost` gets the id of a call that will not be recorded. `on_results` gets a session and the
    results of tool calls that a request has brought to it.
    """

    on_ended: Callable[[WatchedRequest, Exchange, str | None], None] = (
        lambda _request, _exchange, _session: None
    )
    on_listed: Callable[[ListedCall], None] = lambda _call: None
    on_gap: Callable[[Gap], None] = lambda _gap: None
    on_called: Callable[[WatchedRequest, WatchedCall | None], None] = lambda _request, _call: None
    on_lost: Callable[[str], None] = lambda _call_id: None
    on_results: Callable[[str, Sequence[ToolResultPart]], None] = lambda _session, _results: None


@dataclass(frozen=True, slots=True)
class WatchServices:
    """The services of an archive. `endpoint` returns the provider with a name, None for other
    servers; `rule_book` makes the rules of one session.
    """

    store: WatchStore
    wire: WireReading
    clock: Clock
    new_id: NewId
    prices: PriceList | None = None
    endpoint: Callable[[str], Endpoint | None] = lambda _name: None
    rule_book: Callable[[], RuleBook | None] = lambda: None
    keep_file: KeepFile | None = None


class WatchArchive:
    """Saves watched calls. Implements CallObserver."""

    def __init__(self, services: WatchServices, events: WatchEvents | None = None) -> None:
        self._services = services
        self._events = events or WatchEvents()
        self._endings = Endings(services.prices, services.keep_file)
        self._places = Places(services.store, services.new_id)
        self._reading = asyncio.Lock()
        self._placing = asyncio.Lock()
        self._gaps = Gaps(lambda gap: self._tell(lambda: self._events.on_gap(gap)))
        self._calls: dict[str, WatchedCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = Room()
        self._folding = Folding()
        self._books: OrderedDict[str, RuleBook | None] = OrderedDict()

    @property
    def calls(self) -> tuple[WatchedCall, ...]:
        """The calls that run or are not saved yet, oldest first."""
        return tuple(self._calls.values())

    @property
    def gap(self) -> Gap:
        """The calls that are not saved."""
        return self._gaps.now

    async def prepare(self) -> None:
        """Load what the first call needs, so that it is not slower than the next ones."""
        await asyncio.to_thread(self._services.wire.prepare)

    def called(self, request: WatchedRequest) -> CallListener:
        """A request was forwarded."""
        wire = self._services.wire
        api = wire.api_of(request)
        if api is None:
            bare = replace(request, body=b"")
            self._tell(lambda: self._events.on_called(bare, None))
            return CallCounter(bare, self._listed)
        endpoint = self._services.endpoint(request.upstream)
        reader = wire.reply(request, api, think_tags_of(endpoint))
        call = WatchedCall(request, reader, self._folding, self._room)
        self._calls[request.id] = call
        self._tell(lambda: self._events.on_called(replace(request, body=b""), call))
        task = asyncio.create_task(self._run(call, api, endpoint))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return call

    async def close(self, stall_s: float = STALL_S, hung_s: float = HUNG_S) -> None:
        """Wait for the calls that run, and for what is not saved: as long as something is folded
        or saved within `stall_s`, or within `hung_s` if the store refuses nothing. The rest is
        lost then.
        """
        idle_s = 0.0
        while self._tasks:
            before = self._progress()
            # A wait for all of thousands of tasks would visit each of them again and again.
            await asyncio.wait(tuple(islice(self._tasks, _AWAITED)), timeout=stall_s)
            idle_s = idle_s + stall_s if self._progress() == before else 0.0
            if idle_s >= (stall_s if self.gap.waiting else hung_s):
                break
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _progress(self) -> tuple[int, int]:
        """A value that changes when a call is folded or saved."""
        return self._folding.count, len(self._tasks)

    async def _run(self, call: WatchedCall, api: Api, endpoint: Endpoint | None) -> None:
        """Save one call from its request to its ending."""
        try:
            async with self._reading:  # in the order of the calls
                wire = self._services.wire
                request, sent = await asyncio.to_thread(_read, wire, call.request, api)
                awaited = self._places.enter(call, request)
            try:
                await self._places.wait(awaited)
                await self._record(call, request, sent, endpoint)
            finally:
                self._places.leave(call, request)
        except asyncio.CancelledError:
            self._lose(call, "replyscope ended before it was saved")
            raise
        except Exception:  # noqa: BLE001 - a fault of ours must not reach the program's traffic
            _log.exception("call %s is not recorded", call.request.id)
            self._lose(call, "a fault of replyscope; see the log")
        finally:
            call.give_back()
            self._calls.pop(call.request.id, None)

    async def _record(
        self, call: WatchedCall, request: Chained, sent: RequestSent, endpoint: Endpoint | None
    ) -> None:
        new_id = self._services.new_id
        caller = caller_of(call.request, request.asked, sent, endpoint, new_id())
        async with self._placing:  # a call at the same time may have the same conversation
            placed = await self._places.place(request, caller)
            journal = LateJournal(lambda: self._places.begin(placed))
            call.session_id = placed.session.id
            call.begin(caller.opening, sent, JournalWriter(journal))
        self._tell_results(placed)
        # The next call of the program needs the reply, not the commit, to find its place.
        begun = asyncio.create_task(self._begin(call, journal))
        try:
            await call.ending.wait()
            if call.fault is not None:
                raise call.fault
            await self._end(call, request, placed, begun)
        finally:
            begun.cancel()

    async def _begin(self, call: WatchedCall, journal: LateJournal) -> None:
        """Save the start of a call, if the store can be written."""
        try:
            await journal.begin()
        except StoreError as error:
            self._gaps.wait(call, error)

    def _tell_results(self, placed: NewCall) -> None:
        """Report the results of tool calls that are new in a session."""
        parts = [part for message in placed.messages for part in message.parts]
        results = [part for part in parts if isinstance(part, ToolResultPart)]
        if results:
            self._tell(lambda: self._events.on_results(placed.session.id, results))

    async def _end(
        self, call: WatchedCall, request: Chained, placed: NewCall, begun: asyncio.Task[None]
    ) -> None:
        """Price, judge and save an ended call; then report it."""
        assert call.fold is not None
        folded = _with_fault(call.fold.snapshot(), placed.opening, call.request)
        places = self._places.note(request, placed, folded)
        self._places.leave(call, request)
        await begun
        exchange = await self._endings.completed(folded)
        book = self._book(placed)
        if book is not None:
            exchange = book.judge(exchange)
        is_saved = await self._save(call, exchange, places)
        session_id = placed.session.id if is_saved else None
        self._tell(lambda: self._events.on_ended(call.request, exchange, session_id))
        if book is not None:
            await self._act(book, exchange)
        if not is_saved:
            await self._save_later(call, exchange, places)

    async def _save(self, call: WatchedCall, exchange: Exchange, places: Sequence[Place]) -> bool:
        """Save an ended call. Returns whether it is saved."""
        assert call.writer is not None
        try:
            await call.writer.finish(exchange)
            await self._places.save(exchange, places)
        except StoreError as error:
            self._gaps.wait(call, error)
            return False
        self._gaps.saved(call)
        return True

    async def _save_later(
        self, call: WatchedCall, exchange: Exchange, places: Sequence[Place]
    ) -> None:
        """Try to save an ended call until it is saved. One that the store rejects is lost."""
        assert call.writer is not None
        rejected = 0
        while self.gap.waiting <= MOST_WAITING and rejected < MOST_REJECTED:
            await asyncio.sleep(RETRY_S)
            if await self._save(call, exchange, places):
                return
            rejected = rejected + 1 if isinstance(call.writer.failure, StoreRejected) else 0
        self._places.forget(exchange)
        self._gaps.lose(call)

    def _book(self, placed: NewCall) -> RuleBook | None:
        """The rules of a session; a message of a person begins a new turn."""
        key = placed.session.id
        if key not in self._books:
            self._books[key] = self._services.rule_book()
        self._books.move_to_end(key)
        while len(self._books) > _MOST_BOOKS:
            self._books.popitem(last=False)
        book = self._books[key]
        if book is not None:
            book.source, book.client = placed.session.source, placed.session.client
        if book is not None and any(m.role is Role.USER for m in placed.messages):
            book.begin_turn()
        return book

    async def _act(self, book: RuleBook, exchange: Exchange) -> None:
        """Run the actions of rules. The ones that ask for a reply don't fit another program."""
        try:
            await book.act([exchange.id])
        except Exception:  # noqa: BLE001 - the call is saved in any case
            _log.exception("the action of a rule failed")

    def _lose(self, call: WatchedCall, reason: str) -> None:
        """Count a call that ends without being reported."""
        self._gaps.lose(call, reason)
        self._tell(lambda: self._events.on_lost(call.request.id))

    def _listed(self, listed: ListedCall) -> None:
        self._tell(lambda: self._events.on_listed(listed))

    def _tell(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:  # noqa: BLE001 - a listener must not stop the recording
            _log.exception("a listener of watched calls failed")


def _with_fault(folded: Exchange, opening: Exchange, request: WatchedRequest) -> Exchange:
    """The exchange with the final sentence about its fault; the first was written at its start."""
    if not request.fault or fault_note(request) in opening.adaptations:
        return folded
    first = fault_note(replace(request, fault=request.fault.removesuffix(MISSED)))
    noted = tuple(fault_note(request) if one == first else one for one in folded.adaptations)
    return replace(folded, adaptations=noted)


def _read(wire: WireReading, request: WatchedRequest, api: Api) -> tuple[Chained, RequestSent]:
    """The conversation of a request with its keys, and the request to record. Slow."""
    return chained(wire.asked(request, api)), wire.sent(request)
