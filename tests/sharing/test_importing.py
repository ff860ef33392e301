"""Taking sessions in from files of any shape: what can be read comes, the rest is told."""

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import ImportFault
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import Foreign, ForeignConversation, Unreadable
from replyscope.domain.json_items import Broken, JsonItems
from replyscope.domain.message import ImagePart, Role, ToolResultPart
from replyscope.domain.shared import Form, Shared
from replyscope.engine.importing import Imported, import_batch
from replyscope.engine.sharing import Sharing
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.readers.replyscope_json import session_from_json
from replyscope.store.sqlite_store import SqliteStore
from tests.sharing.sessions import rich_session
from tests.support.examples import examples
from tests.support.importing import read_entry, read_file


def conversation(number: int, *answers: str) -> dict[str, Any]:
    """A conversation as ChatGPT writes it: a prompt and answers that are siblings."""
    mapping: dict[str, Any] = {
        "root": {"message": None, "parent": None, "children": ["u"]},
        "u": {
            "message": {
                "author": {"role": "user"},
                "create_time": 1_700_000_000 + number,
                "content": {"content_type": "text", "parts": [f"question {number}"]},
            },
            "parent": "root",
            "children": [f"a{n}" for n in range(len(answers))],
        },
    }
    for n, answer in enumerate(answers):
        mapping[f"a{n}"] = reply_node(answer, "u")
    return {
        "title": f"Talk {number}",
        "create_time": 1_700_000_000 + number,
        "conversation_id": f"c{number}",
        "current_node": f"a{len(answers) - 1}",
        "mapping": mapping,
    }


def reply_node(text: str, parent: str, *children: str, **metadata: Any) -> dict[str, Any]:
    return {
        "message": {
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [text]},
            "metadata": {"model_slug": "gpt-5", **metadata},
        },
        "parent": parent,
        "children": list(children),
    }


def write(path: Path, text: str) -> list[Foreign]:
    path.write_text(text, encoding="utf-8")
    return list(read_file(path).items)


def taken(items: list[Foreign]) -> list[Shared]:
    return [item for item in items if isinstance(item, Shared)]


def failed(items: list[Foreign]) -> list[Unreadable]:
    return [item for item in items if isinstance(item, Unreadable)]


def only(items: list[Foreign]) -> Shared:
    (item,) = items
    assert isinstance(item, Shared), item
    return item


def texts(shared: Shared) -> set[str]:
    return {exchange.choices[0].text for exchange in shared.exchanges.values()}


async def import_from(store: SqliteStore, path: Path, *, is_dry: bool = False) -> Imported:
    return await import_batch(read_file(path), store, is_dry=is_dry)


def test_a_truncated_export_gives_what_is_whole(tmp_path: Path) -> None:
    text = json.dumps([conversation(n, "yes") for n in range(3)])
    items = write(tmp_path / "conversations.json", text[: len(text) - 100])
    assert len(taken(items)) == 2
    assert "ends in the middle" in failed(items)[0].why


def test_a_broken_item_never_stops_those_after_it(tmp_path: Path) -> None:
    good = [json.dumps(conversation(n, "yes")) for n in range(2)]
    deep = '{"title": "deep", "mapping": ' + "[" * 50_000 + "]" * 50_000 + "}"
    bad = '{"title": "bad", "mapping": {"x": nonsense, "y": "]}"}}'
    items = write(tmp_path / "c.json", f"[{good[0]},{deep},{bad},{good[1]}]")
    assert len(taken(items)) == 2
    assert [("deeply" in fault.why, "not JSON" in fault.why) for fault in failed(items)] == [
        (True, False),
        (False, True),
    ]


def test_an_item_beyond_the_limit_is_not_read_into_memory() -> None:
    text = '[{"a": "' + "x" * 5_000_000 + '"}, 1]'
    document = JsonItems(io.StringIO(text), most=1_000_000)
    assert document.enter(re.compile(r"\["))
    first = next(iter(document))
    assert isinstance(first, Broken)
    assert "larger than" in first.why


@examples(200)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    ),
    st.integers(1, 9),
)
def test_items_are_those_of_the_whole_document(values: list[Any], step: int) -> None:
    class Slow(io.StringIO):
        def read(self, size: int | None = -1, /) -> str:
            return super().read(min(step, size or step))

    document = JsonItems(Slow(json.dumps(values)))
    assert document.enter(re.compile(r"\["))
    assert list(document) == values


