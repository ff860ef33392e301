"""Builds the services of the Textual app."""

import argparse
import asyncio
import importlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replyscope.cli.attaching import attachment_reader, clipboard
from replyscope.cli.indexing import indexed
from replyscope.cli.opening import open_to_chat
from replyscope.cli.system import notify_desktop
from replyscope.cli.target import check_installed, embedded_name, means_local, resolve_model
from replyscope.cli.wiring import (
    Wiring,
    find_servers,
    load_catalogue,
    translate_frames,
    wire,
    with_api,
)
from replyscope.config.endpoints import choose_endpoint, named_in_environment
from replyscope.config.mcp import add_servers
from replyscope.config.paths import Paths
from replyscope.config.settings import change_settings, read_settings
from replyscope.config.themes import read_themes
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError, SettingsError, StoreError
from replyscope.domain.exchange import Api
from replyscope.domain.look import ThemeSource
from replyscope.domain.model_names import LOCAL
from replyscope.domain.settings import Settings
from replyscope.domain.tool import McpServer
from replyscope.engine.recovery import recover
from replyscope.store.hub_tables import takes_part
from replyscope.ui.services import Services

if TYPE_CHECKING:
    from replyscope.domain.prompt import PromptLibrary
    from replyscope.engine.watching.switch import Watching

Wires = Callable[..., Wiring]
"""Builds the parts of a run, like `wire`."""


def build_services(arguments: argparse.Namespace, paths: Paths, wires: Wires = wire) -> Services:
    """The services of one run. Their `faults` list errors in files, for the app to show."""
    faults: list[str] = []
    settings = _settings(paths, faults)
    wiring = _wiring(arguments, paths, faults, wires)

    def change(changes: Mapping[tuple[str, ...], Any]) -> None:
        if not arguments.no_save:
            change_settings(paths.settings, changes)
            services.settings = read_settings(paths.settings)

    services = Services(
        archive=wiring.archive,
        sessions=wiring.store,
        history=wiring.store,
        review=wiring.review,
        index=wiring.index,
        labels=wiring.library,
        remote=wiring.remote,
        clock=wiring.clock,
        settings=settings,
        open_provider=wiring.providers.open,
        find_servers=find_servers,
        local=wiring.local,
        keys=wiring.providers,
        change_settings=change,
        edit_text=_edit_text,
        notify_desktop=notify_desktop,
        recover=partial(_recover, wiring),
        open_store=partial(open_to_chat, wiring),
        close=wiring.close,
        themes=_themes(paths, faults),
        faults=faults,
        prices=wiring.prices,
        working_folder=Path.cwd(),
    )
    _give_start(services, wiring, arguments)
    _give_more(services, wiring, arguments)
    return services


def _give_more(services: Services, wiring: Wiring, arguments: argparse.Namespace) -> None:
    """Add the tools, the review and the watch."""
    _give_tools(services, wiring)
    _give_review(services, wiring)
    services.begin_background = partial(_begin_background, services, wiring)
    services.opens_watch = arguments.command == "watch"
    if getattr(arguments, "hub", False):
        services.open_hub = partial(
            _late, "replyscope.cli.hub_review", "open_hub_review", services, wiring
        )
    services.watching = cache(partial(_open_watching, services, wiring, arguments))


async def _begin_background(
    services: Services, wiring: Wiring, show: Callable[[str], None]
) -> None:
    """Start the quiet sync and the indexing of new replies in the background."""
    if not wiring.store.is_saving or wiring.archive.is_read_only:
        return
    indexing = AsyncExitStack()
    await indexing.enter_async_context(indexed(wiring))
    syncing = asyncio.create_task(_sync_quietly(wiring, show))
    close = services.close

    async def stop() -> None:
        syncing.cancel()
        await asyncio.wait([syncing])
        await indexing.aclose()
        await close()

    services.close = stop


async def _sync_quietly(wiring: Wiring, show: Callable[[str], None]) -> None:
    """Synchronise while the archive takes part in a hub: `hub init` and `hub leave` may be run
    beside the app. Nothing is imported without a hub.
    """
    stamp = -1
    while True:
        stamp = await wiring.store.next_change(stamp)
        with suppress(StoreError):  # the disk may be full: the file is read after a change
            while await wiring.store.database.read(takes_part):
                await _late("replyscope.cli.hub_quiet", "follow_quietly", wiring, show)


def _open_watching(services: Services, wiring: Wiring, arguments: argparse.Namespace) -> "Watching":
    from replyscope.engine.watching.switch import RunningWatch, Watching, WatchOrder

    async def start(order: WatchOrder) -> RunningWatch:
        running: RunningWatch = await _late(
            "replyscope.cli.live_watch", "start_watch", arguments, services.settings, wiring, order
        )
        return running

    close_rest = services.close

    async def close() -> None:
        await watching.stop()
        await close_rest()

    watching = Watching(wiring.clock, start)
    services.close = close
    services.is_forwarding = lambda: watching.address is not None
    if services.opens_watch:
        arguments.begin_watch(watching)
    return watching


def _give_start(services: Services, wiring: Wiring, arguments: argparse.Namespace) -> None:
    """Set the provider, model, session and screen to start with."""
    _resolve_model(services, arguments)
    services.endpoint = _endpoint(arguments, services.settings, services.faults)
    given = (arguments.provider, arguments.base_url, arguments.local, arguments.gguf)
    services.is_endpoint_given = any(given)
    services.api = Api(arguments.api) if arguments.api else None
    services.model = arguments.model
    services.check_layers = wiring.providers.check_layers
    services.forget = wiring.providers.forget
    services.recent_models = wiring.store.recent_models
    services.load_catalogue, services.recall = load_catalogue, wiring.providers.recall
    services.session_id = arguments.session
    services.opens_newest = arguments.newest
    services.opens_review = arguments.command == "review"
    services.starts_local = _starts_local(arguments, services, wiring)


