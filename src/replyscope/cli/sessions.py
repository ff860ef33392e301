"""`replyscope sessions`: list, show, delete and restore."""

import argparse
import json
import sys

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.printable import printable_line
from replyscope.engine.branch import read_in_all
from replyscope.engine.calls import exchanges_with_results
from replyscope.engine.tree import MessageTree
from replyscope.inspection.json_view import exchange_object, message_object, summary_object
from replyscope.inspection.report import session_report


async def run_sessions(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Carry out one action; the exit status."""
    match arguments.action:
        case "list":
            await _list(wiring, as_json=arguments.json)
        case "show":
            await _show(arguments.id, wiring, as_json=arguments.json)
        case "delete":
            session_id = await wiring.store.find_session_id(arguments.id)
            await wiring.archive.delete(session_id)
            _say(session_id, "deleted", as_json=arguments.json)
        case "restore":
            session_id = await wiring.store.find_session_id(arguments.id)
            await wiring.archive.restore(session_id)
            _say(session_id, "restored", as_json=arguments.json)
    return EXIT_OK


def _say(session_id: str, what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"id": session_id, "action": what}))
    else:
        print(f"{session_id} {what}")


async def _list(wiring: Wiring, *, as_json: bool) -> None:
    summaries = await wiring.archive.list_sessions()
    if as_json:
        print(json.dumps([summary_object(s) for s in summaries], indent=2))
        return
    if not summaries:
        print("No sessions yet.", file=sys.stderr)
    for summary in summaries:
        when = summary.updated_at.astimezone().strftime("%Y-%m-%d %H:%M")
        model = printable_line(summary.model or "—")
        title = printable_line(summary.title)
        print(f"{summary.id}  {when}  {summary.exchange_count:>4}  {model:<24}  {title}")


async def _show(prefix: str, wiring: Wiring, *, as_json: bool) -> None:
    session_id = await wiring.store.find_session_id(prefix)
    stored = await wiring.store.load_session(session_id)
    tree = MessageTree(stored.messages, stored.session.head_id)
    exchanges = exchanges_with_results({e.id: e for e in stored.exchanges}, tree)
    messages = read_in_all(stored.branch, exchanges)
    if as_json:
        session = stored.session
        print(
            json.dumps(
                {
                    **summary_object(await wiring.store.summarise_session(session.id)),
                    "system": session.settings.system,
                    "messages": [message_object(message) for message in messages],
                    "exchanges": [exchange_object(e) for e in exchanges.values()],
                },
                indent=2,
            )
        )
        return
    print(printable_line(stored.session.title), end="\n\n")
    print(session_report(messages, exchanges))
