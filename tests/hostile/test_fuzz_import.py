"""Whatever a file to import holds: taken in, or left out in a sentence. Never half."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.hostile import entries
from tests.hostile.bounds import bounded, examine
from tests.hostile.here import run_here
from tests.hostile.inputs import CHUNKS, DEEP, VALUES, framed, mutated
from tests.support.suite import Suite

_NODE = {"id": "n", "parent": None, "children": ["m"], "message": None}
_SAID = {
    "id": "m", "parent": "n", "children": [],
    "message": {"author": {"role": "user", "name": None}, "create_time": 1.7e9, "recipient": "all",
                "content": {"content_type": "text", "parts": ["hi"]}, "metadata": {}},
}  # fmt: skip
_CHATGPT = [{"title": "t", "id": "c", "create_time": 1.7e9, "current_node": "m",
             "mapping": {"n": _NODE, "m": _SAID}}]  # fmt: skip
_WEBUI = [{"id": "w", "title": "t", "created_at": 1_700_000_000, "chat": {
    "history": {"currentId": "b", "messages": {
        "a": {"parentId": None, "childrenIds": ["b"], "role": "user", "content": "hi"},
        "b": {"parentId": "a", "childrenIds": [], "role": "assistant", "content": "yo",
              "model": "m", "usage": {"prompt_tokens": 1},
              "timestamp": 1_700_000_000}}}}}]  # fmt: skip
_OURS = {
    "format": "replyscope/1", "id": "abc", "title": "t", "is_title_given": True, "draft": "d",
    "created_at": 1_700_000_000_000, "updated_at": 1_700_000_000_000, "deleted_at": None,
    "head_id": "m2", "tags": ["x"],
    "settings": {"endpoint": "e", "model": "m", "system": "s", "tools": ["current_time"],
                 "parameters": {"max_tokens": 5, "metadata": [["a", "b"]]},
                 "schema": {"name": "n", "text": "{}"}},
    "messages": [
        {"id": "m1", "role": "user", "parent_id": None, "created_at": 1_700_000_000_000,
         "parts": [{"type": "text", "text": "hi"}, {"type": "file", "name": "f", "text": "x"},
                   {"type": "image", "name": "i", "media_type": "image/png", "data": "aGk="}],
         "sources": []},
        {"id": "m2", "role": "assistant", "parent_id": "m1", "created_at": 1_700_000_000_000,
         "parts": [], "sources": [["x1", 0]]},
        {"id": "m3", "role": "tool", "parent_id": "m2", "created_at": 1_700_000_000_000,
         "parts": [{"type": "tool_result", "call_id": "c", "output": "o", "state": "completed",
                    "files": [{"name": "f", "media_type": "a/b", "path": "/p", "size": 1}]}],
         "sources": []}],
    "exchanges": [{
        "id": "x1", "api": "chat", "endpoint": "e", "base_url": "http://h", "model": "m",
        "started_at": 1_700_000_000_000, "state": "completed", "status": 200,
        "choices": [{"index": 0, "text": "yo", "finish_reason": "stop", "reasoning": "r",
                     "tool_calls": [{"id": "c", "kind": "function", "name": "n",
                                     "arguments": "{}", "state": "completed"}],
                     "citations": [{"kind": "url", "url": "http://x", "start": 0, "end": 1}],
                     "sections": [{"start": 0, "phase": None}],
                     "items": [{"index": 0, "kind": "message", "payload": "{}"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        "timing": {"first_event_ms": 1.0, "first_token_ms": 1.0, "duration_ms": 5.0, "pace": [1]},
        "headers": [["a", "b"]], "extras": [["a", "1"]], "adaptations": ["a"], "firings": [],
        "retries": [{"failure": {"kind": "k", "message": "m", "next_step": "n"}, "wait_s": 1.0}],
        "failure": {"kind": "k", "message": "m", "next_step": "n"},
        "frames": [[1.0, "data: {}\n\n"]],
        "request": {"method": "POST", "url": "u", "headers": [["a", "b"]], "body": "{}"}}],
}  # fmt: skip


def _json(value: st.SearchStrategy[object]) -> st.SearchStrategy[bytes]:
    return value.map(lambda v: json.dumps(v).encode())


_WAYS = {
    "ours": (_json(st.one_of(mutated(_OURS), mutated({"format": "replyscope/1",
                                                      "sessions": [_OURS, _OURS]}))), 4_000),
    "chatgpt": (_json(mutated(_CHATGPT)), 2_000),
    "open webui": (_json(mutated(_WEBUI)), 2_000),
    "any JSON": (st.one_of(_json(VALUES), st.sampled_from(DEEP), st.binary(max_size=60)), 1_000),
}  # fmt: skip


@pytest.mark.parametrize("way", _WAYS)
def test_any_json_is_taken_in_or_left_out(suite: Suite, way: str) -> None:
    inputs, whole = _WAYS[way]
    tried = examine(suite, inputs, whole, entries.imported)
    suite.say(f"{tried:,} files as {way}: taken in whole, or left out in a sentence")


def test_a_sound_file_is_taken_in_whole(tmp_path: Path) -> None:
    for name, value in (("ours", _OURS), ("chatgpt", _CHATGPT), ("webui", _WEBUI)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value))
        done = run_here(tmp_path, "sessions", "import", str(path))
        assert done.stdout.startswith("1 session with"), done.stderr
        assert "0 failed" in done.stdout, done.stderr


def test_any_recorded_stream_is_taken_in(suite: Suite) -> None:
    entries.stream_file(b"")  # loads what is loaded at first use
    tried = examine(suite, framed(CHUNKS), 1_000, entries.stream_file)
    suite.say(f"{tried:,} recorded streams: taken in")


_TABLES = {
    "llm": (
        "CREATE TABLE conversations (id TEXT, name TEXT, model TEXT);"
        "CREATE TABLE responses (id TEXT, conversation_id TEXT, model TEXT, prompt TEXT, "
        "system TEXT, response TEXT, datetime_utc TEXT, duration_ms INTEGER, "
        "input_tokens INTEGER, output_tokens INTEGER);"
        "INSERT INTO conversations VALUES ('c', 'n', 'm');"
    ),
    "elia": (
        "CREATE TABLE chat (id INTEGER, model TEXT, title TEXT, started_at TEXT);"
        "CREATE TABLE message (id INTEGER, chat_id INTEGER, role TEXT, content TEXT, "
        "timestamp TEXT, model TEXT, parent_id INTEGER);"
    ),
    "oterm": (
        "CREATE TABLE chat (id INTEGER, name TEXT, model TEXT, system TEXT);"
        "CREATE TABLE message (id INTEGER, chat_id INTEGER, author TEXT, text TEXT, images TEXT);"
    ),
}
_ROWS = {
    "llm": [("responses", 10)],
    "elia": [("chat", 4), ("message", 7)],
    "oterm": [("chat", 4), ("message", 5)],
}
_CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.binary(max_size=10),
    st.sampled_from(("c", 1, "user", "assistant", "2026-11-01T10:00:00", "[1]", "{", "system")),
)


@st.composite
def _databases(draw: st.DrawFn, folder: Path) -> bytes:
    """A database of another program, with any values, some bytes of it damaged."""
    kind = draw(st.sampled_from(sorted(_TABLES)))
    path = folder / "made.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_TABLES[kind])
        for table, width in _ROWS[kind]:
            cells = st.lists(_CELLS, min_size=width, max_size=width)
            for row in draw(st.lists(cells, max_size=3)):
                marks = ", ".join("?" * width)
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        connection.commit()
    data = bytearray(path.read_bytes())
    for at, byte in draw(st.lists(st.tuples(st.integers(16, 12_000), st.integers(0, 255)))):
        data[at % len(data)] = byte
    cut = draw(st.sampled_from((len(data), len(data) // 2, 100, 5_000)))
    return bytes(data[:cut])


def test_any_database_is_taken_in_or_left_out(suite: Suite, tmp_path: Path) -> None:
    tried = examine(suite, _databases(tmp_path), 2_000, entries.imported)
    suite.say(f"{tried:,} databases of other programs, most damaged: taken in, or left out")


def test_a_zip_is_read_within_bounds(suite: Suite) -> None:
    def packed(name: str, data: bytes) -> bytes:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        return held.getvalue()

    whole = packed("conversations.json", json.dumps(_CHATGPT).encode())
    damaged = st.builds(
        lambda at, byte, cut: (whole[: at % len(whole)] + bytes([byte])
                               + whole[at % len(whole) + 1 :])[: cut or None],
        st.integers(0, 10_000), st.integers(0, 255), st.sampled_from((0, 0, 50, 200)),
    )  # fmt: skip
    examine(suite, damaged, 1_000, entries.imported)
    for bomb in (b"[" * 3_000_000, b'"' + b"a" * 100_000_000 + b'"'):
        with bounded(longest_s=3.0):
            entries.imported(packed("x/conversations.json", bomb))
