"""A failing store, damaged traffic and a killed process: what can be kept is kept, and told."""

import asyncio
import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import StoreError, StoreRejected
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role
from replyscope.domain.session import StoredSession
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.watched_store import NewCall
from replyscope.engine.recovery import recover
from replyscope.engine.watching import archive as archive_module
from replyscope.engine.watching import call as call_module
from replyscope.engine.watching.gaps import Gap
from replyscope.inspection.explain import explain
from replyscope.provider.opening import translate_frames
from replyscope.provider.watched_wire import WatchedWire
from replyscope.store.frame_codec import frames_as_json
from replyscope.store.library import SqliteLibrary
from replyscope.store.sqlite_store import SqliteStore
from tests.faults.small_disk import small_disk
from tests.support.build import NOON
from tests.watching.programs import PATHS, Program, Said
from tests.watching.watched import JSON, SSE, Watched, answer, chat_stream, open_watched, request_of

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture(autouse=True)
def _retries_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "RETRY_S", 0.05)


@pytest.mark.parametrize("misses", [False, True])
async def test_a_fault_that_found_nothing_to_change_says_so(misses: bool) -> None:
    async with open_watched(None) as watched:
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        for path in ("/chat/completions", "/embeddings"):
            listener = watched.begin(body, path, fault="finish=stop")
            if misses:
                listener.fault_missed()
            answer(listener, chat_stream("Hello"))
            await watched.settle()
    rule = "finish=stop, which found nothing to change" if misses else "finish=stop"
    ((exchange, _),) = watched.ended
    (note,) = exchange.adaptations
    assert note.endswith(f" {rule}.")
    assert watched.listed[0].request.fault == rule


async def limit(watched: Watched, pages: int | None) -> None:
    """Let the file have no more pages, or as many as it likes."""

    def change(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {used + pages if pages else 1_000_000}")

    await watched.store.database.maintain(change)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that the archive does by itself."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - it is not told by an event
            await asyncio.sleep(0.01)


async def test_calls_that_cannot_be_saved_are_saved_when_there_is_room(tmp_path: Path) -> None:
    program = Program()
    history = [Said("Begin", is_user=True)]
    async with open_watched(tmp_path) as watched:
        await limit(watched, 1)
        for number in range(4):
            noise = random.randbytes(3_000).hex()  # it can't be compressed
            reply = Said(f"Reply number {number}. {noise}")
            listener = watched.begin(program.body(history))
            answer(listener, program.reply(reply), size=4_000)
            await until(lambda number=number: len(watched.ended) > number)  # type: ignore[misc]
            history += [reply, Said(f"Question {number}?", is_user=True)]
        assert watched.ended[-1][1] is None
        gap = watched.gaps[-1]
        assert gap.waiting > 0
        assert gap.lost == 0
        assert "no room" in gap.reason
        await limit(watched, None)
        await watched.settle()
        assert watched.gaps[-1].waiting == 0
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
        wires = [await watched.store.load_wire(key) for key in stored.exchanges]
    assert len(stored.branch) == 8
    assert [e.state for e in stored.exchanges.values()] == [ExchangeState.COMPLETED] * 4
    assert [len(wire.frames) for wire in wires] == [
        e.frame_count for e in stored.exchanges.values()
    ]
    assert all(wire.request is not None for wire in wires)


async def test_a_full_disk_loses_nothing_that_fits_in_memory(tmp_path: Path) -> None:
    program = Program(Api.RESPONSES)
    with small_disk(tmp_path / "disk") as disk:
        async with open_watched(disk.folder) as watched:
            await watched.call(
                program.body([Said("First", is_user=True)]), program.reply(Said("1")), "/responses"
            )
            disk.fill()
            listener = watched.begin(program.body([Said("Second", is_user=True)]), "/responses")
            answer(listener, program.reply(Said("word " * 3_000)), size=1_000)
            await until(lambda: len(watched.ended) == 2)
            assert watched.ended[-1][1] is None
            disk.empty()
            await watched.settle()
            assert watched.archive.gap.waiting == 0
            listed = await watched.store.list_sessions()
    assert {summary.title for summary in listed} == {"First", "Second"}
    assert watched.archive.gap.lost == 0


async def test_what_has_no_room_in_memory_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module.Room.__init__, "__defaults__", (100_000,))
    monkeypatch.setattr(call_module, "_USUAL_BACKLOG", 1_000)
    program = Program()
    async with open_watched(tmp_path) as watched:
        await limit(watched, 1)
        large = " ".join(map(str, range(20_000)))
        listener = watched.begin(program.body([Said(large, is_user=True)]))
        listener.responded(200, SSE, 1.0)
        reply = program.reply(Said("words and words " * 500))
        await until(lambda: bool(watched.gaps))
        (call,) = watched.archive.calls
        for start in range(0, len(reply), 500):
            listener.received(reply[start : start + 500], 2.0)
            await until(lambda: not call._inputs)
        listener.ended(None, 3.0)
        await until(lambda: bool(watched.ended))
        await limit(watched, None)
        await watched.settle()
        exchange = watched.ended[0][0]
        wire = await watched.store.load_wire(exchange.id)
    assert exchange.choice(0).text.strip() == "words and words " * 499 + "words and words"
    assert 0 < len(wire.frames) < exchange.frame_count
    assert watched.archive.gap.lost == 1


