"""`replyscope sessions export`: exports sessions to a file or to standard output."""

import argparse
from collections.abc import Sequence
from contextlib import suppress

from replyscope.cli.output import open_output
from replyscope.cli.progress import progress_bar
from replyscope.cli.report import warn
from replyscope.cli.sharing import exporter_of
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import OutputError, SessionNotFound, SettingsError
from replyscope.domain.query import QueryError
from replyscope.domain.shared import ExchangeForm, Form
from replyscope.engine.exporting import Exporter
from replyscope.engine.sharing import session_ids_of
from replyscope.inspection.sharing.redaction import Redactor

_LARGE_PAGE = 50_000_000  # bytes; browsers get slow from here on


async def run_export(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Export, and report the redactions on stderr."""
    exporter = exporter_of(wiring)
    is_on = arguments.redact or (arguments.format == "html" and not arguments.no_redact)
    clean = exporter.redactor(is_on=is_on or arguments.preview)
    written = 0
    if arguments.format in list(ExchangeForm):
        await _export_exchange(arguments, wiring, exporter, clean)
    else:
        written = await _export_sessions(arguments, wiring, exporter, clean)
    if arguments.preview:
        print("\n".join(clean.report))
    elif is_on:
        warn(clean.sentence)
    if arguments.format == "html" and written > _LARGE_PAGE:
        size = f"{written / 1e6:,.0f} MB"
        warn(f"the page has {size}, which is slow in browsers; --query exports fewer sessions")


async def _export_sessions(
    arguments: argparse.Namespace, wiring: Wiring, exporter: Exporter, clean: Redactor
) -> int:
    """Export sessions. Returns the number of characters written; 0 for a preview."""
    if arguments.whole_only and arguments.format != Form.JSONL:
        raise SettingsError("--whole-only works with --format jsonl only.")
    ids, form = await _wanted(arguments, wiring), Form(arguments.format)
    if arguments.preview:
        with progress_bar("Reading") as progress:
            await exporter.export(ids, form, clean, progress=progress)
        return 0
    with open_output(arguments.output) as write, progress_bar("Writing") as progress:
        return await exporter.export(
            ids, form, clean, write, progress, whole_only=arguments.whole_only
        )


async def _export_exchange(
    arguments: argparse.Namespace, wiring: Wiring, exporter: Exporter, clean: Redactor
) -> None:
    if len(arguments.ids) != 1:
        raise SettingsError(
            "This format needs one id: of a session or of an exchange.",
            "`sessions show ID --json` lists the exchanges of a session.",
        )
    form, exchange_id = ExchangeForm(arguments.format), arguments.ids[0]
    with suppress(SessionNotFound):  # then it is the id of an exchange
        session_id = await wiring.store.find_session_id(exchange_id)
        exchange_id = await exporter.last_exchange(session_id)
    text = await exporter.exchange_text(exchange_id, form, clean)
    if not arguments.preview:
        with open_output(arguments.output) as write:
            write(text)


async def _wanted(arguments: argparse.Namespace, wiring: Wiring) -> Sequence[str]:
    if arguments.query is None:
        if not arguments.ids:
            raise SettingsError("No session is given.", "Give ids, or --query.")
        return [await wiring.store.find_session_id(prefix) for prefix in arguments.ids]
    if arguments.ids:
        raise SettingsError("Ids and --query exclude each other.", "Use either.")
    try:
        search = wiring.review.read(arguments.query)
    except QueryError as error:
        raise SettingsError(f"The query can't be parsed: {error}.") from error
    await wiring.review.update_index()
    found = session_ids_of(await wiring.index.find_ids(search))
    if not found:
        raise OutputError("No replies match the query. Nothing was written.")
    return found
