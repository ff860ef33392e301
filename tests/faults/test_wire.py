"""Each row of what servers and ways to them do wrong, over both APIs, from the send to the
disk: what came is kept, the state is right, the next message is answered.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.provider import frames
from replyscope.store.sqlite_store import SqliteStore
from tests.faults.bench import open_bench
from tests.faults.server import Script, Wire, fault_server
from tests.provider.test_errors import begun, whole
from tests.support.build import open_chat
from tests.support.server import delta, sse
from tests.support.suite import Suite

COMPLETED, TRUNCATED, FAILED = (
    ExchangeState.COMPLETED,
    ExchangeState.TRUNCATED,
    ExchangeState.FAILED,
)
BOTH = pytest.mark.parametrize("api", SENDABLE)
JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Row:
    """What the server does, and what is to be known of it afterwards."""

    script: Script
    state: ExchangeState
    kind: str | None
    word: str = ""
    keeps: bool = True
    """Whether something came that has to be there."""


def streams(*tail: bytes, ends: Callable[[Wire], None] | None = None) -> Script:
    """A reply that begins, and what comes instead of its rest."""

    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"".join([*begun(wire.api), *tail]))
        if ends is None:
            await wire.end()
        else:
            ends(wire)

    return script


def within(noise: bytes) -> Script:
    """A whole reply with something in its midst that says nothing."""

    async def script(wire: Wire) -> None:
        first, *rest = whole(wire.api)
        await wire.head()
        await wire.send(b"".join([first, noise, *rest]))
        await wire.end()

    return script


def answers(body: bytes, status: bytes = b"200 OK", kind: bytes = JSON) -> Script:
    """An answer that is no stream."""

    async def script(wire: Wire) -> None:
        await wire.head(status, kind, b"x-request-id: req_7")
        await wire.send(body)
        await wire.end()

    return script


def says(message: str, **more: str) -> bytes:
    return json.dumps({"error": {"message": message, **more}}).encode()


async def short(wire: Wire) -> None:
    await wire.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    await wire.raw(b"content-length: 99999\r\n\r\n" + b"".join(begun(wire.api)))
    wire.cut()


async def bad_chunk(wire: Wire) -> None:
    await wire.head()
    await wire.send(b"".join(begun(wire.api)))
    await wire.raw(b"zz\r\n")


async def no_blank_line(wire: Wire) -> None:
    made = whole(wire.api)
    if wire.api is Api.CHAT:
        made = made[:-1]
    await wire.head()
    await wire.send(b"".join(made).rstrip(b"\n"))
    await wire.end()


async def not_text(wire: Wire) -> None:
    await wire.head()
    await wire.send(b"".join(whole(wire.api)).replace(b"half", b"ha\xfflf"))
    await wire.end()


async def gap(wire: Wire) -> None:
    await wire.head()
    await wire.send(b"".join(begun(wire.api)))
    await wire.stall()


async def mute(wire: Wire) -> None:
    await wire.stall()


async def hangs_up(wire: Wire) -> None:
    wire.cut()


async def no_http(wire: Wire) -> None:
    await wire.raw(b"220 mail.example.org ESMTP\r\n")
    wire.cut()


async def not_gzip(wire: Wire) -> None:
    await wire.head(b"200 OK", b"text/event-stream", b"content-encoding: gzip")
    await wire.send(b"".join(whole(wire.api)))
    await wire.end()


async def many_headers(wire: Wire) -> None:
    await wire.raw(b"HTTP/1.1 200 OK\r\n" + b"x-more: and more\r\n" * 100_000 + b"\r\n")


async def endless_error(wire: Wire) -> None:
    await wire.head(b"500 No", b"text/plain")
    await wire.send(b"It never stops. ")
    while True:
        await wire.send(b"and on " * 10_000)


async def error_event(wire: Wire) -> None:
    said = {"message": "The model overheated.", "code": "server_error"}
    flat = {"type": "error", **said}
    await wire.head()
    tail = {"error": said} if wire.api is Api.CHAT else flat
    await wire.send(b"".join([*begun(wire.api), *sse(tail, done=False)]))
    await wire.end()


async def quota_event(wire: Wire) -> None:
    said = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    tail = {"error": said} if wire.api is Api.CHAT else {"type": "error", "error": said}
    await wire.head()
    await wire.send(b"".join(sse(tail, done=False)))
    await wire.end()


PAGE = b"<!doctype html><title>Welcome</title>"
ROWS = {
    "cut": Row(streams(ends=Wire.cut), TRUNCATED, "interrupted", "was interrupted"),
    "reset": Row(streams(ends=Wire.reset), TRUNCATED, "interrupted", "was interrupted"),
    "short": Row(short, TRUNCATED, "interrupted", "was interrupted"),
    "bad_chunk": Row(bad_chunk, TRUNCATED, "interrupted", "was interrupted"),
    "silent_end": Row(streams(), TRUNCATED, None),
    "no_blank_line": Row(no_blank_line, COMPLETED, None),
    "half_json": Row(streams(b'data: {"ha'), TRUNCATED, "interrupted", "middle of a frame"),
    "garbage": Row(streams(b"data: {garbage\n\n"), FAILED, "garbled", "not JSON"),
    "page": Row(answers(PAGE, kind=b"text/html"), FAILED, "not_a_stream", "Welcome", keeps=False),
    "words": Row(answers(b'"oops"'), FAILED, "not_a_stream", "oops", keeps=False),
    "empty": Row(answers(b"", kind=b"text/event-stream"), TRUNCATED, "empty", keeps=False),
    "json_error": Row(answers(says("no such deal")), FAILED, "server", "deal", keeps=False),
    "ping": Row(within(b"event: ping\n\n"), COMPLETED, None),
    "comment": Row(within(b": hello\n\n"), COMPLETED, None),
    "empty_data": Row(within(b"data:\n\n"), COMPLETED, None),
    "retry": Row(within(b"retry: 100\n\n"), COMPLETED, None),
    "null": Row(within(b"data: null\n\n"), COMPLETED, None),
    "list": Row(within(b"data: [1]\n\n"), COMPLETED, None),
    "string": Row(within(b'data: "a string"\n\n'), COMPLETED, None),
    "number": Row(within(b"data: 12\n\n"), COMPLETED, None),
    "not_text": Row(not_text, COMPLETED, None),
    "error_event": Row(error_event, FAILED, "server_error_in_stream", "overheated"),
    "quota_event": Row(quota_event, FAILED, "quota", "quota", keeps=False),
    "gap": Row(gap, TRUNCATED, "timeout", "sent no part of a reply"),
    "mute": Row(mute, FAILED, "timeout", "sent no data in time", keeps=False),
    "hangs_up": Row(hangs_up, FAILED, "interrupted", "was interrupted", keeps=False),
    "no_http": Row(no_http, FAILED, "interrupted", "was interrupted", keeps=False),
    "not_gzip": Row(not_gzip, FAILED, "not_a_stream", "decompressed", keeps=False),
    "many_headers": Row(many_headers, FAILED, "interrupted", "was interrupted", keeps=False),
    "key": Row(
        answers(says("Wrong key"), b"401 No"), FAILED, "authentication", "Wrong", keeps=False
    ),
    "slow_down": Row(
        answers(says("Slow down"), b"429 No"), FAILED, "rate_limit", "Slow", keeps=False
    ),
    "quota": Row(
        answers(says("Empty", code="insufficient_quota"), b"429 No"),
        FAILED,
        "quota",
        "Empty",
        keeps=False,
    ),
    "boom": Row(answers(says("boom"), b"500 No"), FAILED, "server", "boom", keeps=False),
    "page_500": Row(
        answers(PAGE, b"502 No", b"text/html"), FAILED, "server", "Welcome", keeps=False
    ),
    "endless_500": Row(endless_error, FAILED, "server", "It never stops", keeps=False),
    "list_500": Row(answers(b'["broken"]', b"500 No"), FAILED, "server", "500", keeps=False),
}


@BOTH
async def test_each_row_of_the_table(api: Api, suite: Suite, store: SqliteStore) -> None:
    scripts = {name: row.script for name, row in ROWS.items()}
    async with (
        fault_server(**scripts) as server,
        open_bench(store, server.base_url, api) as bench,
        open_bench(store, server.base_url, api, timeout_s=1.0) as hasty,
    ):
        for name, row in ROWS.items():
            bench.broken = hasty.provider if row.kind == "timeout" else None
            left = await bench.run(f"case:{name}:0:0")
            exchange = left.exchange
            assert exchange.state is row.state, (name, exchange)
            if row.keeps:
                assert exchange.choice(0).text.replace("\ufffd", "") == "half", name
            if row.kind is None:
                assert exchange.failure is None, (name, exchange.failure)
                continue
            assert exchange.failure is not None, name
            assert exchange.failure.kind == row.kind, (name, exchange.failure)
            assert row.word in exchange.failure.message, (name, exchange.failure)
            assert "127.0.0.1" in exchange.failure.message, (name, exchange.failure)
    assert await store.check_integrity() is None
    suite.say(f"{len(ROWS)} things that servers do wrong over {api.value}: each kept and told")


@BOTH
@pytest.mark.parametrize(
    ("url", "key", "kind"),
    [
        ("http://127.0.0.1:9/v1", "sk-planted", "unreachable"),
        ("http://no-such-host.invalid/v1", "sk-planted", "unreachable"),
        ("ftp://127.0.0.1/v1", "sk-planted", "bad_url"),
        ("https://127.0.0.1:{port}/v1", "sk-planted", "tls"),
        ("http://127.0.0.1:{port}/v1", "sk-planted\nkey", "bad_key"),
        ("http://127.0.0.1:{port}/v1", "sk-ключ", "bad_key"),
    ],
)
async def test_a_way_that_leads_nowhere_keeps_the_prompt(
    api: Api, url: str, key: str, kind: str, store: SqliteStore, tmp_path: Path
) -> None:
    async with fault_server() as server, open_bench(store, server.base_url, api) as bench:
        there = url.format(port=server.port)
        async with open_chat(there, bench.clock, api=api, key=key) as broken:
            bench.broken = broken
            left = await bench.run("the prompt that must stay")
    assert left.exchange.state is FAILED
    assert left.exchange.failure is not None
    assert left.exchange.failure.kind == kind, left.exchange.failure
    assert b"planted" not in (tmp_path / "sessions.db").read_bytes()


@BOTH
async def test_a_line_without_end_is_not_read_for_ever(
    api: Api, suite: Suite, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = suite.count(64 * 1024 * 1024, least=4 * 1024 * 1024)
    monkeypatch.setattr("replyscope.domain.sse.MOST_FRAME", most)

    async def endless(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"".join(begun(wire.api)) + b"data: ")
        while True:
            await wire.send(b"x" * 1_000_000)

    async with (
        fault_server(endless=endless) as server,
        open_bench(store, server.base_url, api) as bench,
    ):
        left = await bench.run("case:endless:0:0")
    assert left.exchange.failure is not None
    assert left.exchange.failure.kind == "flood"
    assert left.exchange.choice(0).text == "half"
    assert len(left.wire) < 100_000
    suite.say(f"a line without end over {api.value}: left after {most // 1024**2} MB, and told")


@BOTH
async def test_frames_that_say_nothing_are_not_read_for_ever(
    api: Api, suite: Suite, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = suite.count(frames.MOST_EMPTY, least=5_000)
    monkeypatch.setattr(frames, "MOST_EMPTY", most)

    async def endless(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"".join(begun(wire.api)))
        while True:
            await wire.send(b": still here\n\n" * 1_000)

    async with (
        fault_server(endless=endless) as server,
        open_bench(store, server.base_url, api) as bench,
    ):
        left = await bench.run("case:endless:0:0")
    assert left.exchange.failure is not None
    assert left.exchange.failure.kind == "flood"
    assert left.exchange.choice(0).text == "half"
    suite.say(f"comments without end over {api.value}: left after {most:,}, and told")


async def test_a_million_tiny_frames_are_all_kept_in_little_memory(
    suite: Suite, store: SqliteStore
) -> None:
    count = suite.count(1_000_000)
    piece = sse(delta("x"), done=False)[0]

    async def flood(wire: Wire) -> None:
        await wire.head()
        for _ in range(count // 1_000):
            await wire.send(piece * 1_000)
        await wire.send(b"".join(sse(delta(finish="stop"))))
        await wire.end()

    async with (
        fault_server(flood=flood) as server,
        open_bench(store, server.base_url, Api.CHAT) as bench,
    ):
        await bench.run("case:plain:0:0")
        before = memory()
        left = await bench.run("case:flood:0:0", with_wire=False)
        grown = memory() - before
    assert left.exchange.state is COMPLETED
    assert len(left.exchange.choice(0).text) == count // 1_000 * 1_000
    assert left.exchange.frame_count == count // 1_000 * 1_000 + 2
    assert grown < 150_000_000
    suite.say(f"{count:,} tiny frames: all kept, with {grown / 1e6:.0f} MB more memory")


def memory() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
