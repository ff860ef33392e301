"""Rates: the prices of a model in US dollars per million tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices per million tokens; None when unknown. `cached` is for input that the server
    read from its cache; `window` is the context window in tokens.
    """

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    window: int | None = None
