"""No input may take more than two seconds, or much memory."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.support.suite import Suite

T = TypeVar("T")
_LONGEST_S = 2.0
"""Twice what the slowest input takes: a busy core shares its parts with another thread."""
_MOST_BYTES = 300_000_000
_UNIT = 1 if sys.platform == "darwin" else 1024


@contextmanager
def bounded(*, longest_s: float = _LONGEST_S) -> Iterator[None]:
    """Fail when what is within took more processor time or memory than that.

    The processor's time: a busy machine is no fault of the input's.
    """
    began = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    yield
    took = time.process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT - before
    assert took <= longest_s, f"took {took:.2f} s of the processor"
    assert grown <= _MOST_BYTES, f"took {grown:,} bytes of memory more than ever before"


def examine(
    suite: Suite, inputs: st.SearchStrategy[T], whole: int, check: Callable[[T], None]
) -> int:
    """Try inputs, as many of `whole` as the suite's size says; how many were tried."""
    count = suite.count(whole, least=8)
    tried = 0

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @seed(suite.seed)
    @given(inputs)
    def run(value: T) -> None:
        nonlocal tried
        tried += 1
        with bounded():
            check(value)

    run()
    return tried
