"""`replyscope doctor`: what is configured, what answers, what is on disk."""

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from importlib.metadata import version

from replyscope import __version__
from replyscope.cli.parser import EXIT_OK, EXIT_PROVIDER, EXIT_STORE
from replyscope.cli.report import show_progress
from replyscope.cli.target import find_target
from replyscope.cli.wiring import Wiring, find_servers
from replyscope.config.endpoints import choose_endpoint
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError, StoreError, StoreFull, StoreReadOnly
from replyscope.domain.printable import printable_line
from replyscope.domain.route import environment_faults
from replyscope.domain.settings import Settings
from replyscope.engine.probe import run_probes
from replyscope.inspection.conformance import judge
from replyscope.inspection.figures import size
from replyscope.inspection.quirks import find_quirks

_MOST_UNREADABLE = 100


async def run_doctor(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Print the findings; the exit status says what doesn't work."""
    if arguments.probe:
        return await _probe(arguments, settings, wiring)
    if arguments.repair:
        return await _repair(wiring)
    _row("replyscope", __version__)
    parts = ", ".join(f"{name} {version(name)}" for name in ("openai", "textual", "rich"))
    _row("python", f"{platform.python_version()} on {platform.system()}; {parts}")
    store_ok = await _check_store(wiring)
    _row("settings", f"{wiring.paths.settings}{_note_missing(wiring)}")
    for fault in environment_faults(os.environ):
        _row("environment", f"FAILED {fault}")
    chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
    endpoints = list(dict.fromkeys([*([chosen] if chosen else []), *settings.endpoints]))
    answers = [await _check_endpoint(endpoint, wiring) for endpoint in endpoints]
    if not endpoints:
        _row("provider", "none set: OPENAI_API_KEY, --base-url, or `replyscope` to choose one")
    for server in await find_servers():
        _row("found", f"{server.product} at {server.base_url}, {len(server.models)} models")
    _show_local(wiring)
    await _show_tools(wiring)
    if not store_ok:
        return EXIT_STORE
    return EXIT_OK if all(answers) else EXIT_PROVIDER


async def _probe(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Print the conformance card of one server over one API: its probes, then its quirks."""
    target = await find_target(arguments, settings, wiring, None)
    _row("probing", f"{target.model} at {target.endpoint.public_url} · {target.provider.api.value}")
    has_failed = False
    quirks: dict[str, list[str]] = {}
    probes = run_probes(target.provider, target.endpoint, target.model, wiring.clock)
    async with aclosing(probes) as done:
        async for probed in done:
            name = probed.probe.name
            verdict = judge(probed.exchange, wants=probed.probe.wants, choices=probed.probe.choices)
            _row(verdict.word, f"{name}: {verdict.summary}")
            for quirk in (*verdict.notes, *find_quirks(probed.exchange, probed.frames)):
                quirks.setdefault(quirk, []).append(name)
            has_failed |= verdict.word == "failed"
    _show_quirks(quirks)
    return EXIT_PROVIDER if has_failed else EXIT_OK


async def _repair(wiring: Wiring) -> int:
    """Make the search index anew; print what can't be read. Nothing that is saved is changed."""
    path = wiring.paths.database
    if not path.exists():
        _row("sessions", f"{path} (not there yet)")
        return EXIT_OK
    try:
        await wiring.store.open()
        await wiring.index.rebuild(_tell_progress)
        held = await wiring.library.size()
        fault = await wiring.store.check_integrity()
        _row("index", f"made anew from {held.exchanges:,} replies")
        _row("sessions", f"{path}: {'sound' if fault is None else f'FAILED {fault}'}")
        has_unread = await _show_unreadable(wiring)
    except StoreError as error:
        _row("sessions", f"FAILED {error}")
        return EXIT_STORE
    return EXIT_STORE if fault is not None or has_unread else EXIT_OK


def _tell_progress(left: int) -> None:
    show_progress(f"indexing, {left:,} replies left" if left else "")


async def _show_unreadable(wiring: Wiring) -> bool:
    """A row for each saved thing that can't be read; whether there is one."""
    unreadable = await wiring.index.unreadable()
    for one in unreadable[:_MOST_UNREADABLE]:
        name = f"the {one.kind} {one.id}" if one.id != one.session_id else f"the {one.kind}"
        _row("unreadable", f"{name} of session {one.session_id} ({one.why})")
    if len(unreadable) > _MOST_UNREADABLE:
        _row("unreadable", f"and {len(unreadable) - _MOST_UNREADABLE:,} more")
    return bool(unreadable)


def _show_quirks(quirks: Mapping[str, Sequence[str]]) -> None:
    """A row for each quirk, with the names of the probes that met it."""
    if not quirks:
        _row("quirks", "none met")
    for quirk, names in quirks.items():
        _row("quirk", f"{quirk} ({', '.join(dict.fromkeys(names))})")


def _row(name: str, text: str) -> None:
    print(f"{name:<11} {printable_line(text)}", flush=True)


def _note_missing(wiring: Wiring) -> str:
    return "" if wiring.paths.settings.exists() else " (not there; defaults are used)"


async def _check_store(wiring: Wiring) -> bool:
    path = wiring.paths.database
    if not path.exists():
        _row("sessions", f"{path} (not there yet)")
        return True
    try:
        with suppress(StoreReadOnly, StoreFull):  # what is there can be looked at all the same
            await wiring.store.open()
        fault = await wiring.store.check_integrity()
        held = await wiring.library.size()
    except StoreError as error:
        _row("sessions", f"FAILED {error}")
        return False
    state = "sound" if fault is None else f"FAILED {fault}"
    room = f"{size(held.file + held.wal)}, {size(held.free)} of it free"
    deleted = f" and {held.deleted:,} deleted" if held.deleted else ""
    _row("sessions", f"{path}: {held.sessions:,} sessions{deleted}, {room}, {state}")
    if held.unindexed:
        _row("", f"{held.unindexed:,} replies are not in the search yet; it takes them in itself")
    try:
        await _show_unreadable(wiring)
    except StoreError as error:
        _row("sessions", f"FAILED {error}")
        return False
    return fault is None


async def _check_endpoint(endpoint: Endpoint, wiring: Wiring) -> bool:
    start_ms = wiring.clock.monotonic_ms()
    try:
        provider = await wiring.providers.open(endpoint)
        models = await provider.list_models()
    except ReplyscopeError as error:
        _row("provider", f"{endpoint.name} at {endpoint.public_url}: FAILED {error}")
        return False
    elapsed_ms = wiring.clock.monotonic_ms() - start_ms
    text = f"{endpoint.name} at {endpoint.public_url}: {len(models)} models in {elapsed_ms:.0f} ms"
    _row("provider", text)
    return True


async def _show_tools(wiring: Wiring) -> None:
    """Each source of tools, started, with what it offers or why it does not."""
    wiring.tool_settings()
    for fault in wiring.tool_settings.faults:
        _row("tools", f"FAILED {fault}")
    everything = [source.name for source in await wiring.toolbox.sources()]
    offered = await wiring.toolbox.offer(everything)
    for source in await wiring.toolbox.sources():
        names = [tool.own_name for tool in offered if tool.source == source.name]
        lines = source.fault.strip().split("\n")  # of a traceback, what it says at its end
        failed = f"FAILED {lines[0]} {lines[-1] if lines[1:] else ''}".rstrip()
        state = failed if source.fault else source.state
        _row("tools", f"{source.name}: {state}{': ' if names else ''}{', '.join(names)}")
        for note in source.notes:
            _row("tools", f"{source.name}: {note}")


def _show_local(wiring: Wiring) -> None:
    missing = wiring.local.missing_engine()
    installed = [m.name for m in wiring.local.list_models() if m.is_installed]
    state = missing or f"engine ready; installed: {', '.join(installed) or 'none'}"
    _row("embedded", state)
