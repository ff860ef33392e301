"""A recorded exchange as it can be served: its head, its frames, how it ended."""

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
"""Headers about the connection of then, or that would lead a client away from this server."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An exchange and what went over its wire."""

    exchange: Exchange
    record: WireRecord

    @property
    def frames(self) -> Sequence[WireFrame]:
        """The frames of the answer."""
        return self.record.frames

    @property
    def body(self) -> bytes:
        """The answer, whole."""
        return "".join(frame.text for frame in self.frames).encode("utf-8", "surrogatepass")

    @property
    def status(self) -> int:
        """The status of the answer. A recorded stream alone is one that was answered."""
        return self.exchange.status or 200

    @property
    def content_type(self) -> str:
        """What the server said that it sends; else what the frames look like."""
        for name, value in self.exchange.headers:
            if name.lower() == "content-type":
                return value
        start = self.frames[0].text.lstrip()[:1] if self.frames else ""
        return "application/json" if start in ("{", "[") else _STREAM

    @property
    def is_stream(self) -> bool:
        """Whether the answer came as events."""
        return self.status < 400 and self.content_type.startswith(_STREAM)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The recorded headers that still mean something, `retry-after` and limits among them."""
        kept = [(n, v) for n, v in self.exchange.headers if n.lower() not in _NOT_OURS]
        return [("content-type", self.content_type), *kept]

    @property
    def why_cut(self) -> str | None:
        """Why the answer broke off, in a sentence; None when the server ended it."""
        exchange = self.exchange
        if exchange.state is ExchangeState.CANCELLED:
            return "it was stopped here before it was whole"
        if exchange.is_detached:
            return "it was left before it was whole"
        failure: Failure | None = exchange.failure
        if failure is not None and failure.kind in _CUT:
            return f"it broke off: {failure.message}"
        return None