async def test_a_newer_export_adds_what_is_new(store: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([conversation(1, "first")]))
    assert (await import_from(store, file)).taken == 1
    longer = conversation(1, "first", "second")
    file.write_text(json.dumps([longer]))
    done = await import_from(store, file, is_dry=True)
    assert (done.taken, done.grown, done.known) == (0, 1, 0)
    done = await import_from(store, file)
    assert (done.taken, done.grown, done.known) == (0, 1, 0)
    assert "1 added to" in done.sentence
    (summary,) = await store.list_sessions()
    shared = await store.load_shared(summary.id, with_wire=False)
    assert texts(shared) == {"first", "second"}
    assert shared.exchanges_of(shared.branch[-1]).__next__()[0].choices[0].text == "second"
    assert (await import_from(store, file)).known == 1


async def test_a_dry_run_counts_doubles_within_a_file_once(
    store: SqliteStore, tmp_path: Path
) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([conversation(1, "a"), conversation(1, "a")]))
    dry = await import_from(store, file, is_dry=True)
    real = await import_from(store, file)
    assert (dry.taken, dry.known) == (real.taken, real.known) == (1, 1)


async def test_a_file_can_t_touch_sessions_that_are_here(
    store: SqliteStore, tmp_path: Path
) -> None:
    shared = rich_session()
    await store.import_session(shared)
    before = await store.load_shared(shared.session.id, with_wire=True)
    value = json.loads(session_to_json(shared))
    value["id"] = "intruder"
    file = tmp_path / "session.json"
    file.write_text(json.dumps(value))
    done = await import_from(store, file)
    assert done.taken == 0
    assert "One of its messages is already in session" in done.failed[0].why
    # Messages of its own that name an exchange of another session leave that as it is.
    for message in value["messages"]:
        message["id"] = f"i{message['id']}"
        message["parent_id"] = message["parent_id"] and f"i{message['parent_id']}"
    value["exchanges"] = [e | {"model": "forged", "frames": [[1, "x"]]} for e in value["exchanges"]]
    file.write_text(json.dumps(value))
    assert (await import_from(store, file)).taken == 1
    assert await store.load_shared(shared.session.id, with_wire=True) == before


@pytest.mark.parametrize(
    "change",
    [
        {"id": "\x1b]0;owned\x07"},
        {"id": 7},
        {"title": None},
        {"created_at": 1e300},
        {"created_at": "yesterday"},
        {"messages": [{"id": "a", "role": "user", "created_at": 0}] * 2},
        {"exchanges": [{"id": "x"}]},
        {"format": "replyscope/2"},
    ],
)
def test_wrong_fields_are_told_by_name(tmp_path: Path, change: dict[str, Any]) -> None:
    value = json.loads(session_to_json(rich_session())) | change
    items = write(tmp_path / "s.json", json.dumps({"format": "replyscope/1", "sessions": [value]}))
    assert len(failed(items)) == 1


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if not isinstance(value, dict | list):
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _places(inner, (*path, key))


_WHOLE = json.loads(session_to_json(rich_session()))
_PLACES = [place for place in _places(_WHOLE) if place]
_ODD = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from([[], {}, [[]], [None], {"a": 1}, -1, 1e400, "\ud800", "x" * 300, [1, 2, 3]])
)  # fmt: skip


@examples(400)
@given(st.sampled_from(_PLACES), _ODD)
async def test_a_session_with_anything_anywhere_comes_or_is_told(place: Any, odd: Any) -> None:
    value = json.loads(json.dumps(_WHOLE))
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    try:
        shared = session_from_json(value)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
        return
    store = SqliteStore(None, "writer")
    await store.open()
    try:
        await store.import_session(shared)
        written: list[str] = []
        for form in Form:
            ids = [shared.session.id]
            await Sharing(store).export(ids, form, written.append, Redactor())
        assert written
    finally:
        await store.close()


@examples(400)
@given(st.data())
def test_another_s_export_with_anything_anywhere_comes_or_is_told(data: st.DataObject) -> None:
    value = conversation(1, "yes", "no")
    value["mapping"]["a0"]["message"]["metadata"] |= {
        "finish_details": {"type": "stop"},
        "content_references": [{"items": [{"url": "https://a.test", "title": "A"}]}],
        "attachments": [{"name": "a.pdf"}],
    }
    place = data.draw(st.sampled_from([p for p in _places(value) if p]))
    inner: Any = value
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(_ODD)
    assert isinstance(read_entry(value, 1), ForeignConversation | Unreadable)


