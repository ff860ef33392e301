"""Calls that do not request a reply, such as model lists and embeddings: listed, not saved."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from replyscope.domain.watched import MISSED, WatchedRequest


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A call without an exchange. `status` is None without a response; times in milliseconds
    since the request, sizes in bytes of the decoded bodies.
    """

    request: WatchedRequest
    status: int | None = None
    received: int = 0
    first_byte_ms: float | None = None
    duration_ms: float = 0.0
    fault: str | None = None


class CallCounter:
    """A listener that counts the bytes of one response."""

    def __init__(self, request: WatchedRequest, listen: Callable[[ListedCall], None]) -> None:
        # The body is not kept: only its size is shown.
        self._call = ListedCall(request)
        self._listen = listen

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """The status arrived."""
        self._call = replace(self._call, status=status, first_byte_ms=at_ms)

    def received(self, data: bytes, at_ms: float) -> None:
        """A part of the body arrived."""
        self._call = replace(self._call, received=self._call.received + len(data))

    def fault_missed(self) -> None:
        """The fault had no effect."""
        request = self._call.request
        self._call = replace(self._call, request=replace(request, fault=f"{request.fault}{MISSED}"))

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """The call ended. Only its size is kept, so that `lack` changes nothing."""
        self._call = replace(self._call, fault=fault, duration_ms=at_ms)
        self._listen(self._call)
