"""Reads the response to a watched call as its bytes arrive. Implements ReplyReader.

It uses the frames, the translators and the endings of our own replies, so that a watched reply
is folded like one that replyscope requested.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import cache

from replyscope.domain.authorities import unused_context
from replyscope.domain.event import (
    Event,
    ExtraReported,
    ResponseOpened,
    StreamEnded,
    WireFrame,
)
from replyscope.domain.exchange import CLOSED_BY, NOT_RECORDED
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.mask import Mask
from replyscope.domain.route import Route
from replyscope.domain.sse import MOST_FRAME, Flood
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.bounds import TooMuch
from replyscope.provider.connection_errors import short
from replyscope.provider.dialect import Reading
from replyscope.provider.errors import ErrorTranslator
from replyscope.provider.frames import FrameTap
from replyscope.provider.reply_bound import ReplyBound
from replyscope.provider.reply_end import EndReader, ReplyEnd, add_arrived

_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")


class _Form(Enum):
    """The way to read the body: an event stream frame by frame, anything else as a whole."""

    UNDECIDED = auto()
    STREAM = auto()
    WHOLE = auto()


class WatchedReply:
    """A reader of one response."""

    def __init__(self, dialect: Reading, base_url: str, mask: Mask, think_tags: ThinkTags) -> None:
        self._mask = mask
        self._errors = ErrorTranslator(base_url, mask, _no_route())
        self._translator = dialect.translator(think_tags)
        self._endings = EndReader(dialect, self._errors, think_tags)
        self._tap = FrameTap(mask, lambda: self._at_ms)
        self._bound = ReplyBound()
        self._form = _Form.UNDECIDED
        self._is_json = False
        self._body = bytearray()
        self._status: int | None = None
        self._request_id: str | None = None
        self._at_ms = 0.0
        self._failure: Failure | None = None
        """Why the rest of the response is not read."""

    def responded(
        self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float
    ) -> Sequence[Event]:
        """The event of the status and the headers."""
        self._at_ms = at_ms
        self._status = status
        given = {name.lower(): value for name, value in headers}
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        self._is_json = kind == "application/json" or kind.endswith("+json")
        named = next((given[name] for name in _REQUEST_IDS if name in given), None)
        self._request_id = self._mask.known(named)
        return [ResponseOpened(status, self._mask.headers(headers), self._request_id)]

    def received(self, data: bytes, at_ms: float) -> Sequence[Event]:
        """The events of a part of the body; none once the response exceeds a limit."""
        self._at_ms = at_ms
        if self._failure is not None or not data:
            return ()
        if self._form is _Form.UNDECIDED:
            self._form = self._form_of(data)
        events: list[Event] = []
        try:
            if self._form is _Form.WHOLE:
                self._keep(data)
                return ()
            self._tap.push(data, at_ms)
        except Flood as flood:
            self._failure = self._errors.translate(flood)
        add_arrived(events, self._tap, self._translator)
        self._count(events)
        return events

    def _form_of(self, data: bytes) -> _Form:
        """The form of a body, by its status, its type and its first bytes."""
        is_error = self._status is not None and not 200 <= self._status < 300
        starts_json = data.lstrip()[:1] in (b"{", b"[", b"")
        return _Form.WHOLE if is_error or (self._is_json and starts_json) else _Form.STREAM

    def _keep(self, data: bytes) -> None:
        if len(self._body) + len(data) > MOST_FRAME:
            raise TooMuch(f"a body of more than {MOST_FRAME // 1024**2} MB")
        self._body += data

    def _count(self, events: Sequence[Event]) -> None:
        for event in events:
            self._bound.count(event)
        try:
            self._bound.check()
        except TooMuch as error:
            self._failure = self._failure or self._errors.translate(error)

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> Sequence[Event]:
        """The last events; `StreamEnded` is the last one."""
        if self._form is _Form.WHOLE or self._is_refused:
            end = self._end_of_body(fault)
        else:
            end = self._end_of_stream(fault)
        events = list(end.events)
        failure, how = end.failure, end.end
        if fault == "client" and how in (StreamEnd.BROKEN, StreamEnd.CLOSED):
            events.append(ExtraReported(CLOSED_BY, '"client"'))
            failure, how = None, StreamEnd.CANCELLED
        if lack is not None:
            events.append(ExtraReported(NOT_RECORDED, json.dumps(lack)))
            if fault is None and not self._is_refused:  # the program got the whole response
                failure, how = None, StreamEnd.DONE
        return [*events, StreamEnded(how, at_ms, failure)]

    @property
    def _is_refused(self) -> bool:
        return self._status is not None and not 200 <= self._status < 300

    def _broken(self, fault: str | None) -> Failure | None:
        """The failure of a response that broke off; None when it ended properly."""
        if fault is None:
            return None
        broken = self._errors.broken_off()
        if fault in ("client", "upstream"):
            return broken
        return replace(broken, message=f"{short(self._mask.text(fault))}.")

    def _end_of_stream(self, fault: str | None) -> ReplyEnd:
        failure = self._failure or self._broken(fault)
        try:
            self._tap.close(self._at_ms, is_broken=failure is not None)
        except Flood as flood:
            failure = failure or self._errors.translate(flood)
        if self._status is None and failure is None:
            failure = self._errors.broken_off("it sent no response")
        return self._endings.of_stream(self._tap, self._translator, failure)

    def _end_of_body(self, fault: str | None) -> ReplyEnd:
        """The end of a body that was read as a whole, with the body as its one frame."""
        text = self._mask.text(self._body.decode("utf-8", errors="replace"))
        frames: tuple[Event, ...] = (WireFrame(self._at_ms, text),) if text else ()
        failure = self._failure or self._broken(fault)
        if self._is_refused:
            assert self._status is not None
            failure = self._errors.refused_with(self._status, text, self._request_id)
            return ReplyEnd(frames, StreamEnd.FAILED, failure)
        if failure is not None:
            how = StreamEnd.FAILED if self._failure is not None else StreamEnd.BROKEN
            return ReplyEnd(frames, how, failure)
        end = self._endings.of_body(text)
        return ReplyEnd((*frames, *end.events), end.end, end.failure)


@cache
def _no_route() -> Route:
    """The route for errors: this program opens no connection of its own for a watched call."""
    return Route(unused_context())
