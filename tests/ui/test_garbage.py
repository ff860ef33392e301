"""When the app runs full collections."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from replyscope.ui.terminal.garbage import FullCollections, Start


class Knot:
    """An object that refers to itself: only a collection removes it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def old_knot() -> Iterator["weakref.ref[Knot]"]:
    """A knot that is garbage, and too old for the collections that Python runs by itself."""
    gc.disable()
    knot = Knot()
    gc.collect()  # it survives, and is old now
    known = weakref.ref(knot)
    del knot
    young = [Knot() for _ in range(10)]
    gc.collect(0)
    assert young
    yield known
    gc.enable()


def test_a_collection_runs_when_nothing_streams(old_knot: "weakref.ref[Knot]") -> None:
    collections = FullCollections()
    collections.collect(is_streaming=True)
    assert old_knot() is not None
    collections.collect(is_streaming=False)
    assert old_knot() is None


def test_sessions_that_always_stream_put_it_off_for_a_while(
    old_knot: "weakref.ref[Knot]",
) -> None:
    collections = FullCollections()
    for _ in range(3):
        collections.collect(is_streaming=True)
        assert old_knot() is not None
    collections.collect(is_streaming=True)
    assert old_knot() is None


def test_the_objects_of_the_start_are_excluded_once_and_without_a_collection(
    old_knot: "weakref.ref[Knot]",
) -> None:
    start = Start()
    try:
        start.settle()
        frozen = gc.get_freeze_count()
        assert frozen
        start.settle()
        assert gc.get_freeze_count() == frozen
        assert old_knot() is not None
    finally:
        gc.unfreeze()
