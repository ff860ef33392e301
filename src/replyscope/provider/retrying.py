"""Plans retries: whether to retry a request, and the wait before it. Pure except for jitter.

Only requests that failed before their first event are retried.
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
    """A retry after `wait_s` seconds because of `failure`."""

    failure: Failure
    wait_s: float


def plan_retry(
    error: Exception, failure: Failure, *, retried: int, most: int, now: datetime
) -> RetryPlan | None:
    """The next retry after `retried` ones; None for no retry.

    A server's `Retry-After` is obeyed up to a minute. A longer one prevents the retry, so that
    the user can decide. `x-should-retry` from the server overrides the kind of failure.
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
    """The failure with the server's `Retry-After` as next step, if that is over a minute."""
    asked_s = wait_asked_for(_headers(error), now)
    if asked_s is None or asked_s <= _LONGEST_WAIT_S:
        return failure
    wait = f"{asked_s / 60:.0f} minutes" if asked_s < 7_200 else f"{asked_s / 3_600:.0f} hours"
    return replace(failure, next_step=f"Retry in {wait}, as the server requests.")


def _headers(error: Exception) -> Mapping[str, str]:
    return error.response.headers if isinstance(error, openai.APIStatusError) else {}


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that a server requests, in seconds; its headers have milliseconds or a date too."""
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