def _resolve_model(services: Services, arguments: argparse.Namespace) -> None:
    """Find the endpoint of the environment, and the model of an alias in --model."""
    try:
        services.environment = named_in_environment(services.settings)
        resolve_model(arguments, services.settings)
    except SettingsError as error:
        services.faults.append(str(error))


def _give_tools(services: Services, wiring: Wiring) -> None:
    services.attachments, services.clipboard = attachment_reader(), clipboard()
    services.prompts = cache(partial(_open_prompts, wiring.paths, wiring.store.is_saving))
    services.toolbox, services.consent = wiring.toolbox, wiring.consent
    services.spending = wiring.spending
    services.tool_settings = wiring.tool_settings
    services.add_servers = (
        partial(add_servers, wiring.paths.mcp) if wiring.store.is_saving else _add_no_server
    )


def _open_prompts(paths: Paths, is_saving: bool) -> "PromptLibrary":
    from replyscope.config.prompts import PromptFolder  # at the first prompt

    return PromptFolder(paths.prompts, is_saving=is_saving)


def _give_review(services: Services, wiring: Wiring) -> None:
    services.translate = translate_frames
    services.export = partial(_late, "replyscope.cli.sharing", "export_to_file", wiring)
    services.export_exchange = partial(_late, "replyscope.cli.sharing", "export_exchange", wiring)
    services.import_file = partial(_late, "replyscope.cli.sharing", "import_file", wiring)
    services.view_file = _view_file
    if wiring.store.is_saving and services.settings.backup.keep:
        services.back_up = partial(
            _late, "replyscope.cli.backup", "back_up_daily", wiring, services.settings.backup
        )
    services.import_hint = partial(_late, "replyscope.cli.sharing", "import_hint")


async def _late(module: str, name: str, *arguments: object) -> Any:
    """Import a module at the first call, in a thread, and call its function."""
    loaded = await asyncio.to_thread(importlib.import_module, module)
    return await getattr(loaded, name)(*arguments)


async def _recover(wiring: Wiring) -> int:
    """Close the exchanges of dead processes, if the archive can be written. Raises StoreError."""
    if wiring.archive.is_read_only:
        return 0
    return await recover(wiring.store, translate_frames)


def _themes(paths: Paths, faults: list[str]) -> list[ThemeSource]:
    themes, theme_faults = read_themes(paths.themes)
    faults += theme_faults
    return themes


def _settings(paths: Paths, faults: list[str]) -> Settings:
    try:
        return read_settings(paths.settings)
    except SettingsError as error:
        faults.append(f"{error.message} The defaults are used.")
        return Settings()


def _endpoint(
    arguments: argparse.Namespace, settings: Settings, faults: list[str]
) -> Endpoint | None:
    if arguments.local or arguments.gguf or means_local(arguments, settings):
        return None
    try:
        chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
    except SettingsError as error:
        if str(error) not in faults:  # of the environment, which is read before
            faults.append(str(error))
        return None
    return with_api(chosen, arguments.api) if chosen is not None else None


def _wiring(arguments: argparse.Namespace, paths: Paths, faults: list[str], wires: Wires) -> Wiring:
    """The parts of this run. They save nothing if the data folder cannot be used."""
    wire_paths = partial(wires, paths, tool_files=arguments.tools_file or ())
    if arguments.no_save:
        return wire_paths(saves=False)
    try:
        wiring = wire_paths()
    except StoreError as error:
        faults.append(f"{error} This chat is not saved.")
        return wire_paths(saves=False)
    wiring.tool_settings()
    faults += [fault for fault in wiring.tool_settings.faults if fault not in faults]
    return wiring


def _starts_local(arguments: argparse.Namespace, services: Services, wiring: Wiring) -> str | None:
    """The embedded model to start with; None for another provider."""
    is_asked = arguments.local or arguments.provider == LOCAL
    try:
        if arguments.gguf:
            return wiring.local.add_own(Path(arguments.gguf))
        if is_asked:
            return embedded_name(arguments, services.settings, wiring.local)
        if services.endpoint is None and means_local(arguments, services.settings):
            return _saved_local(arguments, services.settings, wiring)
    except LocalModelError as error:
        services.faults.append(str(error))
    return None


def _saved_local(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> str | None:
    """The embedded model of the settings, or another one of --model; None if it is not installed:
    removed weights are downloaded again only after a confirmation. Raises LocalModelError.
    """
    opens_saved = arguments.session or arguments.newest
    if arguments.model and not opens_saved:  # the model may be one of a saved session's provider
        name = embedded_name(arguments, settings, wiring.local)
        check_installed(name, wiring.local)
        return name
    name = settings.local_model or wiring.local.default_name
    installed = {model.name for model in wiring.local.list_models() if model.is_installed}
    return name if name in installed else None


def _add_no_server(_pasted: str) -> tuple[McpServer, ...]:
    raise SettingsError(
        "Nothing was added: this chat saves nothing.", "Start it without --no-save."
    )


def _view_file(name: str, data: bytes) -> None:
    from replyscope.cli.viewer import VIEWER  # at the first picture

    VIEWER(name, data)


def _edit_text(text: str) -> str:
    from replyscope.cli.editor import edit_text  # on Ctrl+G

    return edit_text(text)
