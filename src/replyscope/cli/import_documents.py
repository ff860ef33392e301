"""Reads the sessions of JSON files: our own, and the exports of ChatGPT and Open WebUI.

A file is one JSON document or several, one after the other (JSONL); a document is a
conversation, a list of them, or an object that has such a list. Every entry is read by
itself, so that one of another form costs no other.
"""

import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

from replyscope.domain.errors import ImportFault
from replyscope.domain.foreign import Foreign, ForeignConversation, Unreadable, shared_of
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.inspection.sharing.session_json import FORMAT, session_from_json
from replyscope.readers.json_exports import read_entry, reader_of
from replyscope.readers.json_items import Broken, JsonItems

UNREADABLE = (OSError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError,
              RuntimeError, NotImplementedError)  # fmt: skip
"""The errors of a file that cannot be read."""
KINDS = (
    "It may be our JSON, conversations.json of ChatGPT (or the zip or the folder with it), an "
    "export of Open WebUI, a database of llm, elia or oterm, or a .sse file."
)
_LIST = re.compile(r"\s*\[")
_OURS = re.compile(r'\s*\{\s*"format"\s*:\s*"' + re.escape(FORMAT) + r'"\s*,\s*"sessions"\s*:\s*\[')
_OWN = FORMAT.partition("/")[0] + "/"
_MOST_UNKNOWN = 1_000
"""Entries of an unknown form, after which the file is one of an unknown form."""

NamedFile = tuple[str, IO[bytes]]


def sessions_of(closing: ExitStack, name: str, files: Iterable[NamedFile]) -> Iterator[Foreign]:
    """The sessions of files; `closing` is closed after the last.

    Raises ImportFault at once when no entry is of a known form.
    """
    try:
        begun, rest = _begun(name, _of_files(files))
    except BaseException:
        closing.close()
        raise

    def each() -> Iterator[Foreign]:
        with closing:
            for found in itertools.chain(begun, rest):
                yield found.item

    return each()


def session_of(item: ForeignConversation | Unreadable) -> Foreign:
    """The session of a conversation, or why it cannot be one."""
    if isinstance(item, Unreadable):
        return item
    try:
        return shared_of(item)
    except DATA_FAULTS as error:
        return Unreadable(item.title or item.key, fault_in_words(error))


class _Found(NamedTuple):
    """A session or a fault; whether the entry has a known form, and is JSON at all."""

    item: Foreign
    is_known: bool
    is_json: bool = True


def _begun(name: str, found: Iterator[_Found]) -> tuple[list[_Found], Iterator[_Found]]:
    begun: list[_Found] = []
    for one in found:
        begun.append(one)
        if one.is_known or len(begun) > _MOST_UNKNOWN:
            break
    if not begun or not begun[-1].is_known:
        raise ImportFault(_what_is_wrong(name, begun), KINDS)
    return begun, found


def _what_is_wrong(name: str, begun: list[_Found]) -> str:
    if not begun:
        return f"{name} is empty."
    first = begun[0]
    if isinstance(first.item, Unreadable) and not first.is_json:
        return f"{name} is not whole JSON ({first.item.why})."
    return f"{name} is JSON of a kind that is not known."


def _of_files(files: Iterable[NamedFile]) -> Iterator[_Found]:
    """Of each file; one that cannot be read costs no other."""
    opened = iter(files)
    while True:
        name = "the rest"
        try:
            name, file = next(opened)
            with io.TextIOWrapper(file, encoding="utf-8-sig") as text:
                yield from _of_file(JsonItems(text), name)
        except StopIteration:
            return
        except UNREADABLE as error:
            why = f"the file can't be read ({error})"
            yield _Found(Unreadable(name, why), is_known=False, is_json=False)
            if name == "the rest":
                return


def _of_file(document: JsonItems, name: str) -> Iterator[_Found]:
    for number, entry in enumerate(_entries(document), start=1):
        if isinstance(entry, Mapping) and str(entry.get("format")).startswith(_OWN):
            yield _Found(_ours(entry, number), is_known=True)
        elif isinstance(entry, Broken) and number == 1:  # the file itself may be something else
            yield _Found(Unreadable(name, entry.why), is_known=False, is_json=False)
        else:
            is_known = reader_of(entry) is not None
            yield _Found(session_of(read_entry(entry, number)), is_known)


def _entries(document: JsonItems) -> Iterator[Any]:
    """Every entry of every document in a file."""
    while not document.is_cut and not document.is_over():
        if document.enter(_OURS):
            yield from document
            return
        if document.enter(_LIST):
            for item in document:
                yield from _flat(item)
            continue
        try:
            value = document.value()
        except ValueError as error:
            yield Broken(str(error))
            if not document.skip_lines():
                return
        else:
            yield from _flat(value)


def _flat(value: Any) -> Iterator[Any]:
    """The entries of a list, or of an object that has lists of conversations."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
        return
    if isinstance(value, Mapping) and reader_of(value) is None:
        listed = value.get("sessions") if value.get("format") == FORMAT else None
        lists = [listed] if listed else [v for v in value.values() if _has_entries(v)]
        for one in lists:
            if isinstance(one, list):
                yield from one
        if lists:
            return
    yield value


def _has_entries(value: Any) -> bool:
    return isinstance(value, list) and any(reader_of(item) is not None for item in value)


def _ours(entry: Mapping[str, Any], number: int) -> Foreign:
    name = str(entry.get("title") or f"session {number}")[:200]
    try:
        return session_from_json(entry)
    except DATA_FAULTS as error:
        return Unreadable(name, fault_in_words(error))
