"""`replyscope hub`: joins a hub, synchronises with it, and leaves it."""

import argparse
import asyncio
import json
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from replyscope.cli.hub_opening import (
    FOLDER,
    clean_url,
    create_key,
    load_postgres,
    log_of,
    machine_name,
    open_hub,
    sync_of,
)
from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.report import show_progress, warn
from replyscope.cli.wiring import Wiring
from replyscope.config.settings import read_settings
from replyscope.domain.errors import HubError, HubLocked, NotAHub, SettingsError
from replyscope.domain.hub import Hub, HubStatus
from replyscope.domain.hub_log import HubMembership, Waiting
from replyscope.domain.json_values import from_ms
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.hub.calls import HubThread
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.sync import HubSync, SyncReport

_MOST_LISTED = 20


async def run_hub(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status. Raises ReplyscopeError."""
    match arguments.action:
        case "init":
            return await _init(arguments, wiring)
        case "status":
            return await _status(arguments, wiring)
        case "sync":
            return await _sync(arguments, wiring)
        case "leave":
            return await _leave(arguments, wiring)
        case "grant" | "revoke":
            return await _change_team(arguments, wiring)
        case _:
            return await _unshare(arguments, wiring)


async def _init(arguments: argparse.Namespace, wiring: Wiring) -> int:
    settings = read_settings(wiring.paths.settings).hub
    text = arguments.url or settings.url
    if text is None:
        raise SettingsError(
            "There is no URL of a hub.", "Give one, or set url in [hub] of the settings."
        )
    url = clean_url(text)
    sync = sync_of(wiring, url)
    if arguments.dry_run:
        await _show_waiting(arguments, sync)
        return EXIT_OK
    known = await sync.log.membership()
    if known is not None and known.url != url:
        raise HubError(
            f"This archive takes part in {known.url}.", "Run `replyscope hub leave` first."
        )
    thread = HubThread()
    try:
        hub = await thread.call(open_hub, url)
        await thread.call(hub.initialise)
        status = await thread.call(hub.status)
        if settings.encrypt:
            _prepare_key(wiring, status)
        if known is None:
            await sync.log.join(url, wiring.new_id(), machine_name(settings))
        await thread.call(hub.close)
    finally:
        thread.close()
    others = len(status.machines)
    _print(
        arguments,
        {"url": url, "machines": others},
        f"This archive takes part in {url}, with {plural(others, 'other machine')}. "
        "Nothing was sent yet: `replyscope hub sync` sends, and the app does so by itself.",
    )
    return EXIT_OK


def _prepare_key(wiring: Wiring, status: HubStatus) -> None:
    """Create the key of a new hub. Raises HubLocked for a hub whose key is elsewhere."""
    key = wiring.paths.hub_key
    if key.exists():
        return
    if status.machines:
        raise HubLocked(
            "The hub has other machines, and their key is not here.",
            f"Copy hub.key from the settings folder of one of them to {key}.",
        )
    create_key(key)
    warn(f"the key of the hub is in {key}; copy it to your other machines, and keep it safe")


async def _status(arguments: argparse.Namespace, wiring: Wiring) -> int:
    sync = sync_of(wiring)
    membership = await sync.log.membership()
    if membership is None:
        _print(arguments, {"url": None}, "This archive takes part in no hub.")
        return EXIT_OK
    sync = sync_of(wiring, membership.url)
    waiting = await sync.log.waiting(await sync.leaving.sessions())
    fields: dict[str, Any] = {
        "url": membership.url,
        "machine": membership.machine,
        "name": membership.name,
        "synced_at": _iso(membership.synced_at_ms),
        "waiting": _counts(waiting),
    }
    lines = [f"{membership.url}", f"  this machine  {membership.name} ({membership.machine})"]
    lines.append(f"  last sync     {_iso(membership.synced_at_ms) or 'never'}")
    lines.append(f"  to send       {_sentence(waiting)}")
    status = EXIT_OK
    try:
        found = await _status_of(membership)
        fields["machines"] = {
            key: {"name": name, "entries": found.heads[key].number}
            for key, name in found.machines.items()
        }
        lines += _machine_lines(found, membership, await sync.log.pulled())
    except HubError as error:
        fields["error"] = str(error)
        lines.append(f"  {error}")
        status = EXIT_PARTLY
    for machine, first, last in await sync.log.holes():
        lines.append(f"  not read yet  machine {machine}, entries {first:,} to {last:,}")
    _print(arguments, fields, "\n".join(lines))
    return status


async def _status_of(membership: HubMembership) -> HubStatus:
    thread = HubThread()
    try:
        hub: Hub = await thread.call(open_hub, membership.url)
        found = await thread.call(hub.status)
        await thread.call(hub.close)
        return found
    finally:
        thread.close()


def _machine_lines(
    found: HubStatus, membership: HubMembership, pulled: Mapping[str, int]
) -> list[str]:
    lines = []
    for key, name in found.machines.items():
        if key == membership.machine:
            continue
        left = found.heads[key].number - pulled.get(key, 0)
        state = "up to date" if left <= 0 else f"up to {left:,} entries to receive"
        lines.append(f"  machine       {printable_line(name) or '?'} ({key})  {state}")
    return lines


async def _sync(arguments: argparse.Namespace, wiring: Wiring) -> int:
    membership = await log_of(wiring).membership()
    if membership is None and not arguments.dry_run:
        raise NotAHub("This archive takes part in no hub.", "Run `replyscope hub init URL`.")
    sync = sync_of(wiring, membership.url if membership is not None else FOLDER)
    if arguments.dry_run:
        await _show_waiting(arguments, sync)
        return EXIT_OK
    follower = HubFollower(sync, wiring.review, wiring.library, wiring.clock)
    if arguments.follow:
        return await _follow(arguments, follower)
    report = await follower.once(lambda one: show_progress(one.sentence))
    show_progress()
    _print_report(arguments, report)
    return EXIT_PARTLY if report.faults else EXIT_OK


async def _follow(arguments: argparse.Namespace, follower: HubFollower) -> int:
    """Synchronise until Ctrl+C, and print a line for each sync that had something to do."""
    stopped = asyncio.Event()
    with suppress(NotImplementedError):  # Windows cancels the task instead
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)

    def hear(report: SyncReport | None, error: HubError | None) -> None:
        if error is not None:
            warn(str(error))
        elif report is not None and (report.pushed or report.has_news or report.faults):
            _print_report(arguments, report)

    await follower.follow(hear, stopped)
    return EXIT_OK


async def _show_waiting(arguments: argparse.Namespace, sync: HubSync) -> None:
    waiting = await sync.log.waiting(await sync.leaving.sessions())
    lines = [f"Would send {_sentence(waiting)}."]
    for session_id, title, replies in waiting.titles[:_MOST_LISTED]:
        lines.append(printable_line(f"  {session_id}  {plural(replies, 'reply'):>12}  {title}"))
    if waiting.sessions > _MOST_LISTED:
        lines.append(f"  and {waiting.sessions - _MOST_LISTED:,} more sessions")
    sessions = [
        {"id": key, "title": title, "replies": replies} for key, title, replies in waiting.titles
    ]
    _print(arguments, {**_counts(waiting), "listed": sessions}, "\n".join(lines))


def _sentence(waiting: Waiting) -> str:
    return (
        f"{plural(waiting.messages, 'message')} and {plural(waiting.exchanges, 'reply')} "
        f"of {plural(waiting.sessions, 'session')}"
    )


def _counts(waiting: Waiting) -> dict[str, int]:
    return {
        "sessions": waiting.sessions,
        "messages": waiting.messages,
        "replies": waiting.exchanges,
        "purges": waiting.purges,
    }


def _print_report(arguments: argparse.Namespace, report: SyncReport) -> None:
    for fault in report.faults:
        warn(fault)
    fields = {
        "sent": report.pushed,
        "sent_bytes": report.pushed_bytes,
        "sessions": report.applied.sessions,
        "messages": report.applied.messages,
        "replies": report.applied.exchanges,
        "purged": report.applied.purged,
        "faults": list(report.faults),
    }
    text = report.sentence
    if report.is_renewed:
        text += " This archive continues as a new machine: it is a copy, or was restored."
    _print(arguments, fields, text)


async def _leave(arguments: argparse.Namespace, wiring: Wiring) -> int:
    log = log_of(wiring)
    membership = await log.membership()
    await log.leave()
    url = membership.url if membership is not None else None
    text = (
        "This archive takes part in no hub."
        if url is None
        else f"This archive has left {url}. Its entries stay there for your other machines."
    )
    _print(arguments, {"left": url}, text)
    return EXIT_OK


async def _unshare(arguments: argparse.Namespace, wiring: Wiring) -> int:
    membership = await log_of(wiring).membership()
    if membership is None:
        raise NotAHub("This archive takes part in no hub.", "Run `replyscope hub init URL`.")
    sync = sync_of(wiring, membership.url)
    found: Collection[str] = await sync.leaving.matching(arguments.query)
    count = await sync.log.unshare(found)
    report = await HubFollower(sync, wiring.review, wiring.library, wiring.clock).once()
    text = (
        f"{plural(count, 'session')} will not leave any more. The next sync of each machine "
        "removes what it sent; copies on machines that have received them stay."
    )
    _print(arguments, {"unshared": count, "sent": report.pushed}, text)
    return EXIT_OK


def _iso(at_ms: int | None) -> str | None:
    return from_ms(at_ms).isoformat(timespec="seconds") if at_ms is not None else None


def _print(arguments: argparse.Namespace, fields: Mapping[str, Any], text: str) -> None:
    print(json.dumps(fields) if arguments.json else text, flush=True)


async def _change_team(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Let a role use the hub, or shut it out."""
    known = await log_of(wiring).membership()
    if known is None or known.url.startswith(FOLDER):
        raise HubError(
            "Only a hub in a PostgreSQL database has roles.",
            "With a folder, the program that synchronises it decides who reads it.",
        )
    team = load_postgres("replyscope.cli.hub_postgres").open_postgres_hub(known.url)
    try:
        await asyncio.to_thread(getattr(team, arguments.action), arguments.role)
        members = await asyncio.to_thread(team.members)
    finally:
        await asyncio.to_thread(team.close)
    if arguments.json:
        print(json.dumps({"role": arguments.role, "action": arguments.action, "team": members}))
    else:
        print(printable_line(f"The team of the hub: {', '.join(members) or 'nobody else'}."))
    return EXIT_OK
