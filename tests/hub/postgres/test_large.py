"""One large reply: how much memory its push takes, as a multiple of its size."""

import tracemalloc
from collections.abc import Callable

from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.hub import START
from replyscope.hub.postgres.hub import PostgresHub
from tests.support.build import make_exchange
from tests.support.hub_entries import Log

_CHARACTERS = 20_000_000
_WORDS = "the quick brown fox jumps over a lazy dog "


def _peak(job: Callable[[], object]) -> float:
    """The growth of Python's memory while a job runs, as a multiple of the reply's size."""
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1] / _CHARACTERS
    finally:
        tracemalloc.stop()


def test_a_large_reply_is_in_memory_a_few_times(hub: PostgresHub) -> None:
    text = _WORDS * (_CHARACTERS // len(_WORDS))
    log = Log("laptop")
    exchange = make_exchange(state=ExchangeState.COMPLETED, choices=(Choice(0, text),))
    entries = log.turn("large", "Hi", exchange)
    del text, exchange
    assert _peak(lambda: hub.push("laptop", "L", entries, START)) < 4.5
    (again,) = hub.pull("laptop", 0, 1_000_000)[-1:]
    assert again.body == entries[-1].body
