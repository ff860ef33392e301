"""Starts the chat."""

import argparse

from replyscope.config.paths import Paths


def run_app(arguments: argparse.Namespace, paths: Paths) -> int:
    """Run the app until the person quits; the exit status."""
    del arguments, paths
    return 0
