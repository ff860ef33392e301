"""The composition root: builds the parts of one run and connects them."""

import asyncio
import importlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replyscope.cli.guard import keys_in_use
from replyscope.cli.system import SystemClock, new_id
from replyscope.cli.tooling import ToolSettingsNow, wire_tools
from replyscope.config.paths import Paths, make_private
from replyscope.config.settings import check_layers, check_parameters
from replyscope.domain.endpoint import Endpoint, FoundServer, KeySourceKind
from replyscope.domain.errors import SettingsError, StoreError, StoreReadOnly
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.facts import Facts
from replyscope.domain.isolated_python import python_command
from replyscope.domain.message import Part, ToolResultPart
from replyscope.domain.ports import Clock, ModelProvider, NewId, PriceList, Toolbox
from replyscope.domain.rates import OwnRates, Rates
from replyscope.domain.secret_shapes import find_keys, masked_key
from replyscope.domain.settings import Layers, Settings
from replyscope.domain.stores import AdaptationStore
from replyscope.domain.system_words import system_words
from replyscope.domain.think_tags import ThinkTags
from replyscope.engine.archive import Archive
from replyscope.engine.consent import Consent
from replyscope.engine.remote import RemoteReplies
from replyscope.engine.review import Review
from replyscope.engine.spending import Spending
from replyscope.engine.tool_runner import Tooling
from replyscope.local.models import EmbeddedModels
from replyscope.store.library import SqliteLibrary
from replyscope.store.memory_store import MemoryStore
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue

_log = logging.getLogger("replyscope.wiring")
_NEED_NO_ENTRY = ("openai", "custom", "environment")
"""The names of endpoints of a URL without an entry in the settings: such a server may need no key.
"""
RELAY_CHILD = "replyscope.cli.relay_child"
"""The module that the process of a relay runs."""


@dataclass(slots=True, eq=False, repr=False)
class Wiring:
    """The parts of one run. `close` closes them in order."""

    paths: Paths
    store: SqliteStore
    private: MemoryStore
    archive: Archive
    remote: RemoteReplies
    local: EmbeddedModels
    providers: "Providers"
    prices: PriceList
    clock: Clock
    new_id: NewId
    consent: Consent
    tooling: Tooling
    toolbox: Toolbox
    tool_settings: ToolSettingsNow
    index: SqliteSearchIndex
    library: SqliteLibrary
    review: Review
    spending: Spending
    relay_command: tuple[str, ...] = field(default_factory=partial(python_command, RELAY_CHILD))
    """Starts the process of a relay."""

    async def close(self) -> None:
        """Stop child processes, close connections, and finish pending writes."""
        await self.toolbox.close()
        await self.local.stop()
        await self.providers.close()
        await self.private.close()
        await self.store.close()


def wire(
    paths: Paths,
    *,
    saves: bool = True,
    tool_files: Sequence[str] = (),
    clock: Clock | None = None,
    ids: NewId = new_id,
) -> Wiring:
    """Build the parts, without opening the store. Raises StoreError without a data folder."""
    if saves:
        _make_data_folder(paths)
    clock = clock or SystemClock()
    store = SqliteStore(paths.database if saves else None, ids(), partial(_now_ms, clock))
    private = MemoryStore(store.writer)
    providers = Providers(store, clock, paths)
    tools = wire_tools(paths, tool_files, saves=saves)
    prices = LatePrices(tools.settings.prices, paths.price_list)
    spending = Spending(tools.settings.limits, prices, clock, ids)
    archive = Archive(store, clock, ids, prices, translate_frames, tools.tooling, private, spending)
    index, library = _search(store)
    return Wiring(
        paths=paths,
        store=store,
        private=private,
        archive=archive,
        index=index,
        library=library,
        review=_review(store, index, library, archive, clock, paths),
        remote=RemoteReplies(store, clock, ids, private),
        local=EmbeddedModels(paths.models, providers.hold_key),
        providers=providers,
        prices=prices,
        clock=clock,
        new_id=ids,
        consent=tools.consent,
        tooling=tools.tooling,
        toolbox=tools.toolbox,
        tool_settings=tools.settings,
        spending=spending,
    )


def _search(store: SqliteStore) -> tuple[SqliteSearchIndex, SqliteLibrary]:
    return (
        SqliteSearchIndex(lambda: store.database, describe),
        SqliteLibrary(lambda: store.database),
    )


def _review(
    store: SqliteStore,
    index: SqliteSearchIndex,
    library: SqliteLibrary,
    archive: Archive,
    clock: Clock,
    paths: Paths,
) -> Review:
    drop_backups = partial(_drop_backups, paths)
    return Review(store, index, library, archive, clock, paths.kept_files, drop_backups)


