"""Numbers of the command line, each within its limits."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from replyscope.domain.limits import Limits

T = TypeVar("T", int, float)


def whole(allowed: Limits) -> Callable[[str], int]:
    """A reader of whole numbers, for argparse."""
    return _reader(int, f"must be a whole number {allowed}", allowed)


def number(allowed: Limits) -> Callable[[str], float]:
    """A reader of numbers, for argparse."""
    return _reader(float, f"must be a number {allowed}", allowed)


def _reader(kind: Callable[[str], T], fault: str, allowed: Limits) -> Callable[[str], T]:
    def read(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(fault) from None
        if value not in allowed:
            raise argparse.ArgumentTypeError(fault)
        return value

    return read