def test_a_time_without_end_is_no_time(tmp_path: Path) -> None:
    value = conversation(1, "yes") | {"create_time": float("inf")}
    assert only(write(tmp_path / "c.json", json.dumps([value]))).session.created_at.year == 2023


def test_ten_thousand_hidden_nodes_are_passed_over_at_once(tmp_path: Path) -> None:
    value = conversation(1, "yes")
    mapping = value["mapping"]
    parent = "u"
    for n in range(20_000):
        mapping[f"h{n}"] = {"message": None, "parent": parent, "children": [f"h{n + 1}"]}
        parent = f"h{n}"
    mapping["u"]["children"] = ["h0"]
    leaves = [f"l{n}" for n in range(2_000)]
    mapping[parent]["children"] = leaves
    for leaf in leaves:
        mapping[leaf] = reply_node(leaf, parent)
    shared = only(write(tmp_path / "c.json", json.dumps([value])))
    asked = next(m for m in shared.messages if m.role is Role.USER)
    replies = [m for m in shared.messages if m.role is Role.ASSISTANT]
    assert len(replies) == 2_001
    assert {reply.parent_id for reply in replies} == {asked.id}


async def test_a_tree_of_thousands_of_levels_and_a_circle_come(
    store: SqliteStore, tmp_path: Path
) -> None:
    deep = conversation(1, "start")
    parent = "a0"
    for n in range(3_000):
        deep["mapping"][f"d{n}"] = reply_node(f"level {n}", parent)
        parent = f"d{n}"
    deep["current_node"] = parent
    circle = conversation(2, "yes")
    circle["mapping"]["x"] = reply_node("x", "y", "y")
    circle["mapping"]["y"] = reply_node("y", "x", "x")
    file = tmp_path / "c.json"
    file.write_text(json.dumps([deep, circle]))
    assert (await import_from(store, file)).taken == 2
    ids = [summary.id for summary in await store.list_sessions()]
    sizes = [len((await store.load_shared(i, with_wire=False)).branch) for i in ids]
    assert sorted(sizes) == [2, 3_002]


async def test_our_own_circle_of_parents_is_opened(store: SqliteStore) -> None:
    value = json.loads(session_to_json(rich_session()))
    first, second = value["messages"][0], value["messages"][1]
    first["parent_id"], second["parent_id"] = second["id"], first["id"]
    await store.import_session(session_from_json(value))
    (summary,) = await store.list_sessions()
    assert len((await store.load_shared(summary.id, with_wire=False)).messages) == len(
        value["messages"]
    )


def test_thoughts_sources_and_endings_of_chatgpt_are_kept(tmp_path: Path) -> None:
    value = conversation(1)
    value["mapping"]["u"]["children"] = ["t"]
    value["mapping"]["t"] = {
        "message": {
            "author": {"role": "assistant"},
            "content": {"content_type": "thoughts", "thoughts": [{"content": "Let me see."}]},
        },
        "parent": "u",
        "children": ["a"],
    }
    value["mapping"]["a"] = reply_node(
        "It is so \ue200cite\ue202turn0search0\ue201.",
        "t",
        finish_details={"type": "max_tokens"},
        content_references=[{"items": [{"url": "https://a.test/x", "title": "A page"}]}],
    )
    value["current_node"] = "a"
    shared = only(write(tmp_path / "c.json", json.dumps([value])))
    (exchange,) = shared.exchanges.values()
    choice = exchange.choices[0]
    assert (choice.text, choice.reasoning) == ("It is so .", "Let me see.")
    assert choice.finish_reason is FinishReason.LENGTH
    assert [(c.title, c.url) for c in choice.citations] == [("A page", "https://a.test/x")]


def test_the_parts_of_a_downloaded_zip_are_read_in_order(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (10, 2, 0):
            text = json.dumps([conversation(part, f"part {part}")])
            archive.writestr(f"conversations-{part:03}.json", text)
        archive.writestr("../../conversations.json.exe", "no")
        archive.writestr("chat.html", "<html>")
    items = taken(list(read_file(file).items))
    assert [shared.session.title for shared in items] == ["Talk 0", "Talk 2", "Talk 10"]
    assert not (tmp_path.parent / "conversations.json.exe").exists()


def test_a_zip_that_unpacks_to_nothing_but_spaces_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", '["' + "a" * 30_000_000)
    with pytest.raises(ImportFault, match="middle"):
        read_file(file)


def test_a_zip_that_is_damaged_inside_is_told(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([conversation(1, "x" * 5_000)]))
    data = bytearray(file.read_bytes())
    data[60:80] = b"\x00" * 20
    file.write_bytes(bytes(data))
    with pytest.raises(ImportFault, match=r"export\.zip"):
        read_file(file)


@pytest.mark.parametrize("byte", [0, 255])
def test_a_zip_in_which_any_byte_is_damaged_is_read_or_told(tmp_path: Path, byte: int) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([conversation(1, "short")]))
    whole = file.read_bytes()
    told = 0
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        try:
            list(read_file(file).items)
        except ImportFault:
            told += 1
    assert 0 < told < len(whole)