class _Broken:
    """A store that never works."""

    async def find_places(self, keys: Any) -> Any:
        raise StoreError("It is locked.")

    async def begin_call(self, call: NewCall) -> Any:
        raise StoreRejected("It rejects the row.")

    async def add_places(self, places: Any) -> None:
        raise StoreError("It is locked.")


async def test_a_call_that_the_store_rejects_is_lost_and_told() -> None:
    program = Program()
    broken = _Broken()
    async with open_watched(None, lambda s: replace(s, store=broken)) as watched:
        for _ in range(3):
            listener = watched.begin(program.body([Said("Go", is_user=True)]))
            answer(listener, program.reply(Said("Gone.")))
        await watched.settle()
    assert [e.choice(0).text for e, session in watched.ended if session is None] == ["Gone."] * 3
    assert watched.gaps[-1].lost == 3
    assert watched.gaps[-1].reason == "It rejects the row."
    assert watched.archive.calls == ()


async def test_a_listener_that_fails_changes_nothing(tmp_path: Path) -> None:
    def fail(_request: object, _exchange: Exchange, _session_id: str | None) -> None:
        raise RuntimeError("a fault of the screen")

    program = Program()
    async with open_watched(tmp_path) as watched:
        watched.archive._events = replace(watched.archive._events, on_ended=fail)
        listener = watched.begin(program.body([Said("Go", is_user=True)]))
        answer(listener, program.reply(Said("Gone.")))
        await watched.settle()
        assert len(await watched.store.list_sessions()) == 1
    assert watched.archive.gap.lost == 0


_NAMES = json.loads(
    '["role","content","type","text","messages","input","tools","tool_calls","function","source",'
    '"arguments","id","call_id","name","tool_call_id","system","image_url","data","n","model",'
    '"output","delta","index","choices"]'
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {},
        optional={
            "messages": st.lists(JSON_VALUES, max_size=4),
            "input": JSON_VALUES,
            "system": JSON_VALUES,
            "n": JSON_VALUES,
            "model": JSON_VALUES,
        },
    ).map(lambda value: json.dumps(value).encode()),
)
REPLIES = st.one_of(
    st.binary(max_size=300),
    st.lists(JSON_VALUES, max_size=5).map(
        lambda values: b"".join(b"data: " + json.dumps(v).encode() + b"\n\n" for v in values)
    ),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)


@given(
    st.sampled_from(Api),
    BODIES,
    st.lists(REPLIES, max_size=4),
    st.sampled_from([200, 204, 302, 404, 500]),
    st.sampled_from([SSE, JSON, ()]),
    st.sampled_from([None, "client", "upstream", "words"]),
)
def test_nothing_that_is_sent_or_received_raises(
    api: Api,
    body: bytes,
    parts: list[bytes],
    status: int,
    headers: tuple[tuple[str, str], ...],
    fault: str | None,
) -> None:
    async def run() -> Watched:
        async with open_watched(None) as watched:
            listener = watched.begin(body, PATHS[api])
            listener.responded(status, headers, 1.0)
            for part in parts:
                listener.received(part, 2.0)
            listener.ended(fault, 3.0)
            await watched.settle()
            ((exchange, session_id),) = watched.ended
            assert exchange.state.is_terminal
            assert session_id is not None
            stored = await watched.session(session_id)
            assert stored.exchanges[exchange.id].state is exchange.state
            wire = await watched.store.load_wire(exchange.id)
            assert wire.request is not None
            assert wire.request.body == body
            return watched

    assert asyncio.run(run()).archive.gap.lost == 0


