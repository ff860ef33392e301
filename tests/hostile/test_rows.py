"""One bad reply never spoils the others: whatever the fold makes and whatever a row holds.

Exchanges are folded from events with hostile texts and numbers and saved in one archive with
a sound reply; then every command that reads the archive is run. A row is damaged by hand, and
costs itself.
"""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from replyscope.domain import event as events
from replyscope.domain.event import RequestSent, StreamEnded, WireFrame
from replyscope.domain.exchange import (
    Api,
    Citation,
    Exchange,
    OutputItem,
    ReplyImage,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session
from replyscope.domain.tool import ToolCallState
from replyscope.store.codec import decode_exchange, encode_exchange
from replyscope.store.sqlite_store import SqliteStore
from tests.hostile.bounds import examine
from tests.hostile.here import Done, run_here
from tests.support.build import NOON, make_exchange
from tests.support.suite import Suite

_ODD = (
    "\ud800", "\udfff", "a\udc80b", "\ud83d\ude00", "\0", "a\0b", "\x1b]0;x\x07", "\u202e", "\xff",
    "'; DROP TABLE fact; --", "%s {0}", "]]>", "</script>", "\x1f\x1e", "\r", "\u2028", "",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(_ODD),
    st.text(st.characters(), max_size=12),
    st.lists(st.sampled_from(_ODD), max_size=4).map("x".join),
)
KNOWN = st.none() | TEXTS
COUNTS: st.SearchStrategy[Any] = st.none() | st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from((0, 1, 2**31, 2**62, 2**63 - 1, 2**63, 10**400, -1, 1e300, 1.5, True)),
)
MEASURES: st.SearchStrategy[Any] = st.none() | st.one_of(
    st.floats(), st.sampled_from((-1.0, 0.0, 1e308, float("inf"), float("nan"), 10**400))
)
PLACES = st.one_of(st.integers(0, 2), st.sampled_from((-1, 2**31, 2**63 - 1, -(2**63) + 1)))
JSONS = st.sampled_from(
    ("{}", "[]", "", "{", '{"a": "\\ud800"}', '{"a": 1e999}', "\ud800", "9" * 5_000)
)
CALLS = st.builds(
    ToolCall, TEXTS, st.sampled_from(("function", "custom", "mcp_call")) | TEXTS, TEXTS,
    TEXTS | JSONS, st.sampled_from(ToolCallState), KNOWN, MEASURES, KNOWN, JSONS,
)  # fmt: skip
CITATIONS = st.builds(Citation, TEXTS, KNOWN, KNOWN, KNOWN, PLACES, PLACES)
FAILURES = st.builds(Failure, TEXTS, TEXTS, TEXTS)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
HEADERS = st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)
EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(events.RequestAdapted, TEXTS),
    st.builds(events.ResponseOpened, st.integers(100, 999), HEADERS, KNOWN),
    st.builds(WireFrame, st.floats(0, 1e6), TEXTS),
    st.builds(events.Identified, KNOWN, KNOWN, KNOWN, KNOWN, st.none() | st.booleans(), KNOWN),
    st.builds(events.TextDelta, PLACES, TEXTS),
    st.builds(events.ReasoningDelta, PLACES, TEXTS),
    st.builds(events.RefusalDelta, PLACES, TEXTS),
    st.builds(events.ToolCallDelta, PLACES, PLACES, KNOWN, KNOWN, TEXTS | JSONS),
    st.builds(events.ToolCallReported, PLACES, PLACES, CALLS),
    st.builds(events.FieldsReported, PLACES, JSONS),
    st.builds(events.ImageReported, PLACES, st.builds(ReplyImage, TEXTS, st.none(), TEXTS, TEXTS)),
    st.builds(events.SectionStarted, PLACES, KNOWN),
    st.builds(events.CitationAdded, PLACES, CITATIONS),
    st.builds(
        events.ItemReported, PLACES, PLACES, st.builds(OutputItem, PLACES, TEXTS, JSONS | TEXTS)
    ),
    st.builds(
        events.StatusStated, TEXTS | st.sampled_from(("completed", "failed")), KNOWN, KNOWN, KNOWN
    ),
    st.builds(events.UnknownEventSeen, TEXTS),
    st.builds(events.FrameSkipped, TEXTS),
    st.builds(events.RetryScheduled, FAILURES, st.floats(0, 60)),
    st.builds(events.FinishStated, PLACES, TEXTS | st.sampled_from(("stop", "tool_calls")), KNOWN),
    st.builds(events.UsageReported, USAGES, MEASURES),
    st.builds(events.ExtraReported, TEXTS, JSONS),
)  # fmt: skip
ENDS = st.builds(
    StreamEnded,
    st.sampled_from([end for end in StreamEnd if end is not StreamEnd.DETACHED]),
    st.floats(0, 1e7) | st.sampled_from((1e300,)),
    st.none() | FAILURES,
)
Made = tuple[Exchange, list[Any]]


