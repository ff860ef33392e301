"""Parsers of numeric options, with limits."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from replyscope.domain.limits import Limits

T = TypeVar("T", int, float)


def whole(allowed: Limits) -> Callable[[str], int]:
    """An argparse type for whole numbers."""
    return _parser(int, f"must be a whole number {allowed}", allowed)


def number(allowed: Limits) -> Callable[[str], float]:
    """An argparse type for numbers."""
    return _parser(float, f"must be a number {allowed}", allowed)


def _parser(kind: Callable[[str], T], fault: str, allowed: Limits) -> Callable[[str], T]:
    def parse(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(fault) from None
        if value not in allowed:
            raise argparse.ArgumentTypeError(fault)
        return value

    return parse
