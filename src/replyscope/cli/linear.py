"""Starts the linear chat, with the services that the app gets."""

import argparse
import os

from replyscope.cli.guard import Guard
from replyscope.cli.services import build_services
from replyscope.cli.system import draws_symbols
from replyscope.config.paths import Paths
from replyscope.domain.look import Look
from replyscope.linear.chat import LinearChat
from replyscope.linear.engine_thread import EngineThread
from replyscope.linear.signals import Signals
from replyscope.linear.terminal import LineTerminal


def run_linear(arguments: argparse.Namespace, paths: Paths, guard: Guard, look: Look) -> int:
    """Chat until the person leaves. Returns the exit status."""
    signals = Signals()
    terminal = LineTerminal(
        signals,
        ascii_only=look.ascii_only or not draws_symbols(),
        is_plain=os.environ.get("TERM") == "dumb",
    )
    services = build_services(arguments, paths)
    signals.install()
    try:
        return LinearChat(services, terminal, EngineThread(signals, guard.hear_loop)).run()
    finally:
        signals.end()