def made_of(api: Api, model: str, found: list[Any], end: StreamEnded) -> Made:
    return fold_events(make_exchange(api=api, model=model), [*found, end]), found


MADE = st.builds(made_of, st.sampled_from(Api), TEXTS, st.lists(EVENTS, max_size=25), ENDS)
FORMS = ("md", "json", "jsonl", "html")
ONE = ("sse", "curl", "python")


async def save(folder: Path, made: Sequence[Made]) -> None:
    """Each in a session of its own, as a live reply is saved."""
    store = SqliteStore(folder / "data" / "sessions.db", "writer")
    await store.open()
    for number, (exchange, found) in enumerate(made):
        name = f"session{number}"
        title = exchange.answered_model or exchange.model
        await store.create_session(Session(name, title, NOON, NOON))
        asked = Message(f"{name}-u", Role.USER, (TextPart(title),), NOON)
        await store.add_message(name, asked)
        exchange = replace(exchange, id=f"{name}-x")
        choices = exchange.choices or (exchange.choice(0),)
        replies = [
            Message(f"{name}-a{n}", Role.ASSISTANT, (), NOON, asked.id, (source,))
            for n, source in enumerate(ReplySource(exchange.id, c.index) for c in choices)
        ]
        journal = await store.begin_exchange(name, replies, exchange)
        body = json.dumps({"model": title, "messages": [{"content": title}] * 3}).encode()
        header = ("x-name", title)
        await journal.record_request(RequestSent("POST", f"http://h/{title}", (header,), body))
        await journal.append([one for one in found if isinstance(one, WireFrame)])
        await journal.finish(exchange)
    await store.close()


def sound_reply() -> Made:
    found: list[Any] = [
        WireFrame(1.0, "data: x\n\n"),
        events.TextDelta(0, "needle"),
        events.FinishStated(0, "stop"),
        events.UsageReported(Usage(2**62, 2**62, 2**63 - 1), 0.5),
    ]
    return fold_events(make_exchange(), [*found, StreamEnded(StreamEnd.DONE, 2.0)]), found


@contextmanager
def archive(made: Sequence[Made]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "data").mkdir()
        asyncio.run(save(Path(name), made))
        yield Path(name)


def ok(folder: Path, *arguments: str) -> Done:
    done = run_here(folder, *arguments)
    assert done.status == 0, (arguments, done.stderr)
    return done


def read_all(folder: Path, count: int) -> int:
    """Every command that reads the archive; how many were run."""
    commands: list[tuple[str, ...]] = [
        ("sessions", "list"), ("sessions", "list", "--json"),
        ("sessions", "search", "needle"), ("sessions", "search", ""),
        *(("sessions", "search", "", "--json", "--sort", by) for by in ("tokens", "cost", "ttft")),
        ("stats",), ("stats", "--json"), ("responses", "list"),
        *(("sessions", "export", "--query", "", "--format", form) for form in FORMS),
        *(("sessions", "export", "--query", "", "--redact", "--format", form) for form in FORMS),
        ("doctor", "--repair"),
    ]  # fmt: skip
    for number in range(count):
        name = f"session{number}"
        commands += [("sessions", "show", name), ("sessions", "show", name, "--json")]
        commands += [("sessions", "export", f"{name}-x", "--format", form) for form in ONE[1:]]
    for command in commands:
        done = ok(folder, *command)
        if "--json" in command or command[-1] == "json":
            json.loads(done.stdout, parse_constant=pytest.fail)
        done.stdout.encode("utf-8", "replyscope-replace")
    assert "session0" in ok(folder, "sessions", "search", "needle").stdout
    file = folder / "all.json"
    ok(folder, "sessions", "export", "--query", "", "--format", "json", "-o", str(file))
    ok(folder, "sessions", "import", str(file), "--data-dir", str(folder / "other"))
    listed = json.loads(
        ok(folder, "sessions", "list", "--json", "--data-dir", str(folder / "other")).stdout
    )
    assert len(listed) == count
    return len(commands) + 3


