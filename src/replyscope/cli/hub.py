"""`replyscope hub`: joins a hub, synchronises with it, and leaves it."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from replyscope.cli.confirming import confirms
from replyscope.cli.hub_opening import (
    FOLDER,
    clean_url,
    create_key,
    load_postgres,
    log_of,
    machine_name,
    opened_hub,
    sync_of,
)
from replyscope.cli.hub_status import show_status
from replyscope.cli.hub_waiting import show_waiting
from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY, EXIT_REFUSED
from replyscope.cli.report import show_progress, warn
from replyscope.cli.result import print_result
from replyscope.cli.wiring import Wiring
from replyscope.config.settings import read_settings
from replyscope.domain.errors import HubError, HubLocked, NotAHub, SettingsError
from replyscope.domain.hub import HubStatus
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.sync import SyncReport


async def run_hub(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status. Raises ReplyscopeError."""
    match arguments.action:
        case "init":
            return await _init(arguments, wiring)
        case "status":
            return await show_status(arguments, wiring)
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
    known = await log_of(wiring).membership()
    text = arguments.url or settings.url or (known.url if known is not None else None)
    if text is None:
        raise SettingsError(
            "There is no URL of a hub.", "Give one, or set url in [hub] of the settings."
        )
    url = clean_url(text)
    if arguments.dry_run:
        await show_waiting(arguments, sync_of(wiring, url), url)
        return EXIT_OK
    if known is not None and known.url != url:
        raise HubError(
            f"This archive takes part in {known.url}.", "Run `replyscope hub leave` first."
        )
    status = await _found(wiring, url, is_encrypted=settings.encrypt)
    if known is None:
        await log_of(wiring).join(url, wiring.new_id(), machine_name(settings))
    others = len(set(status.machines) - {known.machine if known is not None else ""})
    next_step = "`replyscope hub sync` does so now, the app every few seconds."
    print_result(
        arguments,
        {"url": url, "machines": others},
        f"This archive takes part in {url}, with {plural(others, 'other machine')}. "
        + (f"Nothing was sent or received yet: {next_step}" if known is None else ""),
    )
    return EXIT_OK


async def _found(wiring: Wiring, url: str, *, is_encrypted: bool) -> HubStatus:
    """Create a hub, or check the one that is there, and its key. Raises HubError."""
    async with opened_hub(url) as (thread, hub):
        await thread.call(hub.initialise)
        status = await thread.call(hub.status)
        if is_encrypted:
            _prepare_key(wiring, status)
        return status


def _prepare_key(wiring: Wiring, status: HubStatus) -> None:
    """Create the key of a new hub. Raises HubLocked for a hub whose key is elsewhere."""
    key = wiring.paths.hub_key
    if key.exists():
        return
    if status.machines:
        raise HubLocked(
            "Machines have sent encrypted entries to the hub, and their key is not here.",
            f"Copy hub.key from the settings folder of one of them to {key}. If none has it any "
            "more, run `replyscope hub leave`, and create a new hub in another place.",
        )
    create_key(key)
    warn(f"the key of the hub is in {key}; copy it to your other machines, and keep it safe")


async def _sync(arguments: argparse.Namespace, wiring: Wiring) -> int:
    membership = await log_of(wiring).membership()
    if membership is None and not arguments.dry_run:
        raise NotAHub("This archive takes part in no hub.", "Run `replyscope hub init URL`.")
    url = membership.url if membership is not None else FOLDER
    sync = sync_of(wiring, url)
    if arguments.dry_run:
        await show_waiting(arguments, sync, url)
        return EXIT_OK
    follower = HubFollower(sync, wiring.review, wiring.library, wiring.clock)
    if arguments.follow:
        return await _follow(arguments, follower)
    report = await follower.once(lambda one: show_progress(one.sentence))
    show_progress()
    _print_report(arguments, report)
    return EXIT_PARTLY if report.faults or report.unsent else EXIT_OK


async def _follow(arguments: argparse.Namespace, follower: HubFollower) -> int:
    """Synchronise until Ctrl+C, and print a line for each sync that had something to do."""
    stopped = asyncio.Event()
    with suppress(NotImplementedError):  # Windows cancels the task instead
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)

    def hear(report: SyncReport | None, error: HubError | None) -> None:
        if error is not None:
            warn(str(error))
        elif report is not None and (
            report.pushed or report.has_news or report.faults or report.unsent
        ):
            _print_report(arguments, report)

    await follower.follow(hear, stopped)
    return EXIT_OK


def _print_report(arguments: argparse.Namespace, report: SyncReport) -> None:
    faults = (*report.faults, *report.unsent)
    for fault in faults:
        warn(fault)
    fields = {
        "sent": report.pushed,
        "sent_bytes": report.pushed_bytes,
        "sessions": report.applied.sessions,
        "messages": report.applied.messages,
        "replies": report.applied.exchanges,
        "purged": report.applied.purged,
        "faults": list(faults),
    }
    text = report.sentence
    if report.is_renewed:
        text += (
            " This archive continues as a new machine of the hub: it was restored or copied, or "
            "the hub has lost files."
        )
    print_result(arguments, fields, text)


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
    print_result(arguments, {"left": url}, text)
    return EXIT_OK


async def _unshare(arguments: argparse.Namespace, wiring: Wiring) -> int:
    membership = await log_of(wiring).membership()
    if membership is None:
        raise NotAHub("This archive takes part in no hub.", "Run `replyscope hub init URL`.")
    sync = sync_of(wiring, membership.url)
    found: Collection[str] = await sync.leaving.matching(arguments.query)
    sessions = plural(len(found), "session")
    question = f"Remove {sessions} from the hub? There is no undo: they are never sent again."
    if found and not arguments.yes and not confirms(question):
        print(
            f"Nothing was changed. --yes removes {sessions} from the hub; there is no undo.",
            file=sys.stderr,
        )
        return EXIT_REFUSED
    count = await sync.log.unshare(found)
    text = (
        f"{plural(count, 'session')} will not leave any more. The next sync of each machine "
        "removes what it sent; copies on machines that have received them stay."
    )
    fields: dict[str, Any] = {"unshared": count, "sent": 0}
    status = EXIT_OK
    try:
        report = await HubFollower(sync, wiring.review, wiring.library, wiring.clock).once()
        fields["sent"] = report.pushed
    except HubError as error:  # the sessions are marked, and the next sync says so to the hub
        fields["error"] = str(error)
        warn(str(error))
        status = EXIT_PARTLY
    print_result(arguments, fields, text)
    return status


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
