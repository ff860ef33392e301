"""Finds out what a file is, and reads the sessions in it one after the other."""

import itertools
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from replyscope.cli.import_documents import KINDS, UNREADABLE, session_of, sessions_of
from replyscope.cli.wiring import translate_frames
from replyscope.domain.errors import ImportFault
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Api, Exchange, Timing
from replyscope.domain.foreign import Batch, Foreign, ForeignConversation, shared_of
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.regular_file import open_regular, read_regular
from replyscope.domain.session import Session
from replyscope.domain.shared import Shared
from replyscope.domain.sse import FrameSplitter
from replyscope.engine.recovery import refold
from replyscope.store.foreign import read_database

_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK"
_MOST_STREAM = 200_000_000  # bytes of a recorded stream, which is read whole
_STREAM = (b"data:", b"event:", b"id:", b"retry:", b": ")
_PART = re.compile(r"conversations(?:[-_. ]?\(?(\d+)\)?)?\.json")
_ONE = re.compile(r"(?:\A|/)conversations/[^/]+\.json\Z")


def read_file(path: Path) -> Batch:
    """The sessions of a file of any known kind, or of a folder. Raises ImportFault."""
    try:
        if path.is_dir():
            return _folder(path)
        with open_regular(path) as file:
            head = file.read(16)
        if head.startswith(_SQLITE):
            return _database(path)
        if head.startswith(_ZIP):
            return _zip(path)
        return _text(path)
    except UNREADABLE as error:
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
            yield session_of(item)

    return Batch(each(), count, lambda: place)


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
    items = sessions_of(closing, str(path), [(path.name, opened)])
    return Batch(items, size, _place(opened))


def _folder(path: Path) -> Batch:
    """An extracted export of ChatGPT: all of its files with conversations."""
    names = [file.relative_to(path).as_posix() for file in path.rglob("*.json") if file.is_file()]
    paths = [path / name for name in _conversation_files(names)]
    if not paths:
        raise ImportFault(f"{path} has no conversations.json in it.", KINDS)
    read = 0

    def opened() -> Iterator[tuple[str, IO[bytes]]]:
        nonlocal read
        for file in paths:
            yield file.name, open_regular(file)
            read += file.stat().st_size

    size = sum(file.stat().st_size for file in paths)
    return Batch(sessions_of(ExitStack(), str(path), opened()), size, lambda: read)


def _zip(path: Path) -> Batch:
    closing = ExitStack()
    opened = closing.enter_context(open_regular(path))
    try:
        archive = closing.enter_context(zipfile.ZipFile(opened))
    except BaseException:
        closing.close()
        raise
    # Only what a member is called is looked at; nothing is ever unpacked to a path.
    names = _conversation_files(archive.namelist())
    if not names:
        closing.close()
        raise ImportFault(f"{path} has no conversations.json in it.", KINDS)
    members = ((PurePosixPath(name).name, archive.open(name)) for name in names)
    items = sessions_of(closing, str(path), members)
    return Batch(items, path.stat().st_size, _place(opened))


def _conversation_files(names: Iterable[str]) -> list[str]:
    """The files with conversations, in their order; a folder has one for each, or parts."""
    parts = [(match, n) for n in names if (match := _PART.fullmatch(PurePosixPath(n).name))]
    parts.sort(key=lambda part: (PurePosixPath(part[1]).parent, int(part[0][1] or 0)))
    if parts:
        return [name for _, name in parts]
    return sorted(n for n in names if _ONE.search(n))


def _place(file: IO[bytes]) -> Callable[[], int]:
    return lambda: 0 if file.closed else file.tell()


def _stream(data: bytes, path: Path) -> Shared:
    """A recorded stream as a session with one reply: its frames as they are, all at once."""
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    splitter = FrameSplitter()
    pieces = [*splitter.feed(data), splitter.finish()]
    texts = [piece.decode("utf-8", errors="replace") for piece in pieces if piece]
    frames = [WireFrame(0.0, text) for text in texts]
    text = "".join(texts)
    api = Api.RESPONSES if '"response.' in text or "event: response." in text else Api.CHAT
    talk = shared_of(ForeignConversation("sse", f"{path.name}/{text}", path.name, at, ()))
    key = talk.session.id
    opening = Exchange(f"{key}x", api, "sse", "", "unknown", at)
    folded = refold(opening, frames, translate_frames, broken=None)
    asked = folded.answered_model or opening.model
    exchange = replace(folded, model=asked, timing=Timing())  # nobody knows when they came
    reply = Message(f"{key}a", Role.ASSISTANT, (), at, None, (ReplySource(exchange.id, 0),))
    session = Session(key, path.name, at, at, head_id=reply.id, is_title_given=True)
    record = WireRecord(None, tuple(frames))
    return Shared(session, (reply,), {exchange.id: exchange}, ("sse",), {exchange.id: record})
