"""The copy of a call that an observer gets: bounded in size, decoded, and with masked keys.

Nothing here may disturb the traffic: an observer that raises is left alone for the rest of the
call, and the gap is counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from replyscope.domain.mask import Mask, StreamMask, mask_of, secrets_in_headers, secrets_in_url
from replyscope.domain.watched import CallListener, CallObserver, Client, WatchedRequest
from replyscope.serving.connection import Head, named
from replyscope.serving.watch.decoding import BodyDecoder, UnreadableBody, encodings_in
from replyscope.serving.watch.peers import Process

MOST_OF_A_REQUEST = 32 * 1024 * 1024
MOST_OF_A_RESPONSE = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ObserverGaps:
    """The calls that were forwarded, but not reported to the end. `report` gets the first."""

    report: Callable[[str], None]
    count: int = field(default=0)

    def add(self, error: Exception) -> None:
        """Count a call whose observer failed."""
        self.count += 1
        if self.count == 1:
            _log.exception("an observer of calls failed", exc_info=error)
            why = f"{type(error).__name__}: {error}"
            self.report(f"A call could not be recorded ({why}). Forwarding continues.")


class InOrder:
    """Calls functions in the order in which they were added, each when its future is done.

    A request that repeats a reply is reported after the call of that reply, although the process
    of its connection was known before.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[asyncio.Future[Process | None], Callable[[], None]]] = deque()

    def add(self, awaited: asyncio.Future[Process | None], run: Callable[[], None]) -> None:
        """Add a function; it is called by the event loop, never at once."""
        self._waiting.append((awaited, run))
        awaited.add_done_callback(lambda _: self._run())

    def _run(self) -> None:
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()[1]()


