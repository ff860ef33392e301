"""The model lists of the providers: loaded side by side, and kept for the run."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from replyscope.domain.endpoint import Endpoint, ModelInfo
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.ports import OpenProvider, PriceList
from replyscope.domain.rates import Rates
from replyscope.domain.values import dataclass

_CHUNK = 100
"""The models that are priced in one step: 0.2 s of a thread."""


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models of one provider and their prices. `models` is None before the first answer;
    `fault` is the error of the last request.
    """

    models: tuple[ModelInfo, ...] | None = None
    rates: Mapping[str, Rates] = field(default_factory=dict)
    fault: str = ""
    is_loading: bool = False


class ModelLists:
    """The lists by provider. A list that failed is requested again."""

    def __init__(self, open_provider: OpenProvider, prices: PriceList | None) -> None:
        self._open_provider = open_provider
        self._prices = prices
        self._lists: dict[tuple[str, str], ModelList] = {}

    def of(self, endpoint: Endpoint) -> ModelList:
        """The list of a provider, as known so far."""
        return self._lists.get((endpoint.name, endpoint.base_url), ModelList())

    def _change(self, endpoint: Endpoint, **changes: Any) -> None:
        """Change the current list: another task may have changed it meanwhile."""
        self._lists[endpoint.name, endpoint.base_url] = replace(self.of(endpoint), **changes)

    async def load(self, endpoint: Endpoint) -> tuple[ModelInfo, ...]:
        """Request the list of one provider. Raises ReplyscopeError."""
        self._change(endpoint, is_loading=True, fault="")
        try:
            provider = await self._open_provider(endpoint)
            models = await provider.list_models()
        except ReplyscopeError as error:
            self._change(endpoint, fault=str(error))
            raise
        else:
            self._change(endpoint, models=models, fault="")
            return models
        finally:
            self._change(endpoint, is_loading=False)

    async def load_all(
        self,
        endpoints: Iterable[Endpoint],
        changed: Callable[[], None],
        again: Collection[Endpoint] = (),
    ) -> None:
        """Load the lists that are missing or in `again` side by side, then their prices.

        `changed` is called after each change. An error is in `fault` of its list.
        """
        loads = (self._load_one(one, changed, again=one in again) for one in endpoints)
        await asyncio.gather(*loads)

    async def _load_one(
        self, endpoint: Endpoint, changed: Callable[[], None], *, again: bool
    ) -> None:
        if again or self.of(endpoint).models is None:
            try:
                await self.load(endpoint)
            except ReplyscopeError:
                return
            finally:
                changed()
        known = self.of(endpoint)
        wanted = [one.id for one in known.models or () if one.id not in known.rates]
        for start in range(0, len(wanted), _CHUNK):
            await self._price(endpoint, wanted[start : start + _CHUNK])
            changed()

    async def _price(self, endpoint: Endpoint, models: Sequence[str]) -> None:
        if self._prices is not None:
            found = await self._prices.rates(endpoint.name, endpoint.public_url, models)
            self._change(endpoint, rates={**self.of(endpoint).rates, **found})
