"""`replyscope watch`: forwards the calls of other programs, and records each reply.

This module prints lines; `cli/live_watch.py` shows the calls on a screen.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.relay import OpenRelay, check_token, open_relay
from replyscope.cli.report import warn
from replyscope.cli.upstreams import find_upstreams
from replyscope.cli.watch_output import Output, path_of
from replyscope.cli.watched_program import program_environment, run_program
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.matching import read_query
from replyscope.domain.plural import plural
from replyscope.domain.query import Query, QueryError
from replyscope.domain.settings import Settings
from replyscope.engine.watching.archive import WatchEvents

_SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Watch:
    """The parts of one run: the relay, and the writers of its output."""

    open: OpenRelay
    output: Output

    async def run(self, arguments: argparse.Namespace) -> int:
        """Forward calls until it is cancelled, or until the program ends. Returns its status."""
        root = await self.open.start(arguments)
        program: Sequence[str] = arguments.program
        upstreams = self.open.upstreams
        if not (arguments.quiet or arguments.json):
            self.output.say_addresses(root, upstreams, starts_program=bool(program))
        if not program:
            await self.open.relay.serve()
            return EXIT_OK
        anthropic = next((one for one in upstreams if one.is_anthropic), None)
        environment = program_environment(
            os.environ,
            root,
            None if anthropic is None else f"{root}{path_of(anthropic, upstreams)}",
            needs_no_key=all(one.access is not None for one in upstreams),
        )
        status = await run_program(program, environment)
        await self.open.relay.settle(_SETTLE_S)
        return status

    async def close(self) -> None:
        """End the calls that run, and save and print what they were."""
        try:
            await self.open.close()
        finally:
            self.output.close()


async def run_watch(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Forward calls until it is stopped, or until the program ends. Returns the exit status."""
    check_token(arguments)
    output = Output(arguments, read_fail(arguments))
    found = await find_upstreams(arguments, settings, wiring)
    events = WatchEvents(output.ended, output.listed, output.gap)
    watch = _Watch(await open_relay(arguments, found, wiring, events, output.note), output)
    try:
        status = await watch.run(arguments)
    except asyncio.CancelledError:
        if not output.matched:
            raise
        status = EXIT_OK
    finally:
        await watch.close()
    return failed_status(arguments, output.matched, status)


def failed_status(arguments: argparse.Namespace, matched: int, status: int) -> int:
    """Return the exit status. Prints a warning if calls matched --fail."""
    if matched:
        warn(f"{plural(matched, 'call')} matched --fail {arguments.fail!r}.")
    return EXIT_PARTLY if matched and status == EXIT_OK else status


def read_fail(arguments: argparse.Namespace) -> Query | None:
    """The query of --fail. Raises SettingsError."""
    text: str | None = arguments.fail
    if text is None:
        return None
    try:
        return read_query(text)
    except QueryError as error:
        raise SettingsError(f"The query of --fail can't be parsed: {error}.") from error
