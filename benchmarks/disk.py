"""What a reply takes on disk, by what it is for; and its recorded stream against the wire."""

import json
import random
import sqlite3
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.archive import sentences, some_sessions
from benchmarks.row import Row
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.inspection.facts import facts_of
from replyscope.store.frame_codec import encode_frames
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore

_PURPOSES = {
    "choice_text": "texts for SQL",
    "exchange": "the compressed reply",
    "search": "the full-text index",
    "message": "the prompt",
    "segment": "the recorded stream",
    "fact": "figures and their indexes",
}
_CHARACTERS = 4_000
_AT_ONCE = 4
_SESSIONS = 60


def measure_disk(file: Path, replies: int) -> list[Row]:
    """The bytes of a reply in an archive without journals; none if SQLite can't tell them apart."""
    sizes: Counter[str] = Counter()
    with closing(sqlite3.connect(file)) as connection:
        try:
            found = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
        except sqlite3.OperationalError:  # it was compiled without this table
            return []
        for name, size in found:
            sizes[_PURPOSES.get(name.partition("_")[0], _PURPOSES.get(name, "the rest"))] += size
    return [
        Row(f"disk for a reply: {purpose}", size / replies, "bytes")
        for purpose, size in sizes.most_common()
    ]


def measure_journal() -> list[Row]:
    """The recorded stream of a reply of 4,000 characters, against the gzip of its wire."""
    dice = random.Random(3)
    frames = _frames(dice, sentences(dice, _CHARACTERS))
    gzipped = _gzipped(frames)
    size = len(encode_frames(frames))
    detail = f"{len(frames)} frames; the gzip of the wire has {gzipped:,}"
    return [
        Row("disk for a reply: its journal", size, "bytes", None, detail),
        Row("journal against the gzip of the wire", size / gzipped, "x", 1.5),
    ]


async def measure_whole(folder: Path) -> list[Row]:
    """The file of an archive of replies with their wires and the index, against the gzip of the
    wires.
    """
    dice = random.Random(4)
    file = folder / "whole" / "sessions.db"
    file.parent.mkdir()
    store = SqliteStore(file, "bench")
    await store.open()
    empty, gzipped = file.stat().st_size, 0
    for shared in some_sessions(_SESSIONS):
        records = {
            one.id: WireRecord(None, tuple(_frames(dice, one.choices[0].text)))
            for one in shared.exchanges.values()
        }
        gzipped += sum(_gzipped(record.frames) for record in records.values())
        await store.import_session(replace(shared, records=records))
    await SqliteSearchIndex(lambda: store.database, facts_of).update()
    await store.close()
    size = file.stat().st_size - empty
    detail = f"{size / 1e6:.1f} MB, {gzipped / 1e6:.1f} MB gzipped"
    return [
        Row("disk for replies against the gzip of their wires", size / gzipped, "x", 1.5, detail)
    ]


def _frames(dice: random.Random, text: str) -> list[WireFrame]:
    """The frames of a reply, with a few characters in each."""
    return [
        WireFrame(12.5 * number + dice.random() * 10, _chunk(text[place : place + _AT_ONCE]))
        for number, place in enumerate(range(0, len(text), _AT_ONCE))
    ]


def _gzipped(frames: Sequence[WireFrame]) -> int:
    wire = "".join(f"data: {frame.text}\n\n" for frame in frames).encode()
    return len(zlib.compress(wire, 6, wbits=31))


def _chunk(text: str) -> str:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return json.dumps(
        {
            "id": "chatcmpl-9f8a7b6c5d4e3f2a1b0c",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": "gpt-6-sol-2026-08-06",
            "choices": [choice],
            "usage": None,
        },
        separators=(",", ":"),
    )
