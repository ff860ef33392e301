"""`replyscope sessions import`: finds out what a file is, and takes in what is in it."""

import argparse
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.domain.errors import ImportFault
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.foreign import Conversation, Foreign, Unreadable, shared_of
from replyscope.domain.json_text import read_json
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session
from replyscope.domain.shared import Shared
from replyscope.domain.sse import FrameSplitter
from replyscope.engine.importing import take_in
from replyscope.engine.recovery import refold
from replyscope.inspection.sharing.session_json import FORMAT, session_from_json
from replyscope.readers.json_exports import read_conversations
from replyscope.store.foreign import read_database

_SQLITE = b"SQLite format 3\x00"
_MOST_UNPACKED = 4_000_000_000
_KINDS = (
    "It may be our JSON, conversations.json of ChatGPT (or the zip with it), an export of "
    "Open WebUI, a database of llm, elia or oterm, or a .sse file."
)


async def run_import(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Take in a file and say what became of it."""
    items = read_file(Path(arguments.file))
    done = await take_in(items, wiring.store, is_dry=arguments.dry_run, progress=_tell)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    for failed in done.failed[:20]:
        warn(f"{failed.name} was left out: {failed.why}")
    if len(done.failed) > 20:
        warn(f"and {len(done.failed) - 20} more were left out")
    if arguments.json:
        fields = {"imported": done.taken, "skipped": done.skipped, "replies": done.replies}
        failures = [{"name": f.name, "why": f.why} for f in done.failed]
        print(json.dumps({**fields, "failed": failures, "dry_run": arguments.dry_run}))
        return
    verb = "would be imported" if arguments.dry_run else "imported"
    print(
        f"{done.taken:,} sessions with {done.replies:,} replies {verb}, "
        f"{done.skipped:,} known already, {len(done.failed):,} failed."
    )


def _tell(done: int) -> None:
    if sys.stderr.isatty() and done % 10 == 0:
        print(f"\r{done:,} read …", end="", file=sys.stderr, flush=True)


def read_file(path: Path) -> Iterable[Foreign]:
    """The sessions of a file of any known kind. Raises ImportFault for another."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(_SQLITE):
            found = read_database(path)
        elif zipfile.is_zipfile(path):
            return _read_text(_unzipped(path), path)
        else:
            data = path.read_bytes()
            if path.suffix == ".sse" or _begins_a_stream(data):
                return [_stream(data, path)]
            return _read_text(data.decode("utf-8-sig"), path)
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise ImportFault(f"{path} can't be read ({error}).", _KINDS) from error
    if found is None:
        raise ImportFault(f"{path} is a database of a program that is not known.", _KINDS)
    return _sessions(found)


def _sessions(found: Iterable[Conversation | Unreadable]) -> Iterator[Foreign]:
    """Each as a session."""
    return (item if isinstance(item, Unreadable) else shared_of(item) for item in found)


def _unzipped(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if Path(n).name == "conversations.json"]
        if not names:
            raise ImportFault(f"{path} has no conversations.json in it.", _KINDS)
        if archive.getinfo(names[0]).file_size > _MOST_UNPACKED:
            raise ImportFault(f"conversations.json in {path} is too large to unpack.", _KINDS)
        return archive.read(names[0]).decode("utf-8-sig")


def _read_text(text: str, path: Path) -> Iterable[Foreign]:
    try:
        value = read_json(text)
    except ValueError as error:
        raise ImportFault(f"{path} is not whole JSON ({error}).", _KINDS) from error
    if isinstance(value, dict) and value.get("format") == FORMAT:
        return _ours(value)
    found = read_conversations(value)
    if found is None:
        raise ImportFault(f"{path} is JSON of a kind that is not known.", _KINDS)
    return _sessions(found)


def _ours(value: dict[str, Any]) -> Iterator[Foreign]:
    listed = value.get("sessions", [value])
    for number, entry in enumerate(listed if isinstance(listed, list) else (), start=1):
        try:
            yield session_from_json(entry)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            name = entry.get("title") if isinstance(entry, dict) else None
            yield Unreadable(str(name or f"session {number}"), f"{type(error).__name__}: {error}")


def _begins_a_stream(data: bytes) -> bool:
    start = data[:1_000].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"data:", b"event:", b"id:", b"retry:", b": "))


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
    exchange = refold(opening, frames, translate_frames, broken=None)
    exchange = replace(exchange, model=exchange.answered_model or opening.model)
    reply = Message(f"{key}a", Role.ASSISTANT, (), at, None, (ReplySource(exchange.id, 0),))
    session = Session(key, path.name, at, at, head_id=reply.id, is_title_given=True)
    record = WireRecord(None, tuple(frames))
    return Shared(session, (reply,), {exchange.id: exchange}, ("sse",), {exchange.id: record})
