"""A data folder with sessions whose replies have real frames, and a kept file."""

import hashlib
from pathlib import Path

from replyscope.cli.backup import places_of
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.paths import Paths
from replyscope.domain.exchange import Choice, ReplyImage
from replyscope.domain.import_format import RecordedStream
from replyscope.domain.message import Message, ReplySource, Role, ToolResultPart
from replyscope.domain.session import Session
from replyscope.domain.tool import KeptFile
from replyscope.engine.recorded_stream import session_of_stream
from replyscope.store.backup.making import MadeBackup, make_backup
from tests.support.build import NOON, make_exchange
from tests.support.server import delta, sse, usage

PICTURE = b"\x89PNG not really"


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "data", folder / "config", folder / "logs")


async def filled(folder: Path, sessions: int = 3) -> Wiring:
    """An open archive: recorded replies, one reply with a picture, and a prompt."""
    wiring = wire(paths_in(folder))
    await wiring.store.open()
    for number in range(sessions):
        await add_reply(wiring, f"reply number {number}")
    await add_picture(wiring)
    prompts = wiring.paths.prompts
    prompts.mkdir(parents=True)
    (prompts / "greet.md").write_text("Hello {{ input }}")
    await wiring.review.update_index()
    return wiring


async def add_reply(wiring: Wiring, text: str) -> str:
    """Import a recorded stream. Returns the id of its exchange."""
    frames = tuple(part.decode() for part in sse(delta(text), delta(finish="stop"), usage()))
    stream = RecordedStream(text, NOON, frames)
    shared = session_of_stream(stream, translate_frames)
    await wiring.store.import_session(shared)
    return next(iter(shared.exchanges))


async def add_picture(wiring: Wiring) -> None:
    kept = wiring.paths.kept_files
    kept.mkdir(mode=0o700)
    path = kept / f"{hashlib.sha256(PICTURE).hexdigest()[:16]}.png"
    path.write_bytes(PICTURE)
    image = ReplyImage("image/png", len(PICTURE), path=str(path))
    part = ToolResultPart(
        "c1", "drawn", files=(KeptFile("a.png", "image/png", str(path), len(PICTURE)),)
    )
    await wiring.store.create_session(Session("pictures", "Pictures", NOON, NOON))
    exchange = make_exchange(id="drawing", choices=(Choice(0, "see", images=(image,)),))
    reply = Message("r1", Role.ASSISTANT, (), NOON, sources=(ReplySource("drawing", 0),))
    journal = await wiring.store.begin_exchange("pictures", [reply], exchange)
    await journal.finish(exchange)
    await wiring.store.add_message("pictures", Message("t1", Role.TOOL, (part,), NOON, "r1"))


def backed_up(wiring: Wiring, target: Path) -> MadeBackup:
    return make_backup(places_of(wiring.paths), target, "2026-11-23T12:00:00Z", "0.1.0")
