"""`replyscope mock`: serves recorded exchanges as an OpenAI-compatible server."""

import argparse
import sys

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SessionNotFound, SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import Sort
from replyscope.domain.system_words import system_words
from replyscope.serving.mock.matching import asked_of
from replyscope.serving.mock.recording import Recording
from replyscope.serving.mock.server import MockServer

_MOST = 1_000
_MOST_NAMED = 8


async def run_mock(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Serve until it is cancelled. Returns the exit status."""
    recordings = await recordings_of(" ".join(arguments.what), wiring)
    server = MockServer(
        recordings, speed=arguments.speed, answers_any=arguments.any, report=_print_line
    )
    try:
        port = await server.start(arguments.port)
    except OSError as error:
        raise SettingsError(
            f"Port {arguments.port} can't be used ({system_words(error)}).",
            "Choose another with --port.",
        ) from error
    exchanges = plural(len(recordings), "exchange")
    print(f"http://127.0.0.1:{port}/v1 serves {exchanges}; Ctrl+C stops it.", flush=True)
    for one in recordings[:_MOST_NAMED]:
        _print_line(_described(one))
    await server.serve()
    return EXIT_OK


def _described(one: Recording) -> str:
    """One line about a recording: id, API, model, and the question that it answers."""
    asked = asked_of(one.record.request.body).question if one.record.request else None
    question = asked[0][:60] if asked else "any request"
    exchange = one.exchange
    return printable_line(f"  {exchange.id}  {exchange.api.value:<9} {exchange.model}  {question}")


def _print_line(line: str) -> None:
    print(printable_line(line), file=sys.stderr, flush=True)


async def recordings_of(what: str, wiring: Wiring) -> list[Recording]:
    """The recordings of a session, of an exchange, or of all results of a query.

    Raises SettingsError if there are none.
    """
    ids = await _exchange_ids(what, wiring)
    by_session: dict[str, list[str]] = {}
    if len(ids) > _MOST:
        _print_line(f"Serving the newest {_MOST:,} of {len(ids):,} exchanges; narrow the query.")
    for session_id, exchange_id in ids[:_MOST]:
        by_session.setdefault(session_id, []).append(exchange_id)
    made = []
    for session_id, wanted in by_session.items():
        stored = await wiring.store.load_session(session_id)
        for exchange_id in stored.exchanges:
            if exchange_id in wanted:
                record = await wiring.store.load_wire(exchange_id)
                if record.frames:
                    made.append(Recording(stored.exchanges[exchange_id], record))
    if ids and not made:
        raise SettingsError(
            f"{what!r} has no recorded frames, so there is nothing to serve.",
            "Replies that were imported without frames, or never answered, can't be served.",
        )
    if not made:
        raise SettingsError(
            f"No recorded exchange matches {what!r}.",
            "Give the id of a session or an exchange, or a query.",
        )
    made.sort(key=lambda one: one.exchange.started_at)
    return made


async def _exchange_ids(what: str, wiring: Wiring) -> list[tuple[str, str]]:
    try:
        session_id = await wiring.store.find_session_id(what)
    except SessionNotFound:
        pass
    else:
        stored = await wiring.store.load_session(session_id)
        return [(session_id, exchange_id) for exchange_id in stored.exchanges]
    home = await wiring.store.find_session_of(what)
    if home is not None:
        return [(home, what)]
    try:
        search = wiring.review.read(what, Sort.TIME)
    except QueryError as error:
        raise SettingsError(f"The query can't be parsed: {error}.") from error
    await wiring.review.update_index()
    return list(await wiring.index.find_ids(search))
