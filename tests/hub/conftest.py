"""Machines that a test makes, closed at its end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hub.machines import Machine

Make = Callable[..., Awaitable[Machine]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Machine] = []

    async def machine(name: str, *, joins: bool = True, **options: Any) -> Machine:
        one = Machine(tmp_path / name, name, tmp_path / "hub", **options)
        await one.store.open()
        made.append(one)
        if joins:
            await one.join()
        return one

    yield machine
    for one in made:
        await one.close()


async def settle(*machines: Machine) -> None:
    """Sync until everything has reached everyone."""
    for _ in range(3):
        for one in machines:
            await one.sync()
