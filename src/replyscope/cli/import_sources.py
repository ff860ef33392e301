"""Finds out what a file is, and reads the sessions in it one after the other."""

import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from replyscope.cli.wiring import translate_frames
from replyscope.domain.errors import ImportFault
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Api, Exchange, Timing
from replyscope.domain.foreign import Batch, Conversation, Foreign, Unreadable, shared_of
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.regular_file import open_regular, read_regular
from replyscope.domain.session import Session
from replyscope.domain.shared import Shared
from replyscope.domain.sse import FrameSplitter
from replyscope.engine.recovery import refold
from replyscope.inspection.sharing.session_json import FORMAT, session_from_json
from replyscope.readers.json_exports import read_each, reader_of
from replyscope.readers.json_items import Broken, JsonItems
from replyscope.store.foreign import read_database

_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK"
_MOST_STREAM = 200_000_000  # bytes of a recorded stream, which is read whole
_LIST = re.compile(r"\s*\[")
_OURS = re.compile(r'\s*\{\s*"format"\s*:\s*"' + re.escape(FORMAT) + r'"\s*,\s*"sessions"\s*:\s*\[')
_STREAM = (b"data:", b"event:", b"id:", b"retry:", b": ")
_PART = re.compile(r"conversations(?:-(\d+))?\.json")
_UNREADABLE = (OSError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError,
               RuntimeError, NotImplementedError)  # fmt: skip
_FAULTS = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError,
           ValueError)  # fmt: skip
KINDS = (
    "It may be our JSON, conversations.json of ChatGPT (or the zip with it), an export of "
    "Open WebUI, a database of llm, elia or oterm, or a .sse file."
)


def read_file(path: Path) -> Batch:
    """The sessions of a file of any known kind. Raises ImportFault for another."""
    try:
        with open_regular(path) as file:
            head = file.read(16)
        if head.startswith(_SQLITE):
            return _database(path)
        if head.startswith(_ZIP):
            return _zip(path)
        return _text(path)
    except _UNREADABLE as error:
        raise ImportFault(f"{path} can't be read ({error}).", KINDS) from error


def _database(path: Path) -> Batch:
    found = read_database(path)
    if found is None:
        raise ImportFault(f"{path} is a database of a program that is not known.", KINDS)
    conversations, count = found
    done = itertools.count()
    place = 0

    def each() -> Iterator[Foreign]:
        nonlocal place
        for item in conversations:
            place = next(done) + 1
            yield _session(item)

    return Batch(each(), count, lambda: place)


def _session(item: Conversation | Unreadable) -> Foreign:
    if isinstance(item, Unreadable):
        return item
    try:
        return shared_of(item)
    except _FAULTS as error:
        return Unreadable(item.title or item.key, f"{type(error).__name__}: {error}")


def _text(path: Path) -> Batch:
    with open_regular(path) as file:
        start = file.read(1_000).removeprefix(b"\xef\xbb\xbf").lstrip()
    size = path.stat().st_size
    if path.suffix == ".sse" or start.startswith(_STREAM):
        if size > _MOST_STREAM:
            raise ImportFault(f"{path} is too large for a stream of one reply.", KINDS)
        return Batch(iter([_stream(read_regular(path, _MOST_STREAM), path)]), 1, lambda: 1)
    closing = ExitStack()
    opened = closing.enter_context(open_regular(path))
    return Batch(_documents(closing, path, [opened]), size, _place(opened))


def _zip(path: Path) -> Batch:
    closing = ExitStack()
    opened = closing.enter_context(open_regular(path))
    try:
        archive = closing.enter_context(zipfile.ZipFile(opened))
    except BaseException:
        closing.close()
        raise
    # Only what a member is called is looked at; nothing is ever unpacked to a path.
    names = [n for n in archive.namelist() if _PART.fullmatch(PurePosixPath(n).name)]
    names.sort(key=lambda name: int(_PART.fullmatch(PurePosixPath(name).name)[1] or 0))  # type: ignore[index]
    if not names:
        closing.close()
        raise ImportFault(f"{path} has no conversations.json in it.", KINDS)
    members = (archive.open(name) for name in names)
    return Batch(_documents(closing, path, members), path.stat().st_size, _place(opened))


