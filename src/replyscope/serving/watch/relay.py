"""The relay: a server that forwards calls to its upstreams, byte for byte.

Each connection of a client has its own connection to an upstream, so that both sides see the
same keep-alive, the same order and the same breaks. The observer gets a copy of each call.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h11

from replyscope.domain.watched import CallObserver, Client, WatchedRequest
from replyscope.serving.access import Refusal, find_refusal
from replyscope.serving.connection import (
    BodyPart,
    Head,
    HttpConnection,
    encode_json,
    error_object,
    named,
)
from replyscope.serving.faults.rule import ChooseFault, FaultRule
from replyscope.serving.gate import Decision, Gate, Send
from replyscope.serving.server import HttpServer, Report
from replyscope.serving.watch.call_copy import MOST_OF_A_REQUEST, CallCopy, InOrder, ObserverGaps
from replyscope.serving.watch.dialing import DialError, Link, dial
from replyscope.serving.watch.faulty_call import LEFT, FaultyCall, Wait, decodable, read_ahead
from replyscope.serving.watch.forwarding import CLIENT_LEFT, STOPPED, Forwarding
from replyscope.serving.watch.held_call import (
    answer_held,
    edit_note,
    edited_request,
    note_of,
)
from replyscope.serving.watch.own_answer import unless_client_leaves
from replyscope.serving.watch.peers import Peers, Process, client_name
from replyscope.serving.watch.request_head import forwarded_head, without_expectation
from replyscope.serving.watch.upstream import Directory, Upstream, UpstreamPath

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.ports import Clock, NewId

_UNREACHABLE = "upstream_unreachable"
_KEYS_ARE_LOST = (
    "An edited request was sent with ••• instead of its keys: their number was changed, so it is "
    "not clear which key belongs where."
)


@dataclass(slots=True)
class _Visit:
    """A client's connection, its process, its links to upstreams, and the copy of its call."""

    connection: HttpConnection
    process: asyncio.Future[Process | None] | None = None
    links: dict[str, Link] = field(default_factory=dict)
    copy: CallCopy | None = None


