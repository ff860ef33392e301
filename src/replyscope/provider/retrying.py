"""Whether another try may help, and how long to wait before it. Pure but for the dice.

Only tries that failed before the first event count; a reply that began is never
asked for twice.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

import openai

from replyscope.domain.failure import Failure

_KINDS = ("rate_limit", "server", "timeout", "unreachable", "interrupted")
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Try again after `wait_s` seconds; `failure` is why."""

    failure: Failure
    wait_s: float


def plan_retry(
    error: Exception, failure: Failure, *, retried: int, most: int, now: datetime
) -> RetryPlan | None:
    """The next try after `retried` ones; None when there is to be none.

    A server's `Retry-After` is obeyed up to a minute; one that asks for more gets no
    further try, so that the person can decide. `x-should-retry` is the server's own word.
    """
    if retried >= most:
        return None
    headers = _headers(error)
    should = headers.get("x-should-retry")
    if should == "false" or (failure.kind not in _KINDS and should != "true"):
        return None
    asked_s = wait_asked_for(headers, now)
    if asked_s is not None:
        return RetryPlan(failure, asked_s) if asked_s <= _LONGEST_WAIT_S else None
    return RetryPlan(failure, _FIRST_WAIT_S * 2**retried * random.uniform(0.75, 1.0))


def with_wait(failure: Failure, error: Exception, now: datetime) -> Failure:
    """A failure that says how long the server asks to wait, where that is long."""
    asked_s = wait_asked_for(_headers(error), now)
    if asked_s is None or asked_s <= _LONGEST_WAIT_S:
        return failure
    wait = f"{asked_s / 60:.0f} minutes" if asked_s < 7_200 else f"{asked_s / 3_600:.0f} hours"
    return replace(failure, next_step=f"It asks to wait {wait}; retry then.")


def _headers(error: Exception) -> Mapping[str, str]:
    return error.response.headers if isinstance(error, openai.APIStatusError) else {}


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a server asks to wait: it says milliseconds, seconds, or a date."""
    milliseconds, after = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return None if after is None else max(0.0, float(after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(after or "") - now).total_seconds())
    except (ValueError, TypeError):
        return None
