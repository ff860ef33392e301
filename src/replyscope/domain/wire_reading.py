"""The protocols that read the wire of watched calls; the provider package implements them."""

from collections.abc import Sequence
from typing import Protocol

from replyscope.domain.asked import AskedCall
from replyscope.domain.event import Event, RequestSent
from replyscope.domain.exchange import Api
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.watched import WatchedRequest


class ReplyReader(Protocol):
    """Reads one response as it arrives, at a cost that does not depend on its length so far.

    Emits the events of a live reply, without `RequestSent`; `StreamEnded` is the last one.
    """

    def responded(
        self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float
    ) -> Sequence[Event]:
        """The events of the status and the headers."""
        ...

    def received(self, data: bytes, at_ms: float) -> Sequence[Event]:
        """The events of a part of the body."""
        ...

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> Sequence[Event]:
        """The events of the end. `fault` and `lack` are as in `CallListener.ended`."""
        ...


class WireReading(Protocol):
    """Reads the requests and responses of watched calls."""

    def prepare(self) -> None:
        """Load what reading needs. Blocks, so call it in a thread."""
        ...

    def api_of(self, request: WatchedRequest) -> Api | None:
        """The API of a request for a reply; None for any other request."""
        ...

    def asked(self, request: WatchedRequest, api: Api) -> AskedCall:
        """The conversation in a request's body. Takes as long as parsing it."""
        ...

    def sent(self, request: WatchedRequest) -> RequestSent:
        """The request to record: byte for byte, with masked secrets."""
        ...

    def reply(self, request: WatchedRequest, api: Api, think_tags: ThinkTags) -> ReplyReader:
        """A reader of the response."""
        ...
