"""`replyscope responses`: manages replies that the provider stores."""

import argparse
import json
import sys

from replyscope.cli.parser import EXIT_OK, EXIT_REFUSED
from replyscope.cli.wiring import Wiring, with_api
from replyscope.config.endpoints import choose_endpoint
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import SettingsError
from replyscope.domain.ports import StoredReplies
from replyscope.domain.printable import printable_line
from replyscope.domain.remote import RemoteReply
from replyscope.domain.settings import Settings
from replyscope.inspection.json_view import iso


async def run_responses(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Run one action. Returns the exit status."""
    if arguments.action == "list":
        _list(await _may_be_stored(wiring), as_json=arguments.json)
        return EXIT_OK
    provider = await _provider(arguments, settings, wiring)
    match arguments.action:
        case "get":
            session_id = await wiring.remote.fetch(provider, arguments.id)
            _report(
                arguments,
                f"Fetched {arguments.id} into session {session_id}",
                session_id=session_id,
            )
        case "cancel":
            status = await wiring.remote.cancel(provider, arguments.id)
            _report(arguments, f"{arguments.id} is {status}", status=status)
        case "set-metadata":
            await provider.set_metadata(arguments.id, dict(arguments.pairs))
            _report(
                arguments,
                f"Replaced the metadata of {arguments.id}",
                metadata=dict(arguments.pairs),
            )
        case "delete":
            if not arguments.yes and not _confirms(arguments.id):
                print("Nothing was deleted.", file=sys.stderr)
                return EXIT_REFUSED
            await wiring.remote.delete(provider, arguments.id)
            _report(arguments, f"Deleted {arguments.id} at the provider", deleted=True)
    return EXIT_OK


async def _provider(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring
) -> StoredReplies:
    """The provider that sent the reply, if it is known; else the one of the command line."""
    known = {reply.response_id: reply for reply in await wiring.remote.list()}
    chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
    reply = known.get(arguments.id)
    if reply is not None and arguments.base_url is None and arguments.provider is None:
        chosen = _endpoint_of(reply, settings, chosen)
    if chosen is None:
        raise SettingsError("No provider is set.", "Name one with --provider or --base-url.")
    provider = await wiring.providers.open(with_api(chosen, arguments.api))
    return provider.stored


def _endpoint_of(
    reply: RemoteReply, settings: Settings, chosen: Endpoint | None
) -> Endpoint | None:
    named = settings.endpoint(reply.endpoint)
    return named if named is not None and named.public_url == reply.base_url else chosen


def _confirms(response_id: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    answer = input(f"Delete {printable_line(response_id)} at the provider? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _report(arguments: argparse.Namespace, text: str, **fields: object) -> None:
    if arguments.json:
        print(json.dumps({"id": arguments.id, **fields}))
    else:
        print(printable_line(text))


async def _may_be_stored(wiring: Wiring) -> tuple[RemoteReply, ...]:
    return tuple(reply for reply in await wiring.remote.list() if reply.may_be_stored)


def _list(replies: tuple[RemoteReply, ...], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "id": reply.response_id,
                "api": reply.api.value,
                "provider": reply.endpoint,
                "base_url": reply.base_url,
                "model": reply.model,
                "session_id": reply.session_id,
                "seen_at": iso(reply.seen_at),
                "state": reply.state.value,
            }
            for reply in replies
        ]
        print(json.dumps(rows, indent=2))
        return
    if not replies:
        print("No replies with an id yet.", file=sys.stderr)
    for reply in replies:
        when = reply.seen_at.astimezone().strftime("%Y-%m-%d %H:%M")
        model = printable_line(reply.model)
        name = printable_line(reply.response_id)
        print(f"{name:<40}  {when}  {reply.state.value:<8}  {reply.session_id}  {model}")
