"""Opens the relay of `replyscope watch` with its archive, for lines and for the live screen."""

import argparse
import asyncio
import gc
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from replyscope.cli.watch_archive import load_wire, open_watch_archive
from replyscope.cli.watch_faults import plan_faults
from replyscope.cli.watch_gate import build_gate
from replyscope.cli.wiring import Wiring
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.web_address import is_loopback_host
from replyscope.engine.watching.archive import WatchArchive, WatchEvents
from replyscope.engine.watching.held_calls import Person
from replyscope.serving.gate import Gate
from replyscope.serving.server import LOOPBACK
from replyscope.serving.watch.relay import Relay
from replyscope.serving.watch.relay_thread import (
    HandedGate,
    HandedObserver,
    Handover,
    RelayThread,
)
from replyscope.serving.watch.upstream import Upstream

_SWITCH_S = 0.0005
"""The longest time that a saving thread may block the forwarding loop; Python's default is 5 ms."""
_SAY_FIRST_S = 2.0
_SAY_S = 10.0
"""The time between two notices while calls are being saved; the first comes sooner."""
_TOKEN_BYTES = 18
_ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class OpenRelay:
    """A relay and its archive. `note` gets notices for the person."""

    relay: Relay | RelayThread
    archive: WatchArchive
    upstreams: Sequence[Upstream]
    token: str | None
    note: Callable[[str], None]

    async def start(self, arguments: argparse.Namespace) -> str:
        """Listen. Returns the URL that programs use, without /v1. Raises SettingsError."""
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
        return self._root(arguments.listen, port, is_here=bool(arguments.program))

    def _root(self, address: str | None, port: int, *, is_here: bool) -> str:
        """The URL that programs use; `is_here` for one on this machine."""
        host = address or LOOPBACK
        if host in _ANY:
            host = LOOPBACK if is_here else socket.gethostname()
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}{f'/t/{self.token}' if self.token else ''}"

    async def close(self) -> None:
        """End the calls that run, and save and report what they were."""
        try:
            await self.relay.close()
            await self._save()
        finally:
            await self.archive.close(0)

    async def _save(self) -> None:
        """Wait while calls are being saved, and say so."""
        closing = asyncio.create_task(self.archive.close())
        hint, pause_s = " Ctrl+C stops it.", _SAY_FIRST_S
        try:
            while not (await asyncio.wait((closing,), timeout=pause_s))[0]:
                self.note(f"Saving {plural(len(self.archive.calls), 'call')}.{hint}")
                hint, pause_s = "", _SAY_S
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)


async def open_relay(
    arguments: argparse.Namespace,
    found: Sequence[tuple[Upstream, Endpoint]],
    wiring: Wiring,
    events: WatchEvents,
    note: Callable[[str], None],
    *,
    in_thread: bool = False,
    person: Person | None = None,
) -> OpenRelay:
    """The relay of these upstreams; it does not listen yet. With `in_thread` it gets a thread of
    its own. `person` decides about held calls, instead of the terminal.
    """
    endpoints = {upstream.name: endpoint for upstream, endpoint in found}
    wire = await load_wire()
    faults = plan_faults(arguments, wire, note)
    gate = await build_gate(arguments, wiring, wire, person)
    archive = await open_watch_archive(
        wiring, wire, endpoints.get, events, is_private=arguments.no_save
    )
    upstreams = [upstream for upstream, _ in found]
    token = None
    if arguments.listen is not None:
        token = arguments.token or secrets.token_urlsafe(_TOKEN_BYTES)
    make = partial(
        Relay,
        upstreams,
        clock=wiring.clock,
        new_id=wiring.new_id,
        token=token,
        own_names=(socket.gethostname().lower(), (arguments.listen or "").lower()),
        faults=None if faults is None else faults.choose_in_thread,
    )
    relay = (
        _in_thread(make, archive, gate, note)
        if in_thread
        else make(archive, report=note, gate=gate)
    )
    return OpenRelay(relay, archive, upstreams, token, note)


def _in_thread(
    make: Callable[..., Relay],
    archive: WatchArchive,
    gate: Gate | None,
    note: Callable[[str], None],
) -> RelayThread:
    """A relay in a thread of its own, whose observers run in the caller's loop."""
    handover = Handover(asyncio.get_running_loop())
    relay = make(
        HandedObserver(archive, handover, note),
        report=handover.reporting(note),
        gate=None if gate is None else HandedGate(gate, handover.owner),
    )
    return RelayThread(relay, handover)


def check_token(arguments: argparse.Namespace) -> None:
    """Raises SettingsError for a token that nothing needs."""
    if arguments.token is not None and arguments.listen is None:
        raise SettingsError("--token needs --listen.", "On loopback no token is needed.")


def favour_the_loop() -> None:
    """Keep pauses short in which nothing is forwarded."""
    sys.setswitchinterval(_SWITCH_S)
    # A full collection would visit all objects of the SDK, which takes tens of milliseconds.
    gc.collect()
    gc.freeze()
