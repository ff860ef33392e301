"""Estimates of costs and context windows, from an offline price list.

The server's address selects the prices, so a local model never gets the price of a cloud model
with the same name.
"""

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from replyscope.domain.endpoint import is_loopback
from replyscope.domain.exchange import Exchange, Usage
from replyscope.domain.rates import Rates


class Prices:
    """A price list. Implements PriceList.

    Loading takes a quarter of a second, so it happens at the first use, in a thread.
    """

    async def estimate(self, exchange: Exchange) -> float | None:
        """The cost of the reported usage in US dollars; None when the price is unknown."""
        if exchange.usage is None or is_loopback(exchange.base_url):
            return None
        return await asyncio.to_thread(_price, exchange, exchange.usage)

    async def context_window(self, base_url: str, model: str) -> int | None:
        """The context window of a model in tokens, input and output; None when unknown."""
        if is_loopback(base_url):
            return None
        return await asyncio.to_thread(_window, base_url, model)

    async def rates(
        self, _provider: str, base_url: str, models: Sequence[str]
    ) -> Mapping[str, Rates]:
        """The prices of models by model; empty values when they are unknown."""
        if is_loopback(base_url):
            return {model: Rates() for model in models}
        return await asyncio.to_thread(lambda: {one: _rates(base_url, one) for one in models})


def _rates(base_url: str, model: str) -> Rates:
    found = _look_up(base_url, model, Usage(input_tokens=1, output_tokens=1))
    if found is None:
        return Rates()
    prices, window = found.model_price, found.model.context_window
    return Rates(
        _base(prices.input_mtok),
        _base(prices.output_mtok),
        _base(prices.cache_read_mtok),
        window if isinstance(window, int) else None,
    )


def _base(price: Any) -> float | None:
    """A price; the lowest one of a price in tiers."""
    base = getattr(price, "base", price)
    return None if base is None else float(base)


def _price(exchange: Exchange, usage: Usage) -> float | None:
    names = (exchange.answered_model, exchange.model)
    for model in dict.fromkeys(name for name in names if name):
        found = _look_up(
            exchange.base_url,
            model,
            usage,
            genai_request_timestamp=exchange.started_at,
            price_context=_tier(exchange.service_tier),
        )
        if found is not None:
            return float(found.total_price)
    return None


def _tier(name: str | None) -> dict[str, str] | None:
    """The price context of a service tier: flex costs less, priority more."""
    return None if name is None else {"service_tier": name}


def _window(base_url: str, model: str) -> int | None:
    found = _look_up(base_url, model, Usage(input_tokens=1, output_tokens=1))
    window = found.model.context_window if found is not None else None
    return window if isinstance(window, int) else None


def _look_up(base_url: str, model: str, usage: Usage, **options: Any) -> Any:
    """The entry of the price list; None for an unknown model or server."""
    prices = importlib.import_module("genai_prices")
    counts = prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        return prices.calc_price(counts, model_ref=model, provider_api_url=base_url, **options)
    except (LookupError, ValueError):
        return None  # ValueError: counts that contradict each other
