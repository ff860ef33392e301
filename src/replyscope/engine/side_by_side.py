"""Runs several requests at once, each to its end."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def side_by_side(runs: Iterable[Awaitable[T]]) -> list[T]:
    """The results of awaitables that run concurrently. A fault stops no other run; the first
    fault is raised when all have ended.
    """
    results: list[T] = []
    for result in await settled(runs):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


async def settled(runs: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """The results or faults of awaitables that run concurrently.

    A TaskGroup would cancel the others at the first fault.
    """
    return await asyncio.gather(*runs, return_exceptions=True)
