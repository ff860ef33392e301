"""Garbage collection of Python, scheduled so that no key waits long.

A full collection visits every live object: 50 ms and more while a long reply streams,
and Python starts one every few seconds. Young objects are still collected at any time;
full collections wait until no reply streams.
"""

import gc

EVERY_S = 30.0


def begin() -> None:
    """Collect only young objects from now on, at most 10,000 at once: 3 ms, in which neither a
    key nor a call of the relay goes on.
    """
    gc.enable()
    gc.set_threshold(2_000, 5, 10_000)


def settle() -> None:
    """Exclude the present objects from later collections: they live until the app exits."""
    gc.collect()
    gc.freeze()


def collect() -> None:
    """Run a full collection. It takes tens of milliseconds: call it only when nothing streams."""
    gc.collect()
