"""`replyscope sessions export`: hands sessions on, to a file or to standard output."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from replyscope.cli.output import Write, open_output
from replyscope.cli.progress import Tell, progress_bar
from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.config.settings import read_settings
from replyscope.domain.errors import OutputError, SettingsError
from replyscope.domain.query import QueryError
from replyscope.domain.shared import Form
from replyscope.engine.sharing import Sharing, session_ids_of
from replyscope.inspection.sharing.redaction import PatternTooSlow, Redactor
from replyscope.inspection.sharing.request_code import as_curl, as_python

_OF_ONE_EXCHANGE = ("sse", "curl", "python")
_LARGE_PAGE = 50_000_000  # bytes; browsers get slow from here on


async def run_export(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Write what was asked for; what was taken out is told on stderr."""
    of_one = arguments.format in _OF_ONE_EXCHANGE
    is_on = arguments.redact or (arguments.format == "html" and not arguments.no_redact)
    clean = _redactor(wiring, is_on=is_on or arguments.preview)
    ids = [] if of_one else await _wanted(arguments, wiring)
    written = 0
    try:
        if of_one:
            text = await _of_exchange(arguments, wiring, clean)
            if not arguments.preview:
                with open_output(arguments.output) as write:
                    write(text)
        elif arguments.preview:
            with progress_bar("Looking through") as tell:
                await _export(wiring, ids, Form(arguments.format), _nowhere, clean, tell)
        else:
            with open_output(arguments.output) as write, progress_bar("Writing") as tell:
                written = await _export(wiring, ids, Form(arguments.format), write, clean, tell)
    except PatternTooSlow as error:
        raise SettingsError(str(error), "Write it more narrowly in the settings.") from error
    if arguments.preview:
        print("\n".join(clean.report))
    elif is_on:
        warn(clean.sentence)
    if arguments.format == "html" and written > _LARGE_PAGE:
        size = f"{written / 1e6:,.0f} MB"
        warn(f"the page has {size}, which browsers are slow with; --query narrows it")


def _nowhere(_text: str) -> None:
    """Where a preview goes."""


def _redactor(wiring: Wiring, *, is_on: bool) -> Redactor:
    patterns = read_settings(wiring.paths.settings).redact
    try:
        return Redactor(patterns, is_on=is_on, home=str(Path.home()))
    except ValueError as error:
        raise SettingsError(f"redact: {error}.", "Mend the settings.") from error


async def _export(
    wiring: Wiring, ids: Sequence[str], form: Form, write: Write, clean: Redactor, tell: Tell
) -> int:
    stores = {wiring.archive.store_of(session_id) for session_id in ids}
    # A private session is handed on alone: no list holds one beside others.
    store = stores.pop() if len(stores) == 1 else wiring.store
    return await Sharing(store, translate_frames).export(
        ids, form, write, clean, lambda done: tell(done, len(ids))
    )


async def export_to_file(
    wiring: Wiring,
    ids: Sequence[str],
    form: Form,
    path: Path | None,
    is_redacted: bool,
    tell: Tell = lambda _place, _size: None,
) -> list[str]:
    """Write sessions to a file; sentences about what was taken out.

    Without a path nothing is written: the sentences say what would be taken out. Raises
    OutputError, SettingsError, StoreError.
    """
    clean = _redactor(wiring, is_on=is_redacted)
    try:
        if path is None:
            await _export(wiring, ids, form, _nowhere, clean, tell)
        else:
            with open_output(str(path)) as write:
                await _export(wiring, ids, form, write, clean, tell)
    except PatternTooSlow as error:
        raise SettingsError(str(error), "Write it more narrowly in the settings.") from error
    return clean.report


async def _wanted(arguments: argparse.Namespace, wiring: Wiring) -> Sequence[str]:
    if arguments.query is None:
        if not arguments.ids:
            raise SettingsError("Nothing is named.", "Give ids, or --query.")
        return [await wiring.store.find_session_id(prefix) for prefix in arguments.ids]
    if arguments.ids:
        raise SettingsError("Both ids and --query are given.", "Give one of them.")
    try:
        search = wiring.review.read(arguments.query)
    except QueryError as error:
        raise SettingsError(f"The query can't be read: {error}.") from error
    await wiring.review.update_index()
    found = session_ids_of(await wiring.index.find_ids(search))
    if not found:
        raise OutputError("The query finds nothing, so nothing was written.")
    return found


async def _of_exchange(arguments: argparse.Namespace, wiring: Wiring, clean: Redactor) -> str:
    if len(arguments.ids) != 1:
        raise SettingsError("One exchange has to be named.", "`sessions show ID --json` has them.")
    if arguments.format == "sse":
        text = await Sharing(wiring.store).stream_text(arguments.ids[0], clean)
        if not text:
            raise SettingsError(f"There is no exchange {arguments.ids[0]} with frames.")
        return text
    record = await wiring.store.load_wire(arguments.ids[0])
    if record.request is None:
        raise SettingsError(f"There is no exchange {arguments.ids[0]} with a request.")
    form = as_curl if arguments.format == "curl" else as_python
    return form(record.request, clean)