@pytest.mark.timeout(0)
def test_any_exchange_that_the_fold_makes_can_be_kept_found_counted_and_exported(
    suite: Suite,
) -> None:
    tried = commands = 0

    @settings(
        max_examples=suite.count(200, least=4), deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @seed(suite.seed)
    @given(st.lists(MADE, min_size=3, max_size=8))
    def check(made: list[Made]) -> None:
        nonlocal tried, commands
        tried += len(made)
        with archive([sound_reply(), *made]) as folder:
            commands += read_all(folder, len(made) + 1)

    check()
    suite.say(f"{tried:,} hostile replies in archives, {commands:,} commands: all were read")


def _paired(value: Any) -> Any:
    """The value, with both halves of a character joined, as JSON does it."""
    if isinstance(value, str):
        return value.replace("\ud83d\ude00", "😀")
    if isinstance(value, tuple):
        return tuple(map(_paired, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **{f.name: _paired(getattr(value, f.name)) for f in fields(value)})


def test_any_exchange_that_the_fold_makes_is_decoded_as_it_was(suite: Suite) -> None:
    """Nothing that is empty, and nothing odd, is lost or keeps the row from being read."""

    def check(made: Made) -> None:
        # A surrogate pair becomes one character in JSON.
        first = decode_exchange(encode_exchange(_paired(made[0])))
        assert first == _paired(made[0])

    tried = examine(suite, MADE, 5_000, check)
    suite.say(f"{tried:,} hostile replies: decoded as they were encoded")


DAMAGE = (b"", b"\x00", b"no zlib", b"\x78\x01\x03\x00\x00\x00\x00\x01")
TEXT_DAMAGE = ("", "{", "[1]", '{"parts": 1}', "null", "\x00")
COLUMNS: dict[tuple[str, str], Sequence[object]] = {
    ("exchange", "folded"): DAMAGE,
    ("segment", "frames"): DAMAGE,
    ("request", "pieces"): (b"", b"12345678", b"1"),
    ("request", "headers"): TEXT_DAMAGE,
    ("body", "texts"): DAMAGE,
    ("message", "parts"): TEXT_DAMAGE,
    ("session", "settings"): TEXT_DAMAGE,
    ("session", "created_at"): (-(2**63), 2**63 - 1),
    ("session", "updated_at"): (-(2**63), 2**63 - 1),
    ("exchange", "started_at"): (-(2**63), 2**63 - 1),
    ("fact", "started_at"): (-(2**63), 2**63 - 1),
    ("fact", "tokens"): (2**63 - 1,),
    ("exchange", "cost_usd"): (float("inf"), 1e308),
    ("session", "title"): ("CAST(x'fffe41' AS TEXT)",),
    ("exchange", "model"): ("CAST(x'80' AS TEXT)",),
}
UNREADABLE = ("folded", "frames", "headers", "parts")


ROW = {
    "message": "id = 'session1-u'",
    "session": "id = 'session1'",
    "exchange": "id = 'session1-x'",
    "body": "id = (SELECT id FROM fact WHERE exchange_id = 'session1-x')",
}


def damage(folder: Path, table: str, column: str, value: object) -> None:
    """Put a value into the row of the second session."""
    is_sql = isinstance(value, str) and value.startswith("CAST")
    given, values = (value, ()) if is_sql else ("?", (value,))
    where = ROW.get(table, "exchange_id = 'session1-x'")
    with closing(sqlite3.connect(folder / "data" / "sessions.db", isolation_level=None)) as file:
        done = file.execute(f"UPDATE {table} SET {column} = {given} WHERE {where}", values)
    assert done.rowcount == 1


def other_reply() -> Made:
    found: list[Any] = [WireFrame(1.0, "data: y\n\n"), events.TextDelta(0, "haystack")]
    return fold_events(make_exchange(), [*found, StreamEnded(StreamEnd.CLOSED, 2.0)]), found


def test_a_damaged_row_costs_itself_and_is_named(suite: Suite) -> None:
    cases = [(*place, value) for place, values in COLUMNS.items() for value in values]
    cases = suite.dice("rows").sample(cases, suite.count(len(cases), least=6))
    for table, column, value in cases:
        with archive([sound_reply(), other_reply(), sound_reply()]) as folder:
            ok(folder, "sessions", "search", "needle")
            damage(folder, table, column, value)
            _still_reads(folder, f"{table}.{column} = {value!r}")
            repaired = run_here(folder, "doctor", "--repair")
            is_named = "unreadable" in repaired.stdout and "session1" in repaired.stdout
            assert is_named == (repaired.status != 0)
            if column in UNREADABLE:
                assert is_named, (table, column, value, repaired.stdout)
                assert "session1" in run_here(folder, "doctor").stdout
            _still_reads(folder, f"{table}.{column} = {value!r}, repaired")
    suite.say(f"{len(cases)} damaged rows: each cost itself, and doctor named those unreadable")


def found_words(folder: Path) -> str:
    return ok(folder, "sessions", "search", "text:haystack").stdout


def _still_reads(folder: Path, what: str) -> None:
    listed = json.loads(ok(folder, "sessions", "list", "--json").stdout)
    assert len(listed) == 3, what
    found = ok(folder, "sessions", "search", "needle").stdout
    assert "session0" in found, what
    assert "session2" in found, what
    has_words = "body" in what or "folded" in what or "haystack" in found_words(folder)
    assert has_words, what
    for command in (("stats",), ("sessions", "show", "session1"), ("sessions", "list")):
        ok(folder, *command)
    for form in FORMS:
        ok(folder, "sessions", "export", "--query", "", "--format", form)


def test_the_index_is_made_anew_where_it_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    asyncio.run(save(tmp_path, [sound_reply(), other_reply()]))
    ok(tmp_path, "sessions", "search", "needle")
    with closing(sqlite3.connect(tmp_path / "data" / "sessions.db", isolation_level=None)) as file:
        file.execute("DELETE FROM search_1_data")
        file.execute("DELETE FROM body")
    done = ok(tmp_path, "doctor", "--repair")
    assert "rebuilt from 2 replies" in done.stdout
    assert "session0" in ok(tmp_path, "sessions", "search", "needle").stdout
    assert "session1" in ok(tmp_path, "sessions", "search", "haystack").stdout


def test_counts_that_were_saved_before_they_were_checked_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    exchange, found = sound_reply()
    timing = replace(exchange.timing, longest_pause_ms=float("inf"), first_token_ms=float("nan"))
    usage = Usage(2**63, 10**400, -1, 1.5, True, 7)  # type: ignore[arg-type]
    bad = replace(
        exchange, usage=usage, timing=timing, reported_cost_usd=float("nan"), response_id="a\ud800",
        answered_model="\udfff", api=Api.RESPONSES,
    )  # fmt: skip
    asyncio.run(save(tmp_path, [(exchange, found), (bad, found), (exchange, found)]))
    stats = json.loads(ok(tmp_path, "stats", "--json").stdout)["total"]
    assert stats["output_tokens"] == 2 * 2**62
    assert stats["without_usage"] == 1
    assert stats["with_cost"]["reported"] == 2
    sessions = json.loads(ok(tmp_path, "sessions", "list", "--json").stdout)
    assert len(sessions) == 3
    assert "a\ufffd" in ok(tmp_path, "responses", "list").stdout
