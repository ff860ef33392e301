"""When Python looks for garbage: never for long while a key waits.

A full collection walks everything that lives: 50 ms and more while a long reply
streams, and Python starts one every few seconds. Young garbage is still collected as
it comes; full collections wait until nothing streams.
"""

import gc

EVERY_S = 30.0


def begin() -> None:
    """Collect young garbage only, from now on."""
    gc.enable()
    gc.set_threshold(5_000, 20, 1_000)


def settle() -> None:
    """What lives now lives as long as the app: never look through it again."""
    gc.collect()
    gc.freeze()


def collect() -> None:
    """Collect everything. Takes tens of milliseconds: only when nothing streams."""
    gc.collect()
