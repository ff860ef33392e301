"""Estimates of costs and context windows, from an offline price list.

The server's address selects the prices, so a local model never gets the price of a cloud model
with the same name.
"""

import asyncio
import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.domain.endpoint import is_loopback
from replyscope.domain.exchange import Exchange, Usage
from replyscope.domain.rates import OwnRates, Rates, own_rates


class Prices:
    """A price list. Implements PriceList.

    Loading takes a quarter of a second, so it happens at the first use, in a thread. `own`
    returns the prices of the settings, which come first, also for servers on this machine;
    `downloaded` is the path of a newer list.
    """

    def __init__(self, own: Callable[[], Sequence[OwnRates]], downloaded: Path) -> None:
        self._own = own
        self._downloaded = downloaded
        self._loading = threading.Lock()
        self._is_loaded = False

    async def estimate(self, exchange: Exchange) -> float | None:
        """The cost of the reported usage in US dollars; None when the price is unknown."""
        usage = exchange.usage
        if usage is None:
            return None
        rates = own_rates(self._own(), exchange.endpoint, *_names(exchange))
        if rates is not None:
            counts = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)
            return rates.cost(*(count or 0 for count in counts))
        if is_loopback(exchange.base_url):
            return None
        return await asyncio.to_thread(self._price, exchange, usage)

    async def context_window(self, base_url: str, model: str) -> int | None:
        """The context window of a model in tokens, input and output; None when unknown."""
        if is_loopback(base_url):
            return None
        return (await asyncio.to_thread(self._rates, base_url, model)).window

    async def rates(
        self, provider: str, base_url: str, models: Sequence[str]
    ) -> Mapping[str, Rates]:
        """The prices of models by model; empty values when they are unknown."""
        own = {model: own_rates(self._own(), provider, model) for model in models}
        if is_loopback(base_url):
            return {model: rates or Rates() for model, rates in own.items()}

        def look_up() -> dict[str, Rates]:
            listed = {model: self._rates(base_url, model) for model in models}
            return {
                model: rates if (one := own[model]) is None else replace(one, window=rates.window)
                for model, rates in listed.items()
            }

        return await asyncio.to_thread(look_up)

    def _rates(self, base_url: str, model: str) -> Rates:
        """The listed prices of a model."""
        found = self._look_up(base_url, model, Usage(input_tokens=1, output_tokens=1))
        if found is None:
            return Rates()
        prices, window = found.model_price, found.model.context_window
        return Rates(
            _base(prices.input_mtok),
            _base(prices.output_mtok),
            _base(prices.cache_read_mtok),
            window if isinstance(window, int) else None,
        )

    def _price(self, exchange: Exchange, usage: Usage) -> float | None:
        for model in _names(exchange):
            found = self._look_up(
                exchange.base_url,
                model,
                usage,
                genai_request_timestamp=exchange.started_at,
                price_context=_tier(exchange.service_tier),
            )
            if found is not None:
                return float(found.total_price)
        return None

    def _look_up(self, base_url: str, model: str, usage: Usage, **options: Any) -> Any:
        """The entry of the price list; None for an unknown model or server."""
        prices = self._load()
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

    def _load(self) -> Any:
        """The module of the price list, with the downloaded list if there is one."""
        with self._loading:
            if not self._is_loaded and self._downloaded.exists():
                importlib.import_module("replyscope.provider.price_list").use_downloaded(
                    self._downloaded
                )
            self._is_loaded = True
            return importlib.import_module("genai_prices")


def _names(exchange: Exchange) -> list[str]:
    """The names of an exchange's model: the answering model, and the requested one."""
    names = (exchange.answered_model, exchange.model)
    return list(dict.fromkeys(name for name in names if name))


def _base(price: Any) -> float | None:
    """A price; the lowest one of a price in tiers."""
    base = getattr(price, "base", price)
    return None if base is None else float(base)


def _tier(name: str | None) -> dict[str, str] | None:
    """The price context of a service tier: flex costs less, priority more."""
    return None if name is None else {"service_tier": name}
