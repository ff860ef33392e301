"""The copy of a call that an observer gets: bounded in size, decoded, and with masked keys.

Nothing here may disturb the traffic: an observer that raises is left alone for the rest of the
call, and the gap is counted.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from replyscope.domain.mask import Mask, StreamMask
from replyscope.domain.watched import CallListener, CallObserver, Client, WatchedRequest
from replyscope.serving.watch.decoding import Decoder, Unreadable
from replyscope.serving.watch.peers import Process

MOST_OF_A_REQUEST = 32 * 1024 * 1024
MOST_OF_A_RESPONSE = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Gaps:
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


@lru_cache(maxsize=64)  # a program has few keys, and building a mask takes a while
def _mask_of(secrets: tuple[str, ...]) -> Mask:
    return Mask(secrets)


class CallCopy:
    """Collects a request, then reports the request and its response to the observer.

    `process` is awaited before the first report; until then reports are kept. `request` has an
    empty body.
    """

    def __init__(
        self,
        observer: CallObserver,
        request: WatchedRequest,
        secrets: tuple[str, ...],
        process: asyncio.Future[Process | None],
        elapsed_ms: Callable[[], float],
        gaps: Gaps,
    ) -> None:
        self._observer = observer
        self._request = request
        self._mask = _mask_of(secrets)
        self._stream_mask = StreamMask(self._mask)
        self._process = process
        self._elapsed_ms = elapsed_ms
        self._gaps = gaps
        self._body = bytearray()
        self._decoder: Decoder | None = None
        self._listener: CallListener | None = None
        self._kept: list[Callable[[CallListener], None]] = []
        self._has_begun = self._has_failed = False
        self._lack: str | None = None
        """Why a part of the response is not reported."""

    def add_request(self, data: bytes) -> None:
        """Add a part of the request body."""
        if len(self._body) <= MOST_OF_A_REQUEST:
            self._body += data

    def request_ended(self) -> None:
        """The request is complete, or its response has begun before."""
        if not self._has_begun:
            self._has_begun = True
            self._request = self._with_body()
            self._process.add_done_callback(lambda _: self._begin())

    def responded(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """See ResponseListener."""
        self.request_ended()
        encodings = ",".join(v for n, v in headers if n.lower() == "content-encoding")
        try:
            self._decoder = Decoder(encodings, MOST_OF_A_RESPONSE)
        except Unreadable as error:
            self._lack = f"The body can't be read: {error}."
        masked, at_ms = self._mask.headers(headers), self._elapsed_ms()
        self._report(lambda listener: listener.responded(status, masked, at_ms))

    def received(self, data: bytes) -> None:
        """See ResponseListener."""
        if self._decoder is None or self._lack is not None:
            return
        try:
            data = self._stream_mask.feed(self._decoder.feed(data))
        except Unreadable as error:
            self._lack = f"The body can't be read: {error}."
            return
        if self._decoder.is_cut:
            size = f"{MOST_OF_A_RESPONSE // 1024**2} MB"
            self._lack = f"The response is larger than {size}; its rest was not recorded."
        self._pass(data)

    def ended(self, fault: str | None) -> None:
        """The call ended: properly with None, else with the reason."""
        self.request_ended()
        self._pass(self._stream_mask.finish())
        why, at_ms = fault or self._lack, self._elapsed_ms()
        self._report(lambda listener: listener.ended(why, at_ms))

    def _pass(self, data: bytes) -> None:
        if data:
            at_ms = self._elapsed_ms()
            self._report(lambda listener: listener.received(data, at_ms))

    def _with_body(self) -> WatchedRequest:
        """The request with its decoded body, or marked as cut."""
        names = self._request.headers
        encodings = ",".join(v for n, v in names if n.lower() == "content-encoding")
        try:
            decoder = Decoder(encodings, MOST_OF_A_REQUEST)
            body, is_cut = decoder.feed(bytes(self._body)), decoder.is_cut
        except Unreadable:
            body, is_cut = b"", True
        self._body = bytearray()
        return replace(
            self._request,
            headers=self._mask.headers(names),
            query=self._mask.text(self._request.query),
            path=self._mask.text(self._request.path),
            body=b"" if is_cut else self._mask.body(body),
            is_cut=is_cut,
        )

    def _begin(self) -> None:
        """Report the request and what was kept, now that the process is known."""
        is_known = not self._process.cancelled() and self._process.exception() is None
        found = self._process.result() if is_known else None
        client = self._request.client
        if found is not None:
            command = self._mask.text(found.command)
            name = client.name or command.partition(" ")[0].rpartition("/")[2]
            client = Client(name, found.pid, command)
        request = replace(self._request, client=client)
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
