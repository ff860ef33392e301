"""Starts the Textual app. `cli.services` builds its services after the first paint."""

import argparse
import asyncio
import gc
import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from replyscope.cli.guard import Guard
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.report import warn
from replyscope.cli.system import draws_symbols
from replyscope.config.paths import Paths
from replyscope.config.themes import find_theme
from replyscope.domain.look import Look
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.opening import Opening

if TYPE_CHECKING:  # loaded after the first paint
    from replyscope.ui.services import Services


def run_app(arguments: argparse.Namespace, paths: Paths, guard: Guard, look: Look) -> int:
    """Run the app until it exits. Returns the exit status."""
    gc.freeze()  # no collection visits the imported modules: they stay
    look = replace(look, ascii_only=look.ascii_only or not draws_symbols())

    def load() -> "Services":
        allocator = importlib.import_module("replyscope.cli.allocator")
        allocator.release_large_blocks()
        parts = importlib.import_module("replyscope.cli.services")
        services: Services = parts.build_services(arguments, paths)
        built.append(services)
        return services

    built: list[Services] = []
    app = ReplyscopeApp(
        Opening(
            look=look,
            theme=find_theme(look.theme, paths.themes),
            is_fresh=arguments.session is None and not arguments.newest,
            load=load,
            hear=guard.hear,
            hear_loop=guard.hear_loop,
        )
    )
    asyncio.run(_run(app, built))
    return app.return_code or EXIT_OK


async def _run(app: ReplyscopeApp, built: Sequence["Services"]) -> None:
    """Run the app. If it fails while programs call through its watch, forward and record their
    calls until Ctrl+C.
    """
    await app.run_async()
    for services in built if app.has_failed else ():
        address = services.watching().outlive_screen(warn) if services.is_forwarding() else None
        if address is None:
            continue
        warn(
            f"The screen has failed. Calls are still forwarded and recorded at {address.base_url}; "
            "held calls are sent. Ctrl+C stops it."
        )
        try:
            await asyncio.Event().wait()
        finally:
            await services.close()