class CallCopy:
    """Collects a request, then reports the request and its response to the observer.

    `process` is awaited before the first report; until then reports are kept. `request` has an
    empty body and unmasked headers. What takes time is done after the first byte of the response.
    """

    def __init__(
        self,
        observer: CallObserver,
        request: WatchedRequest,
        own_secrets: tuple[str, ...],
        process: asyncio.Future[Process | None],
        elapsed_ms: Callable[[], float],
        gaps: ObserverGaps,
        order: InOrder,
    ) -> None:
        self._observer = observer
        self._request = request
        self._own_secrets = own_secrets
        self._process = process
        self._elapsed_ms = elapsed_ms
        self._gaps = gaps
        self._order = order
        self._body = bytearray()
        self._decoder: BodyDecoder | None = None
        self._listener: CallListener | None = None
        self._kept: list[Callable[[CallListener], None]] = []
        self._is_whole = self._has_begun = self._has_ended = self._has_failed = False
        self._lack: str | None = None
        """Why a part of the response is not reported."""

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        """Our own keys, and the keys in the request."""
        in_query = secrets_in_url(f"http://upstream/?{self._request.query}")
        return (*self._own_secrets, *secrets_in_headers(self._request.headers), *in_query)

    @cached_property
    def _mask(self) -> Mask:
        return mask_of(self._secrets)

    @cached_property
    def _stream_mask(self) -> StreamMask:
        return StreamMask(self._mask)

    @cached_property
    def _readable(self) -> bytes | None:
        """The decoded body with masked keys; None if it can't be read whole. It is used by a
        gate, the choice of a fault, and the report.
        """
        body = self._decoded()
        return None if body is None else self._mask.body(body)

    def _decoded(self) -> bytes | None:
        """The decoded body; None if it can't be read whole."""
        try:
            decoder = BodyDecoder(encodings_in(self._request.headers), MOST_OF_A_REQUEST)
            body = decoder.feed(bytes(self._body))
        except UnreadableBody:
            return None
        return None if decoder.is_cut else body

    def with_keys(self, edited: bytes) -> bytes | None:
        """The body that a person edited, with the masked keys put back; None if it is not clear
        which key belongs where.
        """
        return self._mask.unmasked(self._decoded() or b"", edited)

    def add_request(self, data: bytes) -> None:
        """Add a part of the request body."""
        if self._listener is None and len(self._body) <= MOST_OF_A_REQUEST:
            self._body += data

    async def whole_request(self) -> WatchedRequest:
        """The request as it will be reported, after the last part of its body."""
        self._is_whole = True
        with suppress(Exception):  # an unknown process is no reason to fail
            await asyncio.shield(self._process)
        return replace(self._with_body(), client=self._client())

    def mark_fault(self, rule: str) -> None:
        """Report the request with the fault rule that hits it. Call it before `request_ended`."""
        self._request = replace(self._request, fault=rule)

    def mark_decision(self, intervention: str, elapsed_ms: Callable[[], float]) -> None:
        """Report the request with the sentence about a decision; times count from now on."""
        self._request = replace(self._request, intervention=self._mask.text(intervention))
        self._elapsed_ms = elapsed_ms

    def replace_request(self, head: Head, body: bytes) -> None:
        """Replace the request in the report by an edited one."""
        self._request = replace(self._request, headers=named(head.raw_headers))
        self._body = bytearray(body)
        self.__dict__.pop("_readable", None)

    def request_ended(self) -> None:
        """The request is complete."""
        self._is_whole = True
        self._begin_soon()

    def _begin_soon(self) -> None:
        """Report the request once its process and the processes of earlier requests are known."""
        if not self._has_begun:
            self._has_begun = True
            self._order.add(self._process, self._begin)

    def responded(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """See ResponseListener."""
        self._begin_soon()
        try:
            self._decoder = BodyDecoder(encodings_in(headers), MOST_OF_A_RESPONSE)
        except UnreadableBody as error:
            self._lack = f"The body can't be read: {error}."
        masked, at_ms = self._mask.headers(headers), self._elapsed_ms()
        self._report(lambda listener: listener.responded(status, masked, at_ms))

    def received(self, data: bytes) -> None:
        """See ResponseListener."""
        if self._decoder is None or self._lack is not None:
            return
        try:
            data = self._stream_mask.feed(self._decoder.feed(data))
        except UnreadableBody as error:
            self._lack = f"The body can't be read: {error}."
            return
        if self._decoder.is_cut:
            size = f"{MOST_OF_A_RESPONSE // 1024**2} MB"
            self._lack = f"The response is larger than {size}; its rest was not recorded."
        self._pass(data)

    def fault_missed(self) -> None:
        """The fault of `mark_fault` had no effect."""
        self._report(lambda listener: listener.fault_missed())

    def ended(self, fault: str | None) -> None:
        """The call ended: properly with None, else with the reason."""
        self._has_ended = True
        self._begin_soon()
        self._pass(self._stream_mask.finish())
        lack, at_ms = self._lack, self._elapsed_ms()
        self._report(lambda listener: listener.ended(fault, at_ms, lack))

    def stopped(self, fault: str) -> None:
        """The relay does no more for this call. If it was reported, it ends, at the latest now: an
        observer waits for the end.
        """
        if self._has_begun and not self._has_ended:
            self.ended(fault)

    def _pass(self, data: bytes) -> None:
        if data:
            at_ms = self._elapsed_ms()
            self._report(lambda listener: listener.received(data, at_ms))

    def _with_body(self) -> WatchedRequest:
        """The request with its decoded body, or marked as cut."""
        body = self._readable if self._is_whole else None
        return replace(
            self._request,
            headers=self._mask.headers(self._request.headers),
            query=self._mask.text(self._request.query),
            path=self._mask.text(self._request.path),
            body=body or b"",
            is_cut=body is None,
            secrets=self._secrets,
        )

    def _client(self) -> Client:
        """The program, now that its process is known."""
        is_known = not self._process.cancelled() and self._process.exception() is None
        found = self._process.result() if is_known else None
        client = self._request.client
        if found is None:
            return client
        command = self._mask.text(found.command)
        name = client.name or command.partition(" ")[0].rpartition("/")[2]
        return Client(name, found.pid, command)

    def _begin(self) -> None:
        """Report the request and what was kept, now that the process is known."""
        request = replace(self._with_body(), client=self._client())
        self._body = bytearray()
        try:
            self._listener = self._observer.called(request)
        except Exception as error:  # noqa: BLE001 - whatever fails there, the traffic goes on
            self._fail(error)
        for report in self._kept:
            self._report(report)
        self._kept.clear()

    def _report(self, report: Callable[[CallListener], None]) -> None:
        if self._has_failed:
            return
        if self._listener is None:
            self._kept.append(report)
            return
        try:
            report(self._listener)
        except Exception as error:  # noqa: BLE001 - whatever fails there, the traffic goes on
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._has_failed = True
        self._gaps.add(error)
