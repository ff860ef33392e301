"""Reads numbers that a server states, believing nothing of them."""

import math


def read_cost(value: object) -> float | None:
    """A cost in US dollars; None for what is no amount of money."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
