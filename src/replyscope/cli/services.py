"""Builds what the screens may ask for."""

import argparse
import asyncio
import importlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from replyscope.cli.system import notify_desktop
from replyscope.cli.wiring import Wiring, find_servers, translate_frames, wire, with_api
from replyscope.config.endpoints import choose_endpoint
from replyscope.config.mcp import add_servers
from replyscope.config.paths import Paths
from replyscope.config.settings import change_settings, read_settings
from replyscope.config.themes import read_themes
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError, SettingsError, StoreError, StoreFull
from replyscope.domain.exchange import Api
from replyscope.domain.look import Look, ThemeSource
from replyscope.domain.settings import Settings
from replyscope.domain.tool import McpServer
from replyscope.engine.recovery import recover
from replyscope.ui.services import Services


def build_services(arguments: argparse.Namespace, paths: Paths, look: Look) -> Services:
    """The parts of one run. What is wrong in the person's files is told by the app."""
    faults: list[str] = []
    settings = _settings(paths, faults)
    endpoint = _endpoint(arguments, settings, faults)
    wiring = _wiring(arguments, paths, faults)

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
        recover=partial(recover, wiring.store, translate_frames),
        open_store=partial(_open_store, wiring),
        close=wiring.close,
        themes=_themes(paths, faults),
        faults=faults,
        endpoint=endpoint,
        api=Api(arguments.api) if arguments.api else None,
        prices=wiring.prices,
        model=arguments.model,
        session_id=arguments.session,
        opens_newest=arguments.newest,
        starts_local=_starts_local(arguments, settings, endpoint, wiring, faults),
        working_folder=Path.cwd(),
    )
    _give_tools(services, wiring)
    _give_review(services, wiring, arguments)
    return services


def _give_tools(services: Services, wiring: Wiring) -> None:
    services.toolbox, services.consent = wiring.toolbox, wiring.consent
    services.tool_settings = wiring.tool_settings
    services.add_servers = (
        partial(add_servers, wiring.paths.mcp) if wiring.store.is_saving else _add_no_server
    )


def _give_review(services: Services, wiring: Wiring, arguments: argparse.Namespace) -> None:
    services.translate = translate_frames
    services.opens_review = arguments.command == "review"
    services.export = partial(_late, "replyscope.cli.export", "export_to_file", wiring)
    services.import_file = partial(_late, "replyscope.cli.import_file", "import_file", wiring)


async def _late(module: str, name: str, *arguments: object) -> Any:
    """Call what few sessions need, and load it then."""
    loaded = await asyncio.to_thread(importlib.import_module, module)
    return await getattr(loaded, name)(*arguments)


async def _open_store(wiring: Wiring) -> None:
    """Open the store; one that can't be used is left alone, and nothing is saved."""
    try:
        await wiring.store.open()
    except StoreError as error:
        await wiring.store.go_private()
        if isinstance(error, StoreFull):  # what is said now is not kept for later
            raise StoreFull(error.message, "Free some space, then start again.") from error
        raise


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
    if arguments.local or arguments.gguf:
        return None
    try:
        chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
    except SettingsError as error:
        faults.append(str(error))
        return None
    return with_api(chosen, arguments.api) if chosen is not None else None


def _wiring(arguments: argparse.Namespace, paths: Paths, faults: list[str]) -> Wiring:
    """The parts; without a usable data folder, a chat that saves nothing and says so."""
    if arguments.no_save:
        return wire(paths, saves=False, tool_files=arguments.tools_file or ())
    try:
        wiring = wire(paths, tool_files=arguments.tools_file or ())
        wiring.tool_settings()
        faults += [fault for fault in wiring.tool_settings.faults if fault not in faults]
        return wiring
    except StoreError as error:
        faults.append(f"{error} This chat is not saved.")
        return wire(paths, saves=False)


def _starts_local(
    arguments: argparse.Namespace,
    settings: Settings,
    endpoint: Endpoint | None,
    wiring: Wiring,
    faults: list[str],
) -> str | None:
    """The embedded model to start with; None when another provider answers."""
    if arguments.gguf:
        try:
            return wiring.local.add_own(Path(arguments.gguf))
        except LocalModelError as error:
            faults.append(str(error))
            return None
    if arguments.local:
        return arguments.model or wiring.local.default_name
    if endpoint is None and settings.provider == "local":
        name = settings.local_model or wiring.local.default_name
        # Weights that were removed are not downloaded again before the person says so.
        installed = {model.name for model in wiring.local.list_models() if model.is_installed}
        return name if name in installed else None
    return None


def _add_no_server(_pasted: str) -> tuple[McpServer, ...]:
    raise SettingsError(
        "Nothing was added: this chat saves nothing.", "Start it without --no-save."
    )


def _edit_text(text: str) -> str:
    from replyscope.cli.editor import edit_text  # on Ctrl+G

    return edit_text(text)
