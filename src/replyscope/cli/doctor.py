"""`replyscope doctor`: checks the settings, the providers, the data file and the tools."""

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from importlib.metadata import version

from replyscope import __version__
from replyscope.cli.parser import EXIT_OK, EXIT_PROVIDER, EXIT_STORE
from replyscope.cli.report import show_indexing
from replyscope.cli.target import find_target, resolve_model
from replyscope.cli.wiring import Wiring, find_servers
from replyscope.config.endpoints import choose_endpoint, named_in_environment
from replyscope.config.prompts import PromptFolder
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import (
    ReplyscopeError,
    SettingsError,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from replyscope.domain.plural import plural
from replyscope.domain.ports import Clock
from replyscope.domain.printable import printable_line
from replyscope.domain.route import environment_faults
from replyscope.domain.session import SessionSettings
from replyscope.domain.settings import Settings
from replyscope.domain.tool import source_words
from replyscope.engine.live_reply import Target
from replyscope.engine.probe import planned, run_probes
from replyscope.engine.spending import refuse, say_yes
from replyscope.inspection.conformance import judge
from replyscope.inspection.figures import size
from replyscope.inspection.quirks import find_quirks

_MOST_UNREADABLE = 100


async def run_doctor(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Print one row per check. Returns the exit status: which kind of check failed."""
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
    endpoints = _endpoints(arguments, settings)
    answers = [await _check_endpoint(endpoint, wiring) for endpoint in endpoints]
    if not endpoints:
        _row(
            "provider",
            "none set: set OPENAI_API_KEY, use --base-url, or run `replyscope` to choose one",
        )
    for server in await find_servers():
        _row(
            "found", f"{server.product} at {server.base_url}, {plural(len(server.models), 'model')}"
        )
    _show_local(wiring)
    _show_prompts(wiring)
    await _show_tools(wiring)
    if not store_ok:
        return EXIT_STORE
    return EXIT_OK if all(answers) else EXIT_PROVIDER


def _endpoints(arguments: argparse.Namespace, settings: Settings) -> list[Endpoint]:
    """The endpoint of the options and all in the settings; without options also the endpoint of
    the environment. Raises SettingsError.
    """
    chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
    known = [chosen, *settings.endpoints]
    if arguments.base_url is None and arguments.provider is None:
        known.append(named_in_environment(settings))
    return list(dict.fromkeys(one for one in known if one is not None))


async def _probe(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Print the conformance card of one server over one API: its probes, then its quirks. Raises
    OverLimit.
    """
    resolve_model(arguments, settings)
    target = await find_target(arguments, settings, wiring, SessionSettings())
    if not wiring.spending.limits(target):
        return await _run_probes(target, wiring.clock)
    wiring.spending.ask = say_yes if arguments.over_limit else refuse
    await wiring.store.open()  # it has the costs of the day
    reserved = await wiring.spending.allow(planned(target, wiring.clock))
    try:
        return await _run_probes(target, wiring.clock)
    finally:
        await reserved.release()


async def _run_probes(target: Target, clock: Clock) -> int:
    """Run and print the probes, then the quirks that they found."""
    _row("probing", f"{target.model} at {target.endpoint.public_url} · {target.provider.api.value}")
    has_failed = False
    quirks: dict[str, list[str]] = {}
    probes = run_probes(target.provider, target.endpoint, target.model, clock)
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
    """Rebuild the search index, and list unreadable records. Saved data is not changed."""
    path = wiring.paths.database
    if not path.exists():
        _row("sessions", f"{path} (does not exist yet)")
        return EXIT_OK
    try:
        await wiring.store.open()
        await wiring.index.rebuild(show_indexing)
        held = await wiring.library.size()
        fault = await wiring.store.check_integrity()
        _row("index", f"rebuilt from {plural(held.exchanges, 'reply')}")
        _row("sessions", f"{path}: {'sound' if fault is None else f'FAILED {fault}'}")
        has_unread = await _show_unreadable(wiring)
    except StoreError as error:
        _row("sessions", f"FAILED {error}")
        return EXIT_STORE
    return EXIT_STORE if fault is not None or has_unread else EXIT_OK


async def _show_unreadable(wiring: Wiring) -> bool:
    """Print a row for each unreadable record. Returns whether any was found."""
    unreadable = await wiring.index.unreadable()
    for one in unreadable[:_MOST_UNREADABLE]:
        name = f"the {one.kind} {one.id}" if one.id != one.session_id else f"the {one.kind}"
        _row("unreadable", f"{name} of session {one.session_id} ({one.why})")
    if len(unreadable) > _MOST_UNREADABLE:
        _row("unreadable", f"and {len(unreadable) - _MOST_UNREADABLE:,} more")
    return bool(unreadable)


def _show_quirks(quirks: Mapping[str, Sequence[str]]) -> None:
    """Print a row for each quirk, with the names of the probes that found it."""
    if not quirks:
        _row("quirks", "none found")
    for quirk, names in quirks.items():
        _row("quirk", f"{quirk} ({', '.join(dict.fromkeys(names))})")


def _row(name: str, text: str) -> None:
    print(f"{name:<11} {printable_line(text)}", flush=True)


def _note_missing(wiring: Wiring) -> str:
    return "" if wiring.paths.settings.exists() else " (not found; the defaults apply)"


async def _check_store(wiring: Wiring) -> bool:
    path = wiring.paths.database
    if not path.exists():
        _row("sessions", f"{path} (does not exist yet)")
        return True
    try:
        with suppress(StoreReadOnly, StoreFull):  # a file that cannot grow can still be checked
            await wiring.store.open()
        fault, is_whole = await wiring.store.check_quickly()
        held = await wiring.library.size()
    except StoreError as error:
        _row("sessions", f"FAILED {error}")
        return False
    state = "sound" if fault is None else f"FAILED {fault}"
    if fault is None and not is_whole:
        state = "lists sound; `replyscope verify` also reads the texts"
    room = f"{size(held.file + held.wal)}, {size(held.free)} of it free"
    deleted = f" and {held.deleted:,} deleted" if held.deleted else ""
    sessions = f"{plural(held.sessions, 'session')}{deleted}"
    _row("sessions", f"{path}: {sessions}, {room}, {state}")
    if held.unindexed:
        waiting = plural(held.unindexed, "reply")
        _row("", f"{waiting} not indexed yet; the next search indexes them")
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
    answer = f"{plural(len(models), 'model')} in {elapsed_ms:.0f} ms"
    _row("provider", f"{endpoint.name} at {endpoint.public_url}: {answer}")
    return True


async def _show_tools(wiring: Wiring) -> None:
    """Start each tool source, and print its tools or why it failed."""
    wiring.tool_settings()
    for fault in wiring.tool_settings.faults:
        _row("tools", f"FAILED {fault}")
    everything = [source.name for source in await wiring.toolbox.sources()]
    offered = await wiring.toolbox.offer(everything)
    for source in await wiring.toolbox.sources():
        names = [tool.own_name for tool in offered if tool.source == source.name]
        lines = source.fault.strip().split("\n")  # a traceback's last line has the error
        failed = f"FAILED {lines[0]} {lines[-1] if lines[1:] else ''}".rstrip()
        state = failed if source.fault else source.state
        _row(
            "tools",
            f"{source_words(source.name)}: {state}{': ' if names else ''}{', '.join(names)}",
        )
        for note in source.notes:
            _row("tools", f"{source_words(source.name)}: {note}")


def _show_prompts(wiring: Wiring) -> None:
    """Print the number of prompts, and why a file is not used."""
    try:
        known = PromptFolder(wiring.paths.prompts).read()
    except SettingsError as error:
        _row("prompts", f"FAILED {error.message}")
        return
    if known.by_name:
        _row("prompts", f"{wiring.paths.prompts}: {plural(len(known.by_name), 'prompt')}")
    for fault in known.faults.values():
        _row("prompts", f"FAILED {fault}")


def _show_local(wiring: Wiring) -> None:
    missing = wiring.local.missing_engine()
    installed = [m.name for m in wiring.local.list_models() if m.is_installed]
    state = missing or f"engine ready; installed: {', '.join(installed) or 'none'}"
    _row("embedded", state)
