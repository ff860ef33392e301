"""Opens the relay of `replyscope watch` with its archive, for lines and for the live screen."""

import argparse
import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from replyscope.serving.server import LOOPBACK
from replyscope.serving.watch.process.parent import RelayProcess
from replyscope.serving.watch.upstream import Upstream

_SAY_FIRST_S = 2.0
_SAY_S = 10.0
"""The time between two notices while calls are being saved; the first comes sooner."""
_TOKEN_BYTES = 18
_ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class OpenRelay:
    """A relay and its archive. `note` gets notices for the person."""

    relay: RelayProcess
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
    person: Person | None = None,
) -> OpenRelay:
    """The relay of these upstreams; it does not listen yet. `person` decides about held calls,
    instead of the terminal.
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
    relay = RelayProcess(
        wiring.relay_command,
        upstreams,
        archive,
        report=note,
        token=token,
        own_names=(socket.gethostname().lower(), (arguments.listen or "").lower()),
        gate=gate,
        faults=None if faults is None else faults.choose_in_thread,
    )
    return OpenRelay(relay, archive, upstreams, token, note)


def check_token(arguments: argparse.Namespace) -> None:
    """Raises SettingsError for a token that nothing needs."""
    if arguments.token is not None and arguments.listen is None:
        raise SettingsError("--token needs --listen.", "On loopback no token is needed.")