class Relay(HttpServer):
    """A relay between programs and upstreams; the first upstream is that of `/v1`.

    With a token it may listen on any address, and every path has to begin with `/t/TOKEN`;
    `own_names` are then the names of this machine. `gate` decides about each call before it
    is forwarded; `faults` chooses the calls that are disturbed, with pauses by `wait`.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        observer: CallObserver,
        *,
        clock: "Clock",
        new_id: "NewId",
        report: Report,
        token: str | None = None,
        own_names: Collection[str] = (),
        gate: Gate | None = None,
        faults: ChooseFault | None = None,
        wait: Wait = asyncio.sleep,
    ) -> None:
        super().__init__(report)
        self._directory = Directory(upstreams, token)
        self._observer = observer
        self._clock = clock
        self._new_id = new_id
        self._own_names = own_names if token is not None else None
        self._gate = gate
        self._faults = faults
        self._wait = wait
        self._choosing = asyncio.Lock()
        self._peers = Peers()
        self._running = 0
        self._is_idle = asyncio.Event()
        self._order = InOrder()
        self.gaps = ObserverGaps(report)

    async def close(self) -> None:
        """See HttpServer. All calls have been reported to their end afterwards."""
        await super().close()
        await self._peers.close()

    async def settle(self, longest_s: float) -> None:
        """Wait until no call runs, for some time at most."""
        self._is_idle.clear()
        if self._running:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_idle.wait(), longest_s)

    async def serve_client(self, connection: HttpConnection) -> None:
        """See HttpServer."""
        visit = _Visit(connection)
        try:
            while (head := await connection.next_head()) is not None:
                if not await self._answer(visit, head):
                    break
        finally:
            for link in visit.links.values():
                link.close()

    async def _answer(self, visit: _Visit, head: Head) -> bool:
        """Answer one request. Returns whether the connection can have another one."""
        refusal = find_refusal(head.headers, self._own_names)
        found = refusal or self._directory.find(head.target)
        if head.method == "CONNECT":
            found = Refusal(405, "This server is not a proxy; use it as a base URL.")
        if isinstance(found, Refusal):
            self._report(f"{found.status} {head.method}: {found.reason}")
            await visit.connection.refuse(found.status, error_object(found.reason, "refused"))
            return False
        elapsed_ms = _stopwatch(self._clock)
        self._running += 1
        try:
            if head.method == "POST" and (self._gate is not None or self._faults is not None):
                return await self._read_first(visit, head, found, elapsed_ms)
            return await self._forward(visit, head, found, elapsed_ms)
        finally:
            if visit.copy is not None:
                visit.copy.stopped(STOPPED)
                visit.copy = None
            self._running -= 1
            if not self._running:
                self._is_idle.set()

    async def _forward(
        self, visit: _Visit, head: Head, found: UpstreamPath, elapsed_ms: Callable[[], float]
    ) -> bool:
        """Forward a call part by part, without a gate or faults."""
        try:
            link = await _link_to(visit, found.upstream)
        except DialError as error:
            copy = self._new_copy(visit, head, found, elapsed_ms)
            await self._fail(visit.connection, copy, str(error))
            return False
        link.write(forwarded_head(head, found))
        visit.links[found.upstream.name] = link
        # The rest is done while the upstream works on its answer.
        copy = self._new_copy(visit, head, found, elapsed_ms)
        return await _pass(visit.connection, Forwarding(visit.connection, head, link, copy), link)

    async def _read_first(
        self, visit: _Visit, head: Head, found: UpstreamPath, elapsed_ms: Callable[[], float]
    ) -> bool:
        """Read a request to its end, let the gate decide, then forward it or answer."""
        connection, copy = visit.connection, self._new_copy(visit, head, found, elapsed_ms)
        head = without_expectation(head)
        try:
            parts = await read_ahead(connection, copy, MOST_OF_A_REQUEST)
            is_whole = parts[-1].is_end
            decision = await self._decide(connection, copy) if is_whole else Send()
        except LEFT:
            copy.ended(CLIENT_LEFT)
            raise
        if not is_whole:
            self._report("A request of over 32 MB was forwarded without a look at it.")
            return await self._send_on(visit, head, found, copy, parts)
        if not isinstance(decision, Send):
            copy.mark_decision(note_of(decision), _stopwatch(self._clock))
            copy.request_ended()
            return await answer_held(connection, head, copy, decision)
        if decision.body is not None:
            original = (await copy.whole_request()).body
            sent = copy.with_keys(decision.body)
            if sent is None:
                self._report(_KEYS_ARE_LOST)
                sent = decision.body
            head, parts = edited_request(head, sent)
            copy.replace_request(head, sent)
            copy.mark_decision(edit_note(original, decision.body), _stopwatch(self._clock))
        rule = await self._chosen(copy)
        copy.request_ended()
        return await self._send_on(visit, head, found, copy, parts, rule)

    async def _decide(self, connection: HttpConnection, copy: CallCopy) -> Decision:
        """The decision of the gate. Raises ConnectionError when the client leaves."""
        if self._gate is None:
            return Send()
        request = await copy.whole_request()
        decision = await unless_client_leaves(connection, self._gate.decide(request))
        copy.mark_decision("", _stopwatch(self._clock))
        return decision

    async def _chosen(self, copy: CallCopy) -> FaultRule | None:
        """The rule that hits a call."""
        if self._faults is None:
            return None
        request = await copy.whole_request()
        async with self._choosing:  # one after another, as they came
            rule = await self._faults(request)
        copy.mark_fault("" if rule is None else rule.text)
        return rule

    async def _send_on(
        self,
        visit: _Visit,
        head: Head,
        found: UpstreamPath,
        copy: CallCopy,
        parts: Sequence[BodyPart],
        rule: FaultRule | None = None,
    ) -> bool:
        """Forward a request that was read, and apply the fault `rule` to the call, if any."""
        connection = visit.connection
        call = None if rule is None else FaultyCall(connection, head, copy, rule, self._wait)
        if call is not None and rule is not None and rule.status is not None:
            return await call.refuse()
        try:
            link = await _link_to(visit, found.upstream)
        except DialError as error:
            if parts[-1].is_end:
                await self._refuse(connection, copy, str(error))
            else:
                await self._fail(connection, copy, str(error))
            return False
        link.write(forwarded_head(head if call is None else decodable(head), found))
        visit.links[found.upstream.name] = link
        if call is None:
            forwarding = Forwarding(connection, head, link, copy, parts)
            return await _pass(connection, forwarding, link)
        can_go_on = await call.forward(link, parts)
        if call.can_reuse_link:
            link.rest()
        else:
            visit.links.pop(found.upstream.name).close()
        return can_go_on

    def _new_copy(
        self, visit: _Visit, head: Head, found: UpstreamPath, elapsed_ms: Callable[[], float]
    ) -> CallCopy:
        upstream = found.upstream
        if visit.process is None:
            visit.process = self._peers.look_up(visit.connection.addresses)
        request = WatchedRequest(
            id=self._new_id(),
            at=self._clock.now(),
            upstream=upstream.name,
            base_url=upstream.shown_url,
            method=head.method,
            path=found.path,
            query=found.query,
            headers=named(head.raw_headers),
            body=b"",
            client=Client(client_name(head.headers.get("user-agent", ""))),
        )
        visit.copy = CallCopy(
            self._observer,
            request,
            upstream.secrets,
            visit.process,
            elapsed_ms,
            self.gaps,
            self._order,
        )
        return visit.copy

    async def _fail(self, connection: HttpConnection, copy: CallCopy, reason: str) -> None:
        """Answer and record a call whose upstream can't be reached."""
        try:
            copy.add_request(await connection.read_body())
            copy.request_ended()
        except (ConnectionError, TimeoutError, h11.RemoteProtocolError):
            copy.ended(CLIENT_LEFT)
            return
        await self._refuse(connection, copy, reason)

    async def _refuse(self, connection: HttpConnection, copy: CallCopy, reason: str) -> None:
        """Answer a call whose body was read with the reason why it can't be forwarded."""
        self._report(reason)
        error = error_object(reason, _UNREACHABLE)
        headers = (("content-type", "application/json"), ("connection", "close"))
        await connection.send_json(502, error, headers[1:])
        copy.responded(502, headers)
        copy.received(encode_json(error))
        copy.ended(None)


async def _pass(connection: HttpConnection, forwarding: Forwarding, link: Link) -> bool:
    """Forward a call. Returns whether the connection can have another one."""
    if not await forwarding.run():
        return False
    connection.passed_on()
    link.rest()
    return True


async def _link_to(visit: _Visit, upstream: Upstream) -> Link:
    """The link of this connection to an upstream. Raises DialError."""
    known = visit.links.pop(upstream.name, None)
    if known is not None and known.is_usable:
        return known
    if known is not None:
        known.close()
    return await dial(upstream)


def _stopwatch(clock: "Clock") -> Callable[[], float]:
    """A function that returns the milliseconds from now on."""
    began_ms = clock.monotonic_ms()
    return lambda: clock.monotonic_ms() - began_ms