def _drop_backups(paths: Paths) -> None:
    """Delete the daily backups."""
    importlib.import_module("replyscope.cli.backup").drop_own_backups(paths)


def _now_ms(clock: Clock) -> int:
    return round(clock.now().timestamp() * 1000)


def _make_data_folder(paths: Paths) -> None:
    try:
        make_private(paths.data)
    except OSError as error:
        raise StoreReadOnly(
            f"The data folder {paths.data} can't be created ({system_words(error)}).",
            "Choose another one with --data-dir, or use --no-save.",
        ) from error


def describe(
    exchange: Exchange, prompt: Iterable[Part], results: Mapping[str, ToolResultPart]
) -> Facts:
    """The searchable facts of an exchange. The module is imported at its first use."""
    facts = importlib.import_module("replyscope.inspection.facts")
    found: Facts = facts.facts_of(exchange, prompt, results)
    return found


class LatePrices:
    """The price list, imported at its first use. Implements PriceList.

    `own` returns the prices of the settings; `downloaded` is the path of a newer list.
    """

    def __init__(self, own: Callable[[], Sequence[OwnRates]], downloaded: Path) -> None:
        self._own = own
        self._downloaded = downloaded
        self._list: PriceList | None = None

    async def estimate(self, exchange: Exchange) -> float | None:
        """See PriceList."""
        return await self._prices().estimate(exchange)

    async def context_window(self, base_url: str, model: str) -> int | None:
        """See PriceList."""
        return await self._prices().context_window(base_url, model)

    async def rates(
        self, provider: str, base_url: str, models: Sequence[str]
    ) -> Mapping[str, Rates]:
        """See PriceList."""
        return await self._prices().rates(provider, base_url, models)

    def _prices(self) -> PriceList:
        if self._list is None:
            prices = importlib.import_module("replyscope.provider.prices")
            self._list = prices.Prices(self._own, self._downloaded)
        return self._list


