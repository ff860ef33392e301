"""Garbage collection of Python, scheduled so that no key waits long.

A full collection visits every live object: 50 ms and more while a long reply streams,
and Python starts one every few seconds. Young objects are still collected at any time;
full collections wait until no reply streams, for two minutes at most. Imported modules live until
the app exits, and are never visited.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_S = 30.0
_MOST_PUT_OFF = 3
"""After this many, a full collection runs although something streams: sessions that stream one
after the other would use more and more memory.
"""


def begin() -> None:
    """Collect only young objects from now on, at most 10,000 at once: 3 ms, in which neither a
    key nor a call of the relay goes on.
    """
    gc.enable()
    gc.set_threshold(2_000, 5, 10_000)


@contextmanager
def paused_while_loading() -> Iterator[None]:
    """Collect nothing while modules are imported, and never what they created.

    Collections during the imports of the chat took 0.1 s of the start and found nothing.
    """
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        gc.enable()


class Start:
    """The objects of the start, which live until the app exits."""

    def __init__(self) -> None:
        self._is_settled = False

    def settle(self) -> None:
        """Exclude the present objects from later collections, at the first call.

        No collection before: it takes 54 ms, in which a person begins to write, and finds 2,000
        objects of 100,000.
        """
        if not self._is_settled:
            self._is_settled = True
            gc.freeze()


class FullCollections:
    """Runs full collections. Each takes tens of milliseconds."""

    def __init__(self) -> None:
        self._put_off = 0

    def collect(self, *, is_streaming: bool) -> None:
        """Collect, unless hardly any object was created since the last time. Put it off while
        something streams, a few times. Call it each `EVERY_S`.
        """
        if is_streaming and self._put_off < _MOST_PUT_OFF:
            self._put_off += 1
            return
        self._put_off = 0
        if any(gc.get_count()[1:]):
            gc.collect()
