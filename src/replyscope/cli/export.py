"""`replyscope sessions export`: hands sessions on, to a file or to standard output."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring
from replyscope.config.settings import read_settings
from replyscope.domain.errors import OutputError, SettingsError
from replyscope.domain.hit import Sort
from replyscope.domain.query import QueryError
from replyscope.engine.sharing import Form, Sharing, session_ids_of
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.request_code import as_curl, as_python

_OF_ONE_EXCHANGE = ("sse", "curl", "python")


async def run_export(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Write what was asked for; what was taken out is told on stderr."""
    is_on = arguments.redact or (arguments.format == "html" and not arguments.no_redact)
    try:
        clean = Redactor(read_settings(wiring.paths.settings).redact, is_on=is_on)
    except ValueError as error:
        raise SettingsError(f"redact: {error}.", "Mend the settings.") from error
    if arguments.preview:
        ids = await _wanted(arguments, wiring)
        form = Form.HTML if arguments.format in _OF_ONE_EXCHANGE else Form(arguments.format)
        print(await export_to_file(wiring, ids, form, None, True))
        return
    with _output(arguments.output) as write:
        if arguments.format in _OF_ONE_EXCHANGE:
            write(await _of_exchange(arguments, wiring, clean))
        else:
            ids = await _wanted(arguments, wiring)
            await Sharing(wiring.store).export(ids, Form(arguments.format), write, clean)
    if is_on:
        warn(clean.sentence)


async def export_to_file(
    wiring: Wiring, ids: Sequence[str], form: Form, path: Path | None, is_redacted: bool
) -> str:
    """Write sessions to a file; a sentence about what was taken out. Raises OutputError.

    Without a path nothing is written: the sentence says what would be taken out.
    """
    clean = Redactor(read_settings(wiring.paths.settings).redact, is_on=is_redacted)
    if path is None:
        await Sharing(wiring.store).export(ids, form, lambda _text: None, clean)
        return clean.sentence
    with _output(str(path.expanduser())) as write:
        await Sharing(wiring.store).export(ids, form, write, clean)
    return clean.sentence


async def _wanted(arguments: argparse.Namespace, wiring: Wiring) -> Sequence[str]:
    if arguments.query is None:
        if not arguments.ids:
            raise SettingsError("Nothing is named.", "Give ids, or --query.")
        return [await wiring.store.find_session_id(prefix) for prefix in arguments.ids]
    try:
        search = wiring.review.read(arguments.query, Sort.TIME)
    except QueryError as error:
        raise SettingsError(f"The query can't be read: {error}.") from error
    await wiring.review.take_in()
    return session_ids_of(await wiring.review.find_ids(search))


async def _of_exchange(arguments: argparse.Namespace, wiring: Wiring, clean: Redactor) -> str:
    if len(arguments.ids) != 1:
        raise SettingsError("One exchange has to be named.", "`sessions show ID --json` has them.")
    if arguments.format == "sse":
        text = await Sharing(wiring.store).stream_text(arguments.ids[0])
        if not text:
            raise SettingsError(f"There is no exchange {arguments.ids[0]} with frames.")
        return clean(text)
    record = await wiring.store.load_wire(arguments.ids[0])
    if record.request is None:
        raise SettingsError(f"There is no exchange {arguments.ids[0]} with a request.")
    form = as_curl if arguments.format == "curl" else as_python
    return form(record.request, clean)


@contextmanager
def _output(path: str | None) -> Iterator[Callable[[str], object]]:
    """Where to write. A file is there whole, or not at all."""
    if path is None or path == "-":
        yield sys.stdout.write
        return
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            newline="",
            dir=target.parent,
            prefix=f".{target.name[:100]}.",
            suffix=".part",
            delete=False,
        ) as file:
            try:
                yield lambda text: file.write(text.encode("utf-8", "replace").decode())
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        Path(file.name).replace(target)
    except OSError as error:
        raise OutputError(f"{path} can't be written ({error}).", "Check the folder.") from error
