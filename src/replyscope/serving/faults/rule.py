"""A rule of `watch --fault`: a fault, and the calls that it hits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replyscope.domain.watched import WatchedRequest

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.query import Query

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter")


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault, and the calls that it hits. `text` is the source text of the rule.

    Places (`cut`, `stall_after`) are bytes of the decoded body; times are seconds; `slow` is in
    tokens per second. Without `stall_after` the stall is before the first byte.
    """

    text: str
    status: int | None = None
    retry_after_s: float | None = None
    cut: int | None = None
    stall_s: float | None = None
    stall_after: int | None = None
    slow: float | None = None
    finish: str | None = None
    garbles: bool = False
    when: "Query | None" = None
    p: float = 1.0
    first: int | None = None
    every: int | None = None

    @property
    def is_fault(self) -> bool:
        """Whether the rule does anything to a call."""
        effects = (self.status, self.cut, self.stall_s, self.slow, self.finish)
        return self.garbles or any(effect is not None for effect in effects)


ChooseFault = Callable[[WatchedRequest], Awaitable[FaultRule | None]]
"""Returns the rule that hits a call, None to forward it unchanged. It is asked for one call after
another."""