async def test_a_call_without_a_response_has_failed(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(tmp_path) as watched:
        listener = watched.begin(program.body([Said("Go", is_user=True)]))
        listener.ended("the server refused the connection", 5.0)
        await watched.settle()
    ((exchange, _),) = watched.ended
    assert exchange.state is ExchangeState.TRUNCATED
    assert exchange.failure is not None
    assert "the server refused the connection" in exchange.failure.message


async def test_an_incomplete_copy_is_no_fault_of_the_reply(tmp_path: Path) -> None:
    program, lack = Program(), "The body can't be read: its content encoding is 'br'."
    async with open_watched(tmp_path) as watched:
        listener = watched.begin(program.body([Said("Go", is_user=True)]))
        listener.responded(200, SSE, 1.0)
        listener.ended(None, 5.0, lack)
        await watched.settle()
    ((exchange, session_id),) = watched.ended
    assert session_id is not None
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.failure is None
    assert explain(exchange).sentence == f"Not all of this reply is recorded. {lack}"


@pytest.mark.parametrize("api", list(Api))
async def test_a_program_that_leaves_cancels_the_reply(tmp_path: Path, api: Api) -> None:
    program = Program(api)
    reply = program.reply(Said("A long answer."))
    async with open_watched(tmp_path) as watched:
        body = program.body([Said("Go", is_user=True)])
        exchange, _ = await watched.call(
            body, reply[: len(reply) // 2], program.path, fault="client"
        )
        whole, _ = await watched.call(body, reply, program.path, fault="client")
    assert exchange.state is ExchangeState.CANCELLED
    assert exchange.choice(0).finish_reason is FinishReason.CANCELLED
    assert exchange.failure is None
    assert whole.choice(0).finish_reason is FinishReason.STOP


async def test_keys_are_masked_everywhere(tmp_path: Path) -> None:
    program = Program()
    body = program.body([Said("Go", is_user=True)], metadata={"key": KEY})
    async with open_watched(tmp_path) as watched:
        echo = program.reply(Said(f"Your key is {KEY} ."))
        headers = (*SSE, ("x-echo", KEY), ("set-cookie", "secret"))
        sent = (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY))
        exchange, session_id = await watched.call(
            body, echo, headers=headers, secrets=(KEY,), query=f"api-key={KEY}",
            headers_sent=sent, client=replace(request_of({}).client, command=f"agent {KEY}"),
        )  # fmt: skip
        refused = json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode()
        failed, _ = await watched.call(body, refused, status=401, headers=JSON, secrets=(KEY,))
        wire = await watched.store.load_wire(exchange.id)
        shared = await watched.store.load_shared(session_id, with_wire=True)
    assert KEY not in repr((exchange, failed, wire, shared))
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in data
    with contextlib.closing(sqlite3.connect(tmp_path / "sessions.db")) as connection:
        pieces = connection.execute("SELECT data FROM piece").fetchall()
        frames = connection.execute("SELECT frames FROM segment").fetchall()
        folded = connection.execute("SELECT folded FROM exchange").fetchall()
    texts = [zlib.decompress(packed) for (packed,) in (*pieces, *folded)]
    texts += [frames_as_json(packed) for (packed,) in frames]
    assert not [text for text in texts if KEY.encode() in text]


async def test_a_private_archive_writes_nothing(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(None) as watched:
        _, session_id = await watched.call(
            program.body([Said("Go", is_user=True)]), program.reply(Said("Gone."))
        )
        assert watched.store.is_private
        assert watched.store.holds(session_id)  # type: ignore[attr-defined]
        stored = await watched.session(session_id)
        await watched.store.forget_session(session_id, NOON)  # type: ignore[attr-defined]
        assert await watched.store.list_sessions() == ()
    assert len(stored.branch) == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_purge_leaves_nothing(tmp_path: Path) -> None:
    program = Program()
    history = [Said("A secret matter", is_user=True)]
    async with open_watched(tmp_path) as watched:
        for number in range(3):
            call = (f"call_{number}", "look", {"at": number})
            reply = Said(f"The secret answer {number}", (call,))
            _, session_id = await watched.call(program.body(history), program.reply(reply))
            history += [reply, Said(results=((call[0], "secret"),))]
        purged, _ = await SqliteLibrary(lambda: watched.store.database).purge([session_id], NOON)
        assert purged.exchanges == 3
        counts = await watched.store.database.read(
            lambda c: {
                name: c.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for name in ("session", "message", "exchange", "place", "piece", "segment")
            }
        )
        assert set(counts.values()) == {0}
        history[-1] = Said(results=(("call_2", "seen"),))
        _, again = await watched.call(program.body(history), program.reply(Said("Anew.")))
        assert again != session_id


async def test_a_session_that_is_purged_during_a_call_loses_only_it(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(tmp_path) as watched:
        listener = watched.begin(program.body([Said("Go", is_user=True)]))
        listener.responded(200, SSE, 1.0)
        await until(lambda: any(call.session_id for call in watched.archive.calls))
        (call,) = watched.archive.calls
        assert call.session_id is not None
        session_id = call.session_id
        async with asyncio.timeout(20):
            while not await watched.store.list_sessions():  # noqa: ASYNC110 - nor this
                await asyncio.sleep(0.01)
        await SqliteLibrary(lambda: watched.store.database).purge([session_id], NOON)
        answer(listener, program.reply(Said("Gone.")))
        await watched.settle()
        assert await watched.store.list_sessions() == ()
        await watched.call(program.body([Said("More", is_user=True)]), program.reply(Said("On.")))


async def _recovered(folder: Path) -> StoredSession:
    """The only session, after the recovery of the next start."""
    store = SqliteStore(folder / "sessions.db", "later")
    await store.open()
    try:
        assert await recover(store, translate_frames) == 1
        (summary,) = await store.list_sessions()
        return await store.load_session(summary.id)
    finally:
        await store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_a_killed_process_leaves_the_part_that_arrived(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.watching.streaming", str(tmp_path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    assert process.stdout is not None
    wanted = random.Random(1).randrange(80, 200)
    arrived = next(n for n in map(int, process.stdout) if n >= wanted)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stored = asyncio.run(_recovered(tmp_path))
    (exchange,) = stored.exchanges.values()
    assert [m.role for m in stored.branch] == [Role.USER, Role.ASSISTANT]
    assert exchange.state is ExchangeState.TRUNCATED
    assert exchange.failure is not None
    assert exchange.failure.kind == "interrupted"
    kept = exchange.choice(0).text.split()
    assert kept == [f"w{number}" for number in range(len(kept))]
    assert len(kept) > arrived / 4
    assert stored.session.source == "watch"


def test_reading_an_endless_frame_is_bounded() -> None:
    reader = WatchedWire().reply(request_of({}), Api.CHAT, ThinkTags.AUTO)
    reader.responded(200, SSE, 1.0)
    events = [e for _ in range(40) for e in reader.received(b"data: " + b"x" * 1024**2, 2.0)]
    end = [*events, *reader.ended(None, 3.0)][-1]
    assert "more than 32 MB" in repr(end)


async def test_a_slow_disk_loses_no_call_at_the_end(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(tmp_path) as watched:
        free = threading.Event()
        slow = asyncio.create_task(watched.store.database.write(lambda _: free.wait(20)))
        listener = watched.begin(program.body([Said("Begin", is_user=True)]))
        answer(listener, program.reply(Said("A reply.")))
        closing = asyncio.create_task(watched.archive.close(0.01, hung_s=1_000))
        await asyncio.wait((closing,), timeout=0.1)
        assert not closing.done()
        free.set()
        await asyncio.gather(slow, closing)
        assert watched.archive.gap == Gap(0, 0, "")
        assert len(await watched.store.list_sessions()) == 1


async def test_a_disk_that_hangs_ends_the_wait(tmp_path: Path) -> None:
    program = Program()
    async with open_watched(tmp_path) as watched:
        free = threading.Event()
        slow = asyncio.create_task(watched.store.database.write(lambda _: free.wait(20)))
        answer(watched.begin(program.body([Said("Begin", is_user=True)])), b"")
        await watched.archive.close(0.01, hung_s=0.1)
        assert watched.archive.gap.lost == 1
        free.set()
        await slow


async def test_a_reply_is_found_although_the_disk_is_behind(tmp_path: Path) -> None:
    program = Program()
    first, said = Said("Begin", is_user=True), Said("A reply of more than a few letters.")
    async with open_watched(tmp_path) as watched:
        await watched.store.list_sessions()
        free = threading.Event()
        slow = asyncio.create_task(watched.store.database.write(lambda _: free.wait(20)))
        answer(watched.begin(program.body([first])), program.reply(said))
        history = [first, said, Said("And then?", is_user=True)]
        answer(watched.begin(program.body(history)), program.reply(Said("The end.")))
        await until(lambda: all(call.session_id for call in watched.archive.calls))
        free.set()
        await slow
        await watched.settle()
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
    assert [e.adaptations for e in stored.exchanges.values()] == [(), ()]
