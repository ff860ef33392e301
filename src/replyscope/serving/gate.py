"""The gate of the relay: decides about each request before it is forwarded.

A gate may take as long as it needs, for example until a person has decided. It is cancelled when
the client leaves.
"""

from dataclasses import dataclass
from typing import Protocol

from replyscope.domain.watched import Refuse, WatchedRequest
from replyscope.serving.playback import RecordedResponse


@dataclass(frozen=True, slots=True)
class Send:
    """Forward the request, with another body if one is given."""

    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class AnswerRecorded:
    """Answer with a recorded reply; the request is not forwarded."""

    playback: RecordedResponse


Decision = Send | Refuse | AnswerRecorded


class Gate(Protocol):
    """Decides about requests. Several may wait at once."""

    async def decide(self, request: WatchedRequest) -> Decision:
        """The decision about a request; its headers and its body have masked keys."""
        ...
