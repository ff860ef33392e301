"""`replyscope mock`: serves recorded exchanges to other programs."""

import argparse
import sys

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SessionNotFound, SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import Sort
from replyscope.mock.matching import asked_of
from replyscope.mock.recording import Recording
from replyscope.mock.server import MockServer

_MOST = 1_000
_MOST_NAMED = 8


async def run_mock(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Serve until it is interrupted; the exit status."""
    recordings = await _recordings(" ".join(arguments.what), wiring)
    server = MockServer(recordings, speed=arguments.speed, answers_any=arguments.any, report=_tell)
    try:
        port = await server.start(arguments.port)
    except OSError as error:
        raise SettingsError(
            f"Port {arguments.port} can't be used ({error}).", "Name another with --port."
        ) from error
    exchanges = plural(len(recordings), "exchange")
    print(f"http://127.0.0.1:{port}/v1 serves {exchanges}; Ctrl+C ends it.", flush=True)
    for one in recordings[:_MOST_NAMED]:
        _tell(_described(one))
    await server.serve()
    return EXIT_OK


def _described(one: Recording) -> str:
    """A recording on one line: the question it answers, and by which model."""
    asked = asked_of(one.record.request.body).question if one.record.request else None
    question = asked[0][:60] if asked else "whatever is asked"
    exchange = one.exchange
    return printable_line(f"  {exchange.id}  {exchange.api.value:<9} {exchange.model}  {question}")


def _tell(line: str) -> None:
    print(printable_line(line), file=sys.stderr, flush=True)


async def _recordings(what: str, wiring: Wiring) -> list[Recording]:
    """Those of a session, of one exchange, or of all that a query finds."""
    ids = await _exchange_ids(what, wiring)
    by_session: dict[str, list[str]] = {}
    if len(ids) > _MOST:
        _tell(f"Of {len(ids):,} exchanges the newest {_MOST:,} are served; narrow the query.")
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
            f"No frame of {what!r} was recorded, so there is nothing to serve again.",
            "What was imported without its frames, or never answered, has none.",
        )
    if not made:
        raise SettingsError(
            f"No recorded exchange is {what!r}.",
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
