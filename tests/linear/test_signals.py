"""Ctrl+C cancels what runs, whenever it comes."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from replyscope.linear.engine_thread import EngineThread, Stopped
from replyscope.linear.signals import Signals


@pytest.fixture
def engine() -> Iterator[EngineThread]:
    """An engine whose signals have the handler of Ctrl+C."""
    numbers = (
        signal.SIGINT,
        signal.SIGTERM,
        *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []),
    )
    before = [signal.getsignal(number) for number in numbers]
    signals = Signals()
    signals.install()
    engine = EngineThread(signals)
    yield engine
    engine.stop()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_an_interrupt_between_two_jobs_cancels_the_next_one(engine: EngineThread) -> None:
    engine.run(asyncio.sleep(0))
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(Stopped):
        engine.run(asyncio.Event().wait())
    engine.run(asyncio.sleep(0))


def test_an_interrupt_of_an_earlier_command_does_not_cancel_the_next_command(
    engine: EngineThread,
) -> None:
    signal.raise_signal(signal.SIGINT)
    with engine.signals.reading():
        pass
    engine.run(asyncio.sleep(0))
    with pytest.raises(KeyboardInterrupt), engine.signals.reading():
        signal.raise_signal(signal.SIGINT)
