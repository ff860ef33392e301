"""Rates: the prices of a model in US dollars per million tokens."""

from collections.abc import Sequence

from replyscope.domain.glob import glob_of
from replyscope.domain.values import dataclass

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices per million tokens; None when unknown. `cached` is for input that the server
    read from its cache; `window` is the context window in tokens.
    """

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    window: int | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int) -> float:
        """The cost in US dollars; `input_tokens` include the cached ones."""
        cached = min(cached_tokens, input_tokens)
        full, read = self.input or 0.0, self.cached if self.cached is not None else self.input
        spent = (input_tokens - cached) * full + cached * (read or 0.0)
        return (spent + output_tokens * (self.output or 0.0)) / _MILLION


@dataclass(frozen=True, slots=True)
class OwnRates:
    """The prices that the settings have for the models that match a pattern, which is of MODEL
    or of PROVIDER/MODEL.
    """

    pattern: str
    rates: Rates

    def matches(self, provider: str, model: str) -> bool:
        """Whether a model of a provider matches, ignoring case."""
        pattern = glob_of(self.pattern.lower(), crosses=True)
        return any(pattern.matches(one.lower()) for one in (model, f"{provider}/{model}"))


def own_rates(known: Sequence[OwnRates], provider: str, *names: str) -> Rates | None:
    """The prices of a model in the settings: the last entry that matches any of its names.
    None without one.
    """
    found = (
        one.rates for one in reversed(known) if any(one.matches(provider, name) for name in names)
    )
    return next(found, None)
