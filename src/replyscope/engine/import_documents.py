"""Reads the conversations of JSON documents.

A file has one document or several, one after the other (JSONL). A document is a conversation,
a list of conversations, or an object with such a list. Entries are read one by one, and an
invalid entry is reported and skipped.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from replyscope.domain.foreign import Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.domain.import_format import Item
from replyscope.domain.item_bound import TOO_LARGE, too_large
from replyscope.domain.json_items import Broken, JsonItems
from replyscope.engine.sniffing import FormatTable

_LIST = re.compile(r"\s*\[")


class FoundItem(NamedTuple):
    """An item, whether its format is known, and whether it is JSON."""

    item: Item
    is_known: bool
    is_json: bool = True


def items_of(document: JsonItems, name: str, table: FormatTable) -> Iterator[FoundItem]:
    """The items of a file; `name` is the file's."""
    numbers = itertools.count(1)  # enumerate() would keep the last entry
    for entry in _entries(document, table):
        number = next(numbers)
        is_first = number == 1
        if isinstance(entry, Broken) and is_first and entry.why.startswith(TOO_LARGE):
            yield FoundItem(Unreadable(name, entry.why), is_known=True)
        elif isinstance(entry, Broken) and is_first:  # perhaps the file is not JSON
            yield FoundItem(Unreadable(name, entry.why), is_known=False, is_json=False)
        else:
            is_known = table.of_entry(entry) is not None
            item = read_entry(entry, number, table)
            del entry  # an item is large, and only one should be in memory
            if item is not None:
                yield FoundItem(item, is_known)
            del item


def read_entry(entry: Any, number: int, table: FormatTable) -> Item | None:
    """The conversation of one entry, or the reason why it can't be read; `number` is from 1.

    None for an entry of a known format without a conversation.
    """
    name = f"conversation {number}"
    if isinstance(entry, Broken):
        return Unreadable(name, entry.why)
    if not isinstance(entry, Mapping):
        return Unreadable(name, "it is not a conversation: not a JSON object")
    title = entry.get("title")
    name = title[:200] if isinstance(title, str) and title else name
    try:
        known = table.of_entry(entry)
        if known is None:
            raise BadData("it has no messages in the form of a known program")
        return known.read(entry)
    except DATA_FAULTS as error:
        return Unreadable(name, fault_in_words(error))


def _entries(document: JsonItems, table: FormatTable) -> Iterator[Any]:
    """Every entry of every document in a file."""
    while not document.is_cut and not document.is_over():
        document.most = table.most_item(document.begins)
        if any(document.enter(opening) for opening in table.openings):
            yield from document
            return
        if document.enter(_LIST):
            yield from itertools.chain.from_iterable(map(_flat, document, itertools.repeat(table)))
            continue
        why = ""
        try:
            value = document.value()
        except ValueError as error:
            why = str(error)
        if not why:
            flat = _flat(value, table)
            del value  # each item is held only by whoever reads it
            yield from flat
        # Outside of the handler: the error holds the text that was read.
        elif why == too_large() and document.enter_list(
            lambda first: table.of_entry(first) is not None
        ):
            yield from document
            return
        else:
            yield Broken(why)
            if not document.skip_lines():
                return


def _flat(value: Any, table: FormatTable) -> Iterator[Any]:
    """The entries of a list, or of an object that has lists of conversations."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item, table)
        return
    known_format = table.of_entry(value)
    if known_format is not None and known_format.entries is not None:
        yield from known_format.entries(value)
        return
    if isinstance(value, Mapping) and known_format is None:
        lists = [one for one in value.values() if isinstance(one, list)]
        known = [one for one in lists if any(table.of_entry(item) is not None for item in one)]
        for one in known:
            yield from one
        if known:
            return
    only = [value]
    del value
    yield only.pop()
