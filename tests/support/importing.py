"""The import of the program, with its own formats, as functions for tests."""

from typing import Any

from replyscope.cli.wiring import translate_frames
from replyscope.domain.import_format import Item
from replyscope.engine import import_documents
from replyscope.engine.import_files import FileReader
from replyscope.engine.sniffing import FormatTable
from replyscope.readers.formats import FORMATS
from replyscope.store.foreign import open_foreign

TABLE = FormatTable(FORMATS)
read_file = FileReader(TABLE, open_foreign, translate_frames).read


def read_entry(entry: Any, number: int) -> Item:
    """The conversation of one entry of a JSON document."""
    item = import_documents.read_entry(entry, number, TABLE)
    assert item is not None
    return item
