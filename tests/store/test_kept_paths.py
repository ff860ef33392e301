"""The files of replies and tools: shared by sessions, and deleted with the last of them."""

from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from replyscope.cli.wiring import wire
from replyscope.config.paths import find_paths
from replyscope.domain.exchange import Choice, ExchangeState, ReplyImage
from replyscope.domain.message import Message, ReplySource, Role, ToolResultPart
from replyscope.domain.session import Session
from replyscope.domain.tool import KeptFile
from replyscope.store.library import SqliteLibrary
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import make_exchange

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PATH = "/kept/0123.png"


async def add(store: SqliteStore, name: str, way: str) -> None:
    """A session with the file, as an image of a reply or as a file of a tool."""
    await store.create_session(Session(name, name, AT, AT))
    if way == "reply":
        choice = Choice(0, images=(ReplyImage("image/png", 3, path=PATH),))
        exchange = make_exchange(id=f"{name}-x", state=ExchangeState.COMPLETED, choices=(choice,))
        sources = (ReplySource(exchange.id, 0),)
        reply = Message(f"{name}-a", Role.ASSISTANT, (), AT, sources=sources)
        journal = await store.begin_exchange(name, [reply], exchange)
        await journal.finish(exchange)
    else:
        part = ToolResultPart("c1", "drawn", files=(KeptFile("a.png", "image/png", PATH, 3),))
        await store.add_message(name, Message(f"{name}-t", Role.TOOL, (part,), AT))


@pytest.mark.parametrize(("gone", "stays"), list(product(("reply", "tool"), repeat=2)))
async def test_a_file_is_deleted_with_the_last_session_that_has_it(
    store: SqliteStore, gone: str, stays: str
) -> None:
    await add(store, "gone", gone)
    await add(store, "stays", stays)
    library = SqliteLibrary(lambda: store.database)
    assert (await library.purge(["gone"], AT))[1] == ()
    assert (await library.purge(["stays"], AT))[1] == (PATH,)


async def test_a_file_of_two_purged_sessions_is_listed_once(store: SqliteStore) -> None:
    await add(store, "one", "reply")
    await add(store, "two", "tool")
    _, paths = await SqliteLibrary(lambda: store.database).purge(["one", "two"], AT)
    assert [Path(path) for path in paths] == [Path(PATH)]


async def test_a_purge_deletes_files_of_our_folder_and_passes_over_a_path_with_a_nul(
    tmp_path: Path,
) -> None:
    parts = wire(find_paths(str(tmp_path)))
    kept, outside = parts.paths.kept_files / "0123.png", tmp_path / "outside.png"
    kept.parent.mkdir()
    for path in (kept, outside):
        path.touch()
    await parts.store.open()
    await parts.store.create_session(Session("s", "S", AT, AT))
    files = tuple(
        KeptFile("a", "image/png", path, 0) for path in ("nul\0", str(outside), str(kept))
    )
    part = ToolResultPart("c1", "drawn", files=files)
    await parts.store.add_message("s", Message("t", Role.TOOL, (part,), AT))
    await parts.review.delete(["s"])
    purged = await parts.review.purge(["s"])
    assert purged.sessions == 1
    assert (kept.exists(), outside.exists()) == (False, True)
    await parts.store.close()
