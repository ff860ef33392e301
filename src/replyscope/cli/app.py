"""Starts the Textual app. `cli.services` builds its services after the first paint."""

import argparse
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

from replyscope.cli.guard import Guard
from replyscope.cli.parser import EXIT_OK
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
    look = replace(look, ascii_only=look.ascii_only or not draws_symbols())

    def load() -> "Services":
        parts = importlib.import_module("replyscope.cli.services")
        services: Services = parts.build_services(arguments, paths)
        return services

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
    app.run()
    return app.return_code or EXIT_OK
