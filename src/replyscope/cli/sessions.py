"""`replyscope sessions`: lists, searches, changes, exports and imports saved sessions."""

import argparse
import json
import sys
from collections.abc import Sequence

from replyscope.cli.confirming import confirms
from replyscope.cli.export import run_export
from replyscope.cli.import_file import run_import
from replyscope.cli.parser import EXIT_OK, EXIT_REFUSED
from replyscope.cli.report import show_indexing
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import Hit, Sort
from replyscope.domain.session import Shelf
from replyscope.engine.branch import read_in_all
from replyscope.engine.tool_calls import exchanges_with_results
from replyscope.engine.tree import MessageTree
from replyscope.inspection.figures import count
from replyscope.inspection.json_view import (
    exchange_object,
    hit_object,
    message_object,
    summary_object,
)
from replyscope.inspection.report import session_report

_DONE = {
    "delete": "deleted",
    "restore": "restored",
    "pin": "pinned",
    "unpin": "unpinned",
    "archive": "archived",
    "unarchive": "unarchived",
    "tag": "tagged",
    "rename": "renamed",
}


async def run_sessions(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status."""
    match arguments.action:
        case "list":
            await _list(wiring, Shelf(arguments.shelf), as_json=arguments.json)
        case "show":
            await _show(arguments.id, wiring, as_json=arguments.json)
        case "search":
            await _search(arguments, wiring)
        case "tags":
            _print_tags(await wiring.library.tags(), as_json=arguments.json)
        case "rename-tag":
            await wiring.review.rename_tag(arguments.old, arguments.new)
            _print_tags(await wiring.library.tags(), as_json=arguments.json)
        case "export":
            await run_export(arguments, wiring)
        case "import":
            return await run_import(arguments, wiring)
        case "follow":
            from replyscope.cli.follow import run_follow  # only for this action

            return await run_follow(arguments, wiring)
        case "purge":
            return await _purge(arguments, wiring)
        case _:
            await _change(arguments, wiring)
    return EXIT_OK


async def _change(arguments: argparse.Namespace, wiring: Wiring) -> None:
    prefixes = [arguments.id] if arguments.action == "rename" else arguments.ids
    ids = [await wiring.store.find_session_id(prefix) for prefix in prefixes]
    review = wiring.review
    match arguments.action:
        case "delete":
            await review.delete(ids)
        case "restore":
            await review.restore(ids)
        case "pin" | "unpin":
            await review.pin(ids, is_on=arguments.action == "pin")
        case "archive" | "unarchive":
            await review.archive(ids, is_on=arguments.action == "archive")
        case "tag":
            await review.tag(ids, arguments.add, arguments.remove)
        case "rename":
            await wiring.archive.rename(ids[0], arguments.title)
    for session_id in ids:
        _report(session_id, _DONE[arguments.action], as_json=arguments.json)


def _report(session_id: str, done: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"id": session_id, "action": done}))
    else:
        print(f"{session_id} {done}")


def _print_tags(tags: Sequence[tuple[str, int]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"tag": name, "sessions": number} for name, number in tags]))
    for name, number in () if as_json else tags:
        print(f"{number:>6}  {printable_line(name)}")
    if not tags and not as_json:
        print("No tags yet.", file=sys.stderr)


async def _search(arguments: argparse.Namespace, wiring: Wiring) -> None:
    text = " ".join(arguments.query)
    try:
        search = wiring.review.read(text, Sort(arguments.sort), max(1, arguments.limit))
    except QueryError as error:
        marked = f"{text[: error.at]}▸{text[error.at :]}"
        raise SettingsError(f"The query can't be parsed: {error}.", f"Here: {marked}") from error
    await wiring.review.update_index(show_indexing)
    hits = await wiring.index.find(search)
    if arguments.json:
        print(json.dumps([hit_object(hit) for hit in hits], indent=2))
        return
    for hit in hits:
        print(_hit_line(hit))
    if not hits:
        print("No replies found.", file=sys.stderr)


def _hit_line(hit: Hit) -> str:
    when = hit.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
    facts = f"{hit.finish or hit.state:<12} {count(hit.tokens):>8} tok  {hit.model[:24]:<24}"
    sender = [f"{hit.by} on {hit.machine}"] if hit.by else []
    client = [hit.client] if hit.client else []
    title = f"{hit.title[:40]}: {hit.snippet}"
    return printable_line("  ".join([hit.session_id, when, facts, *sender, *client, title]))


async def _purge(arguments: argparse.Namespace, wiring: Wiring) -> int:
    ids: Sequence[str] = await wiring.review.deleted()
    if arguments.ids:
        wanted = [await wiring.store.find_session_id(prefix) for prefix in arguments.ids]
        alive = [session_id for session_id in wanted if session_id not in ids]
        if alive:
            raise SettingsError(
                f"{', '.join(alive)} is not deleted.", "Only deleted sessions can be purged."
            )
        ids = wanted
    question = f"Permanently remove {plural(len(ids), 'deleted session')}? There is no undo."
    if ids and not arguments.yes and not confirms(question):
        number = plural(len(ids), "session")
        print(f"Nothing was purged. --yes permanently removes {number}.", file=sys.stderr)
        return EXIT_REFUSED
    purged = await wiring.review.purge(ids)
    if arguments.json:
        fields = {"sessions": purged.sessions, "exchanges": purged.exchanges}
        print(json.dumps({**fields, "is_pending": purged.is_pending}))
        return EXIT_OK
    sessions, replies = plural(purged.sessions, "session"), plural(purged.exchanges, "reply")
    print(f"Permanently removed {sessions} with {replies}.")
    if purged.sessions < len(ids):
        kept = plural(len(ids) - purged.sessions, "session")
        print(f"Not purged: {kept} where a reply is streaming.", file=sys.stderr)
    if purged.is_pending:
        print(
            "Another replyscope is reading the file. The next start overwrites old copies in it.",
            file=sys.stderr,
        )
    return EXIT_OK


async def _list(wiring: Wiring, shelf: Shelf, *, as_json: bool) -> None:
    summaries = await wiring.archive.list_sessions(shelf=shelf, pinned_first=True)
    if as_json:
        print(json.dumps([summary_object(s) for s in summaries], indent=2))
        return
    if not summaries:
        is_listed = shelf is Shelf.LISTED
        print("No sessions yet." if is_listed else f"No {shelf} sessions.", file=sys.stderr)
    for summary in summaries:
        when = summary.updated_at.astimezone().strftime("%Y-%m-%d %H:%M")
        key, model = printable_line(summary.id), printable_line(summary.model or "—")
        mark = "[pinned] " if summary.is_pinned else ""
        tags = "".join(f" #{tag}" for tag in summary.tags)
        title = printable_line(f"{mark}{summary.title}{tags}")
        print(f"{key}  {when}  {summary.exchange_count:>4}  {model:<24}  {title}")


async def _show(prefix: str, wiring: Wiring, *, as_json: bool) -> None:
    session_id = await wiring.store.find_session_id(prefix)
    stored = await wiring.store.load_session(session_id)
    tree = MessageTree(stored.messages, stored.session.head_id)
    exchanges = exchanges_with_results(stored.exchanges, tree)
    messages = read_in_all(stored.branch, exchanges)
    if as_json:
        session = stored.session
        print(
            json.dumps(
                {
                    **summary_object(await wiring.store.summarise_session(session.id)),
                    "system": session.settings.system,
                    "messages": [
                        message_object(message)
                        | ({"left_out": True} if message.id in session.settings.left_out else {})
                        for message in messages
                    ],
                    "exchanges": [exchange_object(e) for e in exchanges.values()],
                },
                indent=2,
            )
        )
        return
    print(printable_line(stored.session.title), end="\n\n")
    print(session_report(messages, exchanges))
