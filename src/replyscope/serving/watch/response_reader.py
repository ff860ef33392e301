"""Parses a copy of the bytes of one response, to find its end and its parts."""

from typing import Protocol

import h11

from replyscope.serving.connection import Head, named
from replyscope.serving.watch.request_head import is_web_socket

_MOST_OF_A_HEAD = 524_288
BROKE_OFF = "upstream"
"""The fault of a response that the upstream ended too early."""


class ResponseListener(Protocol):
    """A receiver of the parts of a response."""

    def responded(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """The status and the headers. Interim responses are not reported."""
        ...

    def received(self, data: bytes) -> None:
        """A part of the body, without chunking."""
        ...


class ResponseReader:
    """A parser of the response to `head`. It never fails: `fault` says what is wrong."""

    def __init__(self, head: Head, listener: ResponseListener) -> None:
        self._listener = listener
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_OF_A_HEAD)
        # Only what decides about the form of the response is repeated of the request.
        upgrade = [("connection", "upgrade"), ("upgrade", "websocket")]
        headers = [("host", "upstream"), *(upgrade if is_web_socket(head) else [])]
        self._http.send(h11.Request(method=head.method, target="/", headers=headers))
        self._http.send(h11.EndOfMessage())
        self.is_complete = False
        self.is_switched = False
        """Whether the upstream has switched to another protocol (101)."""
        self.fault: str | None = None

    @property
    def can_continue(self) -> bool:
        """Whether the connection may have another response after this complete one."""
        is_done = self.is_complete and self._http.their_state is h11.DONE
        return is_done and not self._http.trailing_data[0]

    def feed(self, raw: bytes) -> None:
        """Parse bytes, none at the end of the connection."""
        if self.fault is not None:
            return
        try:
            self._http.receive_data(raw)
            while not self.is_complete and not self.is_switched:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    break
                self._take(event)
        except h11.RemoteProtocolError as error:
            self.fault = f"The response is not valid HTTP ({error})." if raw else BROKE_OFF

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Data):
            self._listener.received(bytes(event.data))
        elif isinstance(event, h11.Response):
            self._listener.responded(event.status_code, _texts(event))
        elif isinstance(event, h11.InformationalResponse):
            if event.status_code == 101:
                self.is_switched = True
                self._listener.responded(101, _texts(event))
        else:
            self.is_complete = True


def _texts(event: h11.Response | h11.InformationalResponse) -> tuple[tuple[str, str], ...]:
    return named(event.headers.raw_items())
