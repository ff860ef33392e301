"""The archive of watched calls: each becomes an exchange in the session that it continues.

Nothing here fails the caller. While the store can't be written, calls are kept in memory within
bounds and saved later; what is lost is counted and reported.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from replyscope.domain.asked import AskedCall
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import StoreError, StoreRejected
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.message import Role
from replyscope.domain.ports import Clock, NewId, PriceList
from replyscope.domain.query_fields import PART
from replyscope.domain.secret_shapes import without_keys
from replyscope.domain.session import SessionSettings
from replyscope.domain.stores import Journal
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.watched import CallListener, Client, WatchedRequest
from replyscope.domain.watched_store import NewCall, Place, WatchStore
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.branch import choice_parts
from replyscope.engine.endings import Endings
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.reply_images import KeepFile
from replyscope.engine.rules import RuleBook
from replyscope.engine.watching.call import Folding, Room, WatchedCall
from replyscope.engine.watching.chain import (
    conversation_key,
    known_reply_key,
    reply_keys,
    response_key,
)
from replyscope.engine.watching.late_journal import LateJournal
from replyscope.engine.watching.listed_call import CallCounter, ListedCall
from replyscope.engine.watching.pending import PendingPlaces
from replyscope.engine.watching.placing import (
    Caller,
    Chained,
    chained,
    find_place,
    find_replied,
    place_call,
)

_log = logging.getLogger(__name__)
RETRY_S = 1.0
"""The wait before a call that could not be saved is tried again."""
MOST_WAITING = 500
"""The ended calls that are kept in memory while the store can't be written."""
MOST_REJECTED = 10
"""The tries to save a call that the store rejects: the call before it may not be saved yet."""
_CUT = "The request was too large to record; it was forwarded whole."
_MOST_BOOKS = 200
_LONGEST_CLIENT = 300


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not saved: calls that wait for the store, and calls that are lost, wholly or in
    part. `reason` is the last error.
    """

    waiting: int
    lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class WatchEvents:
    """The listeners of an archive. An exception of one is logged, and changes nothing.

    `on_ended` gets the request and the exchange of a call that has ended, with its session's id;
    None when it is not saved. `on_gap` gets each change of what is not saved.
    """

    on_ended: Callable[[WatchedRequest, Exchange, str | None], None] = (
        lambda _request, _exchange, _session: None
    )
    on_listed: Callable[[ListedCall], None] = lambda _call: None
    on_gap: Callable[[Gap], None] = lambda _gap: None


@dataclass(frozen=True, slots=True)
class WatchServices:
    """What an archive uses. `endpoint` returns the provider with a name, None for other servers;
    `rule_book` makes the rules of one session.
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
        self._pending = PendingPlaces()
        self._placing = asyncio.Lock()
        self._calls: dict[str, WatchedCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, str] = {}
        """The calls that wait for the store, with the error."""
        self._lost = 0
        self._room = Room()
        self._folding = Folding()
        self._books: OrderedDict[str, RuleBook | None] = OrderedDict()

    @property
    def calls(self) -> tuple[WatchedCall, ...]:
        """The calls that run, oldest first."""
        return tuple(self._calls.values())

    @property
    def gap(self) -> Gap:
        """What is not saved."""
        reason = next(reversed(self._waiting.values()), "")
        return Gap(len(self._waiting), self._lost, reason)

    async def prepare(self) -> None:
        """Load what the first call needs, so that it is not slower than the next ones."""
        await asyncio.to_thread(self._services.wire.prepare)

    def called(self, request: WatchedRequest) -> CallListener:
        """A request was forwarded."""
        api = self._services.wire.api_of(request)
        if api is None:
            return CallCounter(replace(request, body=b""), self._listed)
        endpoint = self._services.endpoint(request.upstream)
        think_tags = endpoint.think_tags if endpoint is not None else ThinkTags.AUTO
        reader = self._services.wire.reply(request, api, think_tags)
        client = _client_text(request.client, request.secrets)
        call = WatchedCall(request, reader, client, self._folding, self._room)
        self._calls[request.id] = call
        task = asyncio.create_task(self._run(call, api, endpoint))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return call

    async def close(self, longest_s: float = 5.0) -> None:
        """Wait for the calls that run, and for what is not saved."""
        tasks = tuple(self._tasks)
        if not tasks:
            return
        _, left = await asyncio.wait(tasks, timeout=longest_s)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self, call: WatchedCall, api: Api, endpoint: Endpoint | None) -> None:
        """Save one call from its request to its ending."""
        try:
            await self._record(call, api, endpoint)
        except asyncio.CancelledError:
            self._lose(call, "replyscope ended before it was saved")
            raise
        except Exception:  # noqa: BLE001 - a fault of ours must not reach the program's traffic
            _log.exception("call %s is not recorded", call.request.id)
            self._lose(call, "a fault of replyscope; see the log")
        finally:
            call.give_back()
            self._calls.pop(call.request.id, None)

    async def _record(self, call: WatchedCall, api: Api, endpoint: Endpoint | None) -> None:
        services = self._services
        request, sent = await asyncio.to_thread(_read, services.wire, call.request, api)
        caller = Caller(
            call.client,
            _opening(call.request, request.asked, endpoint, services.new_id()),
            _settings(request.asked, endpoint),
            f"{call.request.method} {call.request.path}",
            sent,
        )
        async with self._placing:  # a call at the same time may have the same conversation
            placed = await self._place(request, caller)
            journal = LateJournal(lambda: self._begin(placed))
            call.session_id = placed.session.id
            call.begin(caller.opening, caller.sent, JournalWriter(journal))
        try:
            await journal.begin()
        except StoreError as error:
            self._wait(call, error)
        await call.ending.wait()
        if call.fault is not None:
            raise call.fault
        await self._end(call, request, placed)

    async def _place(self, request: Chained, caller: Caller) -> NewCall:
        """The place of a call. A store that can't be read gives a session of its own."""
        at, client = caller.opening.started_at, caller.client
        places = await self._find(request.newest)
        found = find_replied(request, places, client)
        if found is None:
            places |= await self._find(request.others)
            found = find_place(request, places, client, at)
        if found is not None:
            places |= await self._find(request.replies_after(found.count))
        placed = place_call(request, found, places, caller, self._services.new_id)
        self._pending.add(placed.opening.id, placed.places)
        return placed

    async def _find(self, keys: Sequence[bytes]) -> dict[bytes, tuple[Place, ...]]:
        """The known places with some keys: those that are not saved yet, and the saved ones."""
        places = self._pending.find(keys)
        try:
            for place in await self._services.store.find_places(keys) if keys else ():
                places[place.key] = (*places.get(place.key, ()), place)
        except StoreError as error:
            _log.warning("a call can't be compared with saved sessions: %s", error)
        return places

    async def _begin(self, placed: NewCall) -> Journal:
        journal = await self._services.store.begin_call(placed)
        self._pending.remove(placed.opening.id)
        return journal

    async def _end(self, call: WatchedCall, request: Chained, placed: NewCall) -> None:
        """Price, judge and save an ended call; then report it."""
        assert call.fold is not None
        exchange = await self._endings.completed(call.fold.snapshot())
        book = self._book(placed)
        if book is not None:
            exchange = book.judge(exchange)
        places = _reply_places(request, placed, exchange)
        self._pending.add(f"{exchange.id} reply", places)
        is_saved = await self._save(call, exchange, places)
        self._report(call.request, exchange, placed.session.id if is_saved else None)
        if book is not None:
            await self._act(book)
        if not is_saved:
            await self._save_later(call, exchange, places)
        self._pending.remove(f"{exchange.id} reply")

    async def _save(self, call: WatchedCall, exchange: Exchange, places: Sequence[Place]) -> bool:
        """Save an ended call. Returns whether it is saved."""
        assert call.writer is not None
        try:
            await call.writer.finish(exchange)
            await self._services.store.add_places(places)
        except StoreError as error:
            self._wait(call, error)
            return False
        self._saved(call)
        return True

    async def _save_later(
        self, call: WatchedCall, exchange: Exchange, places: Sequence[Place]
    ) -> None:
        """Try to save an ended call until it is saved. One that the store rejects is lost."""
        assert call.writer is not None
        rejected = 0
        while len(self._waiting) <= MOST_WAITING and rejected < MOST_REJECTED:
            await asyncio.sleep(RETRY_S)
            if await self._save(call, exchange, places):
                return
            rejected = rejected + 1 if isinstance(call.writer.failure, StoreRejected) else 0
        self._lose(call, self._waiting.get(call.request.id, ""))

    def _book(self, placed: NewCall) -> RuleBook | None:
        """The rules of a session; a message of a person begins a new turn."""
        key = placed.session.id
        if key not in self._books:
            self._books[key] = self._services.rule_book()
        self._books.move_to_end(key)
        while len(self._books) > _MOST_BOOKS:
            self._books.popitem(last=False)
        book = self._books[key]
        if book is not None and any(m.role is Role.USER for m in placed.messages):
            book.begin_turn()
        return book

    async def _act(self, book: RuleBook) -> None:
        """Run the actions of rules. The ones that ask for a reply don't fit another program."""
        try:
            await book.act()
        except Exception:  # noqa: BLE001 - the call is saved in any case
            _log.exception("the action of a rule failed")

    def _wait(self, call: WatchedCall, error: StoreError) -> None:
        self._waiting[call.request.id] = str(error)
        self._report_gap()

    def _saved(self, call: WatchedCall) -> None:
        was_waiting = self._waiting.pop(call.request.id, None) is not None
        if call.dropped:
            self._lost += 1
        if was_waiting or call.dropped:
            self._report_gap()

    def _lose(self, call: WatchedCall, reason: str) -> None:
        self._waiting.pop(call.request.id, None)
        self._lost += 1
        _log.warning("call %s is lost: %s", call.request.id, reason)
        self._report_gap(reason)

    def _report_gap(self, reason: str = "") -> None:
        gap = self.gap
        self._tell(lambda: self._events.on_gap(replace(gap, reason=reason or gap.reason)))

    def _report(self, request: WatchedRequest, exchange: Exchange, session: str | None) -> None:
        self._tell(lambda: self._events.on_ended(request, exchange, session))

    def _listed(self, listed: ListedCall) -> None:
        self._tell(lambda: self._events.on_listed(listed))

    def _tell(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:  # noqa: BLE001 - a listener must not stop the recording
            _log.exception("a listener of watched calls failed")


def _read(wire: WireReading, request: WatchedRequest, api: Api) -> tuple[Chained, RequestSent]:
    """The conversation of a request with its keys, and the request to record. Slow."""
    return chained(wire.asked(request, api)), wire.sent(request)


def _client_text(client: Client, secrets: Sequence[str]) -> str:
    """The program of a call: its name, its command and its process, without keys."""
    pid = f"pid {client.pid}" if client.pid is not None else ""
    named = PART.join(filter(None, (client.name, client.command, pid)))
    return without_keys(named, secrets)[:_LONGEST_CLIENT]


def _settings(asked: AskedCall, endpoint: Endpoint | None) -> SessionSettings:
    """The settings for going on by hand: a server that is no provider can't be chosen."""
    if endpoint is None:
        return SessionSettings()
    return SessionSettings(endpoint=endpoint.name, model=asked.model or None)


def _opening(
    request: WatchedRequest, asked: AskedCall, endpoint: Endpoint | None, exchange_id: str
) -> Exchange:
    """The exchange of a call before its response."""
    return Exchange(
        exchange_id,
        asked.api,
        request.upstream,
        request.base_url,
        asked.model or "unknown",
        request.at,
        ExchangeState.IN_PROGRESS,
        schema=asked.schema,
        max_tokens=asked.max_tokens,
        adaptations=(_CUT,) if request.is_cut else (),
        is_background=asked.is_background,
        think_tags=endpoint.think_tags if endpoint is not None else ThinkTags.AUTO,
    )


def _reply_places(request: Chained, placed: NewCall, exchange: Exchange) -> tuple[Place, ...]:
    """The places after the replies of an ended exchange, from which a request may continue."""
    session_id, at, client = placed.session.id, exchange.started_at, placed.session.client
    places = []
    for message, source in ((m, s) for m in placed.replies for s in m.sources):
        choice = exchange.choice(source.choice_index)
        parts = choice_parts(choice)
        if not parts:
            continue
        keys = reply_keys(request.last, exchange, choice, parts)
        keys |= {key for key in (known_reply_key(message.role, parts),) if key is not None}
        if exchange.response_id is not None:
            keys.add(response_key(exchange.response_id))
        if request.asked.conversation is not None:
            keys.add(conversation_key(request.asked.conversation))
        places += [
            Place(key, session_id, message.id, at, True, client, message.sources)
            for key in sorted(keys)
        ]
    return tuple(places)
