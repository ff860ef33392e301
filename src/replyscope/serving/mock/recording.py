"""A recorded exchange as an HTTP response: headers, frames, ending."""

from collections.abc import Sequence
from dataclasses import dataclass

from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.failure import Failure

_STREAM = "text/event-stream"
_CUT = ("interrupted", "timeout")
_NOT_OURS = {
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "set-cookie",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Headers about the recorded connection, or that would redirect a client elsewhere."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An exchange and its wire record."""

    exchange: Exchange
    record: WireRecord

    @property
    def frames(self) -> Sequence[WireFrame]:
        """The frames of the response."""
        return self.record.frames

    @property
    def body(self) -> bytes:
        """The whole body of the response."""
        return "".join(frame.text for frame in self.frames).encode("utf-8", "surrogatepass")

    @property
    def status(self) -> int:
        """The HTTP status. A recorded stream without a status counts as 200."""
        return self.exchange.status or 200

    @property
    def content_type(self) -> str:
        """The content type that the server sent, or else the type of the frames."""
        for name, value in self.exchange.headers:
            if name.lower() == "content-type":
                return value
        start = self.frames[0].text.lstrip()[:1] if self.frames else ""
        return "application/json" if start in ("{", "[") else _STREAM

    @property
    def is_stream(self) -> bool:
        """Whether the response is a stream of events."""
        return self.status < 400 and self.content_type.startswith(_STREAM)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The recorded headers that still apply, such as `retry-after` and rate limits."""
        kept = [(n, v) for n, v in self.exchange.headers if n.lower() not in _NOT_OURS]
        return [("content-type", self.content_type), *kept]

    @property
    def why_cut(self) -> str | None:
        """The reason for a response that was cut off, as a clause; None for a complete one."""
        exchange = self.exchange
        if exchange.state is ExchangeState.CANCELLED:
            return "it was cancelled before it was complete"
        if exchange.is_detached:
            return "replyscope disconnected before it was complete"
        failure: Failure | None = exchange.failure
        if failure is not None and failure.kind in _CUT:
            return f"it failed: {failure.message}"
        return None
