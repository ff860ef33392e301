"""Numbers of the command line, each within its limits."""

import argparse
from collections.abc import Callable

from replyscope.domain.limits import Limits


def whole(allowed: Limits) -> Callable[[str], int]:
    """A reader of whole numbers, for argparse."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number {allowed}") from None
        if value not in allowed:
            raise argparse.ArgumentTypeError(f"must be a whole number {allowed}")
        return value

    return read


def number(allowed: Limits) -> Callable[[str], float]:
    """A reader of numbers, for argparse."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a number {allowed}") from None
        if value not in allowed:
            raise argparse.ArgumentTypeError(f"must be a number {allowed}")
        return value

    return read