def _place(file: IO[bytes]) -> Callable[[], int]:
    return lambda: 0 if file.closed else file.tell()


def _documents(closing: ExitStack, path: Path, files: Iterable[IO[bytes]]) -> Iterator[Foreign]:
    """The sessions of documents; what is wrong with the first is told before any is taken."""
    items = _of_documents(path, files)
    try:
        first = next(items, None)
    except BaseException:
        closing.close()
        raise

    def each() -> Iterator[Foreign]:
        with closing:
            if first is not None:
                yield first
            try:
                yield from items
            except ImportFault as error:
                yield Unreadable("the rest", error.message)
            except _UNREADABLE as error:
                yield Unreadable("the rest", f"it can't be read ({error})")

    return each()


def _of_documents(path: Path, files: Iterable[IO[bytes]]) -> Iterator[Foreign]:
    for file in files:
        with io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            yield from _of_document(JsonItems(text), path)


def _of_document(document: JsonItems, path: Path) -> Iterator[Foreign]:
    if document.enter(_OURS):
        return _ours(document)
    if document.enter(_LIST):
        return _of_list(iter(document), path)
    try:
        value = document.value()
    except ValueError as error:
        raise ImportFault(f"{path} is not whole JSON ({error}).", KINDS) from error
    if isinstance(value, dict) and value.get("format") == FORMAT:
        listed = value.get("sessions", [value])
        return _ours(listed if isinstance(listed, list) else ())
    return _of_list(iter([value]), path)


def _of_list(items: Iterator[Any], path: Path) -> Iterator[Foreign]:
    """Items of one kind: the first that can be read says of which."""
    begun: list[Any] = []
    for sample in items:
        begun.append(sample)
        if not isinstance(sample, Broken):
            break
    every = itertools.chain(begun, items)
    if begun and isinstance(begun[-1], dict) and begun[-1].get("format") == FORMAT:
        return _ours(every)
    read = reader_of(begun[-1]) if begun else None
    if read is None:
        raise ImportFault(_what_is_wrong(begun, path), KINDS)
    return map(_session, read_each(every, read))


def _what_is_wrong(begun: Sequence[Any], path: Path) -> str:
    if begun and isinstance(begun[-1], Broken):
        return f"{path} is not whole JSON ({begun[-1].why})."
    return f"{path} is JSON of a kind that is not known."


def _ours(entries: Iterable[Any]) -> Iterator[Foreign]:
    for number, entry in enumerate(entries, start=1):
        name = f"session {number}"
        if isinstance(entry, Broken):
            yield Unreadable(name, entry.why)
            continue
        try:
            name = str(entry.get("title") or name)[:200]
            yield session_from_json(entry)
        except _FAULTS as error:
            yield Unreadable(name, f"{type(error).__name__}: {error}")


def _stream(data: bytes, path: Path) -> Shared:
    """A recorded stream as a session with one reply: its frames as they are, all at once."""
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    splitter = FrameSplitter()
    pieces = [*splitter.feed(data), splitter.finish()]
    texts = [piece.decode("utf-8", errors="replace") for piece in pieces if piece]
    frames = [WireFrame(0.0, text) for text in texts]
    text = "".join(texts)
    api = Api.RESPONSES if '"response.' in text or "event: response." in text else Api.CHAT
    talk = shared_of(Conversation("sse", f"{path.name}/{text}", path.name, at, ()))
    key = talk.session.id
    opening = Exchange(f"{key}x", api, "sse", "", "unknown", at)
    folded = refold(opening, frames, translate_frames, broken=None)
    asked = folded.answered_model or opening.model
    exchange = replace(folded, model=asked, timing=Timing())  # nobody knows when they came
    reply = Message(f"{key}a", Role.ASSISTANT, (), at, None, (ReplySource(exchange.id, 0),))
    session = Session(key, path.name, at, at, head_id=reply.id, is_title_given=True)
    record = WireRecord(None, tuple(frames))
    return Shared(session, (reply,), {exchange.id: exchange}, ("sse",), {exchange.id: record})