LLM = """
    CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
        response TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT,
        input_tokens INTEGER, output_tokens INTEGER, resolved_model TEXT, reasoning TEXT);
    CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
    CREATE TABLE fragments (id INTEGER, hash TEXT, content TEXT);
    CREATE TABLE threads (id TEXT, name TEXT, tip_message_hash TEXT, datetime_utc TEXT);
    CREATE TABLE turns (id TEXT, thread_id TEXT, parent_message_hash TEXT,
        tip_message_hash TEXT, model TEXT, resolved_model TEXT, input_tokens INTEGER,
        output_tokens INTEGER, duration_ms INTEGER, datetime_utc TEXT);
    CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT);
    CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER,
        type TEXT, tool_name TEXT, text TEXT, payload TEXT);
    CREATE TABLE tool_calls (id INTEGER, response_id TEXT, name TEXT, arguments TEXT,
        tool_call_id TEXT);
    CREATE TABLE tool_results (id INTEGER, response_id TEXT, name TEXT, output TEXT,
        tool_call_id TEXT);
    INSERT INTO threads VALUES ('t1', 'A thread', 'm5', '2026-11-01 10:00:00+00:00');
    INSERT INTO messages VALUES ('m0', NULL, 'system'), ('m1', 'm0', 'user'),
        ('m2', 'm1', 'assistant'), ('m3', 'm2', 'tool'), ('m5', 'm3', 'assistant');
    INSERT INTO fragments VALUES (1, 'h', 'a fragment');
    INSERT INTO attachments VALUES ('img', 'image/png', NULL, NULL, x'89504e470d0a1a0a00');
    INSERT INTO parts (message_hash, position, type, tool_name, text, payload) VALUES
        ('m0', 0, 'text', NULL, 'Be kind', NULL),
        ('m1', 0, 'text', NULL, NULL,
            '{"text_ref": [{"fragment": 1}, {"literal": " and a question"}]}'),
        ('m1', 1, 'attachment', NULL, NULL, '{"attachment": {"id": "img"}}'),
        ('m2', 0, 'reasoning', NULL, 'I had better look', NULL),
        ('m2', 1, 'tool_call', 'look', NULL,
            '{"name": "look", "arguments": {"at": "sky"}, "tool_call_id": "c1"}'),
        ('m3', 0, 'tool_result', 'look', NULL,
            '{"name": "look", "output": "blue", "tool_call_id": "c1"}'),
        ('m5', 0, 'text', NULL, 'It is blue.', NULL);
    INSERT INTO turns VALUES
        ('u1', 't1', 'm1', 'm2', 'small', NULL, 10, 4, 900, '2026-11-01T10:00:00+00:00'),
        ('u2', 't1', 'm3', 'm5', 'small', 'small-2', 20, 6, 800, '2026-11-01T10:00:02+00:00');
    INSERT INTO responses VALUES
        ('r1', 'old', 'Alone', NULL, 'Yes', NULL, 5, '2025-01-01T00:00:00', 1, 2, NULL, 'hm'),
        ('r2', 'old', 'Also alone', NULL, 'No', NULL, 5, '2025-01-02T00:00:00', 1, 2, NULL, NULL),
        ('r3', 'old', 'Look', NULL, '', 'c9', 5, '2025-01-03T00:00:00', 1, 2, NULL, NULL),
        ('r4', 'old', NULL, NULL, 'Done', 'c9', 5, '2025-01-03T00:00:01', 1, 2, NULL, NULL);
    INSERT INTO conversations VALUES ('c9', 'Old tools', 'old'), ('t1', 'A thread', 'small');
    INSERT INTO tool_calls VALUES (1, 'r3', 'look', '{"at": "sea"}', 'k');
    INSERT INTO tool_results VALUES (1, 'r4', 'look', 'grey', 'k');
"""