class Providers:
    """A cache of open providers, one per endpoint. Imports the SDK in a thread at first use.

    `paths` has the settings folder and file.
    """

    def __init__(self, store: AdaptationStore, clock: Clock, paths: Paths) -> None:
        self._store = store
        self._settings = paths.settings
        self._folder = paths.config
        self._clock = clock
        self._held: dict[str, str] = {}
        self._known: set[str] = set()
        self._keys: Any = None
        self._open: dict[Endpoint, ModelProvider] = {}
        self._forgotten: list[ModelProvider] = []
        self._opening = asyncio.Lock()
        self._checked: tuple[Settings, Layers] | None = None
        """The layers that were checked last."""

    async def open(self, endpoint: Endpoint) -> ModelProvider:
        """The provider of an endpoint. Raises SettingsError, ProviderError."""
        async with self._opening:  # concurrent calls would open two, and leak one
            known = self._open.get(endpoint)
            return known if known is not None else await self._open_new(endpoint)

    async def _open_new(self, endpoint: Endpoint) -> ModelProvider:
        key = await self.find_key(endpoint)
        opening = await asyncio.to_thread(_import_for_requests)
        await asyncio.to_thread(self._check_parameters, endpoint)
        await asyncio.to_thread(opening.prepare, endpoint.api)
        provider: ModelProvider = opening.open_provider(
            endpoint, key, self._clock, self.recall, self._remember
        )
        self._open[endpoint] = provider
        _log.info("opened %s at %s", endpoint.name, endpoint.public_url)
        return provider

    async def find_key(self, endpoint: Endpoint) -> str | None:
        """The key of an endpoint, None if it needs none. Raises SettingsError."""
        key = await asyncio.to_thread(self._resolve, endpoint)
        if key is not None:
            self._known.add(key)
            keys_in_use.add(key)
        return key

    def _check_parameters(self, endpoint: Endpoint) -> None:
        """Check the endpoint's parameters against the catalogue, which loads with the SDK."""
        if endpoint.parameters.needs_catalogue:
            check_parameters(self._settings, load_catalogue(), endpoint)

    async def check_layers(self, settings: Settings, layers: Layers) -> None:
        """Check the parameters of [models] and [presets] for a request. Raises SettingsError."""
        used = [one.parameters for one in settings.model_defaults if one.matches(layers.model)]
        preset = settings.preset(layers.preset)
        used += [preset.parameters] if preset is not None else []
        if any(one.needs_catalogue for one in used):
            await asyncio.to_thread(self._check_layers, settings, layers)

    def _check_layers(self, settings: Settings, layers: Layers) -> None:
        checked = (settings, layers)
        if checked != self._checked:
            check_layers(self._settings, load_catalogue(), settings, layers)
            self._checked = checked

    def hold_key(self, endpoint_name: str, key: str) -> None:
        """Use a key from now on, in memory only."""
        self._held[endpoint_name] = key
        if self._keys is not None:
            self._keys.hold_key(endpoint_name, key)
        self._forget(endpoint_name)

    def store_key(self, endpoint_name: str, key: str) -> None:
        """Save a key in the system's keyring. Blocks. Raises SettingsError."""
        self._vault().store_key(endpoint_name, key)
        self._held.pop(endpoint_name, None)
        self._forget(endpoint_name)

    def find_keys(self, text: str) -> list[str]:
        """The API keys in a text, masked: keys in use, and texts with the shape of a key."""
        known = {*self._known, *self._held.values(), os.environ.get("OPENAI_API_KEY", "")}
        return [masked_key(key) for key in find_keys(text, sorted(known))]

    def _forget(self, endpoint_name: str) -> None:
        old = [endpoint for endpoint in self._open if endpoint.name == endpoint_name]
        self._forgotten += [self._open.pop(endpoint) for endpoint in old]

    def _vault(self) -> Any:
        if self._keys is None:
            self._keys = importlib.import_module("replyscope.config.keys").Keys(self._folder)
            for name, key in self._held.items():
                self._keys.hold_key(name, key)
        return self._keys

    def _resolve(self, endpoint: Endpoint) -> str | None:
        key: str | None = self._vault().resolve(endpoint)
        if key is None and endpoint.key_source.kind is KeySourceKind.ENVIRONMENT:
            _require_key(endpoint)
        return key

    async def close(self) -> None:
        """Close all connections."""
        for provider in (*self._open.values(), *self._forgotten):
            await provider.aclose()
        self._open.clear()
        self._forgotten.clear()

    async def recall(self, base_url: str, model: str) -> Mapping[str, str]:
        """The parameters that a server rejects for a model; empty if the store cannot be read."""
        try:
            return await self._store.remembered_adaptations(base_url, model)
        except StoreError as error:
            _log.warning("adaptations can't be loaded: %s", error)
            return {}

    async def forget(self, base_url: str, model: str, names: Iterable[str]) -> None:
        """Forget that a server rejects parameters for a model. Raises StoreError."""
        for name in names:
            await self._store.forget_adaptation(base_url, model, name)

    async def _remember(self, base_url: str, model: str, name: str, value: str) -> None:
        try:
            await self._store.remember_adaptation(base_url, model, name, value)
        except StoreError as error:
            _log.warning("an adaptation can't be saved: %s", error)


def _require_key(endpoint: Endpoint) -> None:
    """Raise SettingsError when the endpoint needs a key: OpenAI's host, or a named variable."""
    if "api.openai.com" in endpoint.base_url or endpoint.name not in _NEED_NO_ENTRY:
        raise SettingsError(
            f"There is no API key for {endpoint.name}: {endpoint.key_source.value} is not set.",
            "Set it, enter a key in the app, or use --local for a model that needs none.",
        )


def _import_for_requests() -> Any:
    """Import what a request needs. Blocks. The store locks a file when a reply begins."""
    importlib.import_module("filelock")
    return importlib.import_module("replyscope.provider.opening")


def load_catalogue() -> "Catalogue":
    """The catalogue of parameters. Blocks: it imports the SDK at the first use."""
    catalogue: Catalogue = importlib.import_module("replyscope.provider.catalogue").load_catalogue()
    return catalogue


def translate_frames(
    api: Api, frames: Iterable[WireFrame], think_tags: ThinkTags = ThinkTags.AUTO
) -> Iterable[Event]:
    """The events of recorded frames. The SDK is imported at the first use."""
    opening = importlib.import_module("replyscope.provider.opening")
    events: Iterable[Event] = opening.translate_frames(api, frames, think_tags)
    return events


async def find_servers() -> tuple[FoundServer, ...]:
    """The model servers on the usual loopback ports. The HTTP client is imported at first use."""
    discovery = await asyncio.to_thread(importlib.import_module, "replyscope.provider.discovery")
    found: tuple[FoundServer, ...] = await discovery.find_servers()
    return found


def with_api(endpoint: Endpoint, api: str | None) -> Endpoint:
    """The endpoint, with the API from the command line if there is one."""
    return endpoint if api is None else replace(endpoint, api=Api(api))
