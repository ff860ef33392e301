"""`replyscope watch`: forwards the calls of other programs, and records each reply."""

import argparse
import asyncio
import gc
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.report import warn
from replyscope.cli.upstreams import find_upstreams
from replyscope.cli.watch_archive import load_wire, open_watch_archive
from replyscope.cli.watch_faults import plan_faults
from replyscope.cli.watch_gate import build_gate
from replyscope.cli.watch_output import Output, path_of
from replyscope.cli.watched_program import program_environment, run_program
from replyscope.cli.wiring import Wiring
from replyscope.domain.endpoint import is_loopback_host
from replyscope.domain.errors import SettingsError
from replyscope.domain.matching import check_query
from replyscope.domain.plural import plural
from replyscope.domain.query import Query, QueryError, parse_query
from replyscope.domain.settings import Settings
from replyscope.engine.watching.archive import WatchArchive, WatchEvents
from replyscope.serving.server import LOOPBACK
from replyscope.serving.watch.relay import Relay
from replyscope.serving.watch.upstream import Upstream

_SETTLE_S = 2.0
_SWITCH_S = 0.0005
"""How long a thread that saves may hold up the loop that forwards; Python's default is 5 ms."""
_STEP_S = 0.1
_STALL_S = 10.0
_FEW = 50
_TOKEN_BYTES = 18
_ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class _Watch:
    """The parts of one run: the relay, its archive, and the writers of its output."""

    relay: Relay
    archive: WatchArchive
    upstreams: Sequence[Upstream]
    output: Output
    token: str | None

    async def run(self, arguments: argparse.Namespace) -> int:
        """Forward calls until it is cancelled, or until the program ends. Returns its status."""
        port = await self._start(arguments)
        program: Sequence[str] = arguments.program
        root = self._root(arguments.listen, port, is_here=bool(program))
        if not (arguments.quiet or arguments.json):
            self.output.say_addresses(root, self.upstreams, starts_program=bool(program))
        if not program:
            await self.relay.serve()
            return EXIT_OK
        anthropic = next((one for one in self.upstreams if one.is_anthropic), None)
        environment = program_environment(
            os.environ,
            root,
            None if anthropic is None else f"{root}{path_of(anthropic, self.upstreams)}",
            needs_no_key=all(one.access is not None for one in self.upstreams),
        )
        status = await run_program(program, environment)
        await self.relay.settle(_SETTLE_S)
        return status

    async def _start(self, arguments: argparse.Namespace) -> int:
        """Listen. Returns the port. Raises SettingsError."""
        address = arguments.listen or LOOPBACK
        try:
            port = await self.relay.start(arguments.port, address)
        except OSError as error:
            raise SettingsError(
                f"{address}, port {arguments.port}, can't be used ({error.strerror or error}).",
                "Choose another port with --port, or an address of this machine with --listen.",
            ) from error
        for one in self.upstreams:
            if is_loopback_host(one.host) and one.port == port:
                raise SettingsError(
                    f"The upstream {one.shown_url} is this relay itself.",
                    "Unset OPENAI_BASE_URL, or name the server with --to.",
                )
        return port

    def _root(self, address: str | None, port: int, *, is_here: bool) -> str:
        """The URL that programs use, without /v1; `is_here` for one on this machine."""
        host = address or LOOPBACK
        if host in _ANY:
            host = LOOPBACK if is_here else socket.gethostname()
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}{f'/t/{self.token}' if self.token else ''}"

    async def close(self) -> None:
        """End the calls that run, and save and print what they were."""
        try:
            await self.relay.close()
            await self._save()
        finally:
            await self.archive.close()
            self.output.close()

    async def _save(self) -> None:
        """Wait while calls are being saved: as long as the store can be written."""
        left = len(self.archive.calls)
        if left > _FEW:
            self.output.note(f"Saving {plural(left, 'call')}. Ctrl+C stops it.")
        before, loop = left + 1, asyncio.get_running_loop()
        while 0 < left < before and not self.archive.gap.waiting:
            before, until = left, loop.time() + _STALL_S
            while left == before and loop.time() < until:
                await asyncio.sleep(_STEP_S)
                left = len(self.archive.calls)


async def run_watch(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Forward calls until it is stopped, or until the program ends. Returns the exit status."""
    watch = await _prepare(arguments, settings, wiring)
    _favour_the_loop()
    try:
        status = await watch.run(arguments)
    except asyncio.CancelledError:
        if not watch.output.matched:
            raise
        status = EXIT_OK
    finally:
        await watch.close()
    matched = watch.output.matched
    if matched:
        warn(f"{plural(matched, 'call')} matched --fail {arguments.fail!r}.")
    return EXIT_PARTLY if matched and status == EXIT_OK else status


async def _prepare(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> _Watch:
    if arguments.token is not None and arguments.listen is None:
        raise SettingsError("--token needs --listen.", "On loopback no token is needed.")
    output = Output(arguments, _read_query(arguments.fail))
    found = await find_upstreams(arguments, settings, wiring)
    wire = await load_wire()
    faults = plan_faults(arguments, wire, output.note)
    gate = await build_gate(arguments, wiring, wire)
    endpoints = {upstream.name: endpoint for upstream, endpoint in found}
    archive = await open_watch_archive(
        wiring,
        wire,
        endpoints.get,
        WatchEvents(output.ended, output.listed, output.gap),
        is_private=arguments.no_save,
    )
    upstreams = [upstream for upstream, _ in found]
    token = None
    if arguments.listen is not None:
        token = arguments.token or secrets.token_urlsafe(_TOKEN_BYTES)
    relay = Relay(
        upstreams,
        archive,
        clock=wiring.clock,
        new_id=wiring.new_id,
        report=output.note,
        token=token,
        own_names=(socket.gethostname().lower(), (arguments.listen or "").lower()),
        gate=gate,
        faults=faults,
    )
    return _Watch(relay, archive, upstreams, output, token)


def _favour_the_loop() -> None:
    """Keep pauses short in which nothing is forwarded."""
    sys.setswitchinterval(_SWITCH_S)
    # A full collection would visit all objects of the SDK, which takes tens of milliseconds.
    gc.collect()
    gc.freeze()


def _read_query(text: str | None) -> Query | None:
    """The query of --fail. Raises SettingsError."""
    if text is None:
        return None
    try:
        query = parse_query(text)
        check_query(query)
    except QueryError as error:
        raise SettingsError(f"The query of --fail can't be parsed: {error}.") from error
    return query