def test_both_forms_of_llm_s_log_are_read(tmp_path: Path) -> None:
    file = tmp_path / "logs.db"
    connection = sqlite3.connect(file)
    connection.executescript(LLM)
    connection.close()
    batch = read_file(file)
    assert batch.size == 4
    found = {shared.session.title: shared for shared in taken(list(batch.items))}
    assert set(found) == {"A thread", "Alone", "Also alone", "Old tools"}
    thread = found["A thread"]
    assert thread.session.settings.system == "Be kind"
    asked, called, result, answered = thread.branch
    assert asked.text == "a fragment and a question"
    assert [part.media_type for part in asked.parts if isinstance(part, ImagePart)] == ["image/png"]
    ((first, _),) = thread.exchanges_of(called)
    assert first.choices[0].reasoning == "I had better look"
    assert first.choices[0].tool_calls[0].arguments == '{"at": "sky"}'
    assert thread.results_of(called)["c1"].output == "blue"
    assert isinstance(result.parts[0], ToolResultPart)
    ((second, _),) = thread.exchanges_of(answered)
    assert (second.model, second.timing.duration_ms) == ("small-2", 800)
    assert second.usage is not None
    assert second.usage.total_tokens == 26
    old = found["Old tools"]
    assert old.results_of(old.branch[1])["k"].output == "grey"
    assert next(iter(found["Alone"].exchanges.values())).choices[0].reasoning == "hm"


def test_a_database_in_use_stays_as_it_is_and_gives_its_newest(tmp_path: Path) -> None:
    file = tmp_path / "logs.db"
    theirs = sqlite3.connect(file)
    theirs.execute("PRAGMA journal_mode = WAL")
    theirs.executescript(LLM)
    theirs.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    theirs.execute("UPDATE threads SET name = 'Newest'")
    theirs.commit()
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    titles = {shared.session.title for shared in taken(list(read_file(file).items))}
    assert "Newest" in titles
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()} == before
    theirs.close()
    left = tmp_path / "closed.db"
    left.write_bytes(before["logs.db"][0])  # in WAL mode, and nothing beside it
    assert len(taken(list(read_file(left).items))) == 4
    assert not list(tmp_path.glob("closed.db-*"))


def test_bytes_that_are_no_text_do_not_stop_a_database(tmp_path: Path) -> None:
    file = tmp_path / "logs.db"
    connection = sqlite3.connect(file)
    connection.executescript(LLM)
    connection.execute("UPDATE responses SET prompt = CAST(x'ff41' AS TEXT) WHERE id = 'r1'")
    connection.commit()
    connection.close()
    assert "\ufffdA" in {shared.session.title for shared in taken(list(read_file(file).items))}


def test_reasoning_tools_and_pictures_of_open_webui_are_told_apart(tmp_path: Path) -> None:
    said = (
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 s</summary>\n'
        "&gt; I wonder.\n&gt; Yes.\n</details>\n"
        '<details type="tool_calls" done="true" id="k" name="look" arguments="{&quot;at&quot;: 1}" '
        'result="&quot;blue&quot;">\n<summary>Tool</summary>\n</details>\nIt is blue.'
    )
    picture = "data:image/png;base64,iVBORw0KGgoAAAA="
    nodes = {
        "a": {"role": "user", "content": "Look", "parentId": None, "childrenIds": ["b"],
              "files": [{"type": "image", "url": picture}]},
        "b": {"role": "assistant", "content": said, "parentId": "a", "childrenIds": [],
              "info": {"prompt_eval_count": 3, "eval_count": 4},
              "sources": [{"source": {"name": "doc.pdf"}}]},
    }  # fmt: skip
    chat = {"id": "w", "title": "T", "chat": {"history": {"messages": nodes, "currentId": "b"}}}
    shared = only(write(tmp_path / "w.json", json.dumps([chat])))
    assert any(isinstance(part, ImagePart) for part in shared.branch[0].parts)
    _, asked, results, answered = shared.branch
    ((first, _),), ((last, _),) = shared.exchanges_of(asked), shared.exchanges_of(answered)
    assert (first.choices[0].text, first.choices[0].reasoning) == ("", "I wonder.\nYes.")
    (call,) = first.choices[0].tool_calls
    assert (call.name, call.arguments) == ("look", '{"at": 1}')
    assert isinstance(results.parts[0], ToolResultPart)
    assert (results.parts[0].call_id, results.parts[0].output) == (call.id, "blue")
    assert last.choices[0].text == "It is blue."
    assert last.usage is not None
    assert last.usage.output_tokens == 4
    assert last.choices[0].citations[0].title == "doc.pdf"
