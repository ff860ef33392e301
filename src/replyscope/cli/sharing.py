"""Builds the importer and the exporter of sessions. Imported at their first use."""

from collections.abc import Sequence
from pathlib import Path

from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.config.settings import read_settings
from replyscope.domain.import_format import OpenDatabase
from replyscope.domain.shared import ExchangeForm, Form, Progress
from replyscope.engine.exporting import Exporter
from replyscope.engine.import_files import FileReader
from replyscope.engine.importing import Imported, Importer
from replyscope.engine.sniffing import FormatTable
from replyscope.readers.formats import FORMATS
from replyscope.store.foreign import open_foreign

TABLE = FormatTable(FORMATS)
"""The formats that can be imported."""


def importer_of(wiring: Wiring, open_database: OpenDatabase = open_foreign) -> Importer:
    """The importer of all known formats into the store."""
    reader = FileReader(TABLE, open_database, translate_frames)
    return Importer(reader, wiring.store, wiring.paths.kept_files)


def exporter_of(wiring: Wiring, session_id: str | None = None) -> Exporter:
    """The exporter of saved and private sessions, with the redaction of the settings file.

    Single exchanges come from the store of `session_id`; without one, from the saved sessions.
    """
    settings = wiring.paths.settings
    return Exporter(
        wiring.store if session_id is None else wiring.archive.store_of(session_id),
        wiring.archive.store_of,
        translate_frames,
        lambda: read_settings(settings).redact,
        str(Path.home()),
    )


async def import_file(wiring: Wiring, path: Path, is_dry: bool, progress: Progress) -> Imported:
    """Import a file for the app. Raises ImportFault, StoreError."""
    return await importer_of(wiring).import_file(path, is_dry=is_dry, progress=progress)


async def export_to_file(
    wiring: Wiring,
    ids: Sequence[str],
    form: Form,
    path: Path | None,
    is_redacted: bool,
    progress: Progress,
) -> list[str]:
    """Export sessions for the app. Returns a report of the redactions.

    Without a path nothing is written. Raises OutputError, SettingsError, StoreError.
    """
    clean = exporter_of(wiring).redactor(is_on=is_redacted)
    return await exporter_of(wiring).export_to_file(ids, form, path, clean, progress)


async def export_exchange(
    wiring: Wiring, session_id: str, exchange_id: str, form: ExchangeForm
) -> str:
    """One exchange of a session as redacted text. Raises SettingsError, StoreError."""
    exporter = exporter_of(wiring, session_id)
    return await exporter.exchange_text(exchange_id, form, exporter.redactor(is_on=True))


async def import_hint() -> str:
    """A phrase that lists the files that can be imported."""
    return TABLE.hint
