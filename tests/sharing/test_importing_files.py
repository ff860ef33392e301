"""Files and folders with exports: every document is read, and a bad one costs no other."""

import json
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli.wiring import translate_frames
from replyscope.domain.errors import ImportFault
from replyscope.domain.foreign import Unreadable
from replyscope.domain.message import FilePart, Message, Role, ToolResultPart
from replyscope.domain.session import Session
from replyscope.domain.shared import Shared
from replyscope.domain.tool import KeptFile, ToolCallState
from replyscope.engine.import_files import FileReader
from replyscope.engine.importing import Importer, import_batch
from replyscope.engine.sniffing import FormatTable
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.readers.formats import FORMATS
from replyscope.store.foreign import open_foreign
from replyscope.store.sqlite_store import SqliteStore
from tests.cli.run import run_command
from tests.sharing.exports import (
    answered,
    asked,
    chatgpt,
    choices,
    everything,
    said,
    webui,
    written,
)
from tests.support.importing import read_file


def talk(key: str) -> dict[str, Any]:
    return chatgpt(said("user", "Hi"), said("assistant", f"Yo {key}"), id=key, title=key)


def titles(path: Path) -> list[str]:
    return [item.session.title for item in read_file(path).items if isinstance(item, Shared)]


def faults(path: Path) -> list[tuple[str, str]]:
    return [(i.name, i.why) for i in read_file(path).items if isinstance(i, Unreadable)]


FORMS = {
    "one conversation": json.dumps(talk("a")),
    "a list": json.dumps([talk("a"), talk("b")]),
    "lines": "\n".join(json.dumps(talk(key)) for key in "abc"),
    "lines with empty ones between": "\n\n".join(json.dumps(talk(key)) for key in "abc") + "\n",
    "lines with lists": "\n".join(json.dumps([talk(key)]) for key in "abc"),
    "indented documents": "\n".join(json.dumps(talk(key), indent=2) for key in "abc"),
    "an object with a list": json.dumps({"version": 1, "conversations": [talk("a"), talk("b")]}),
    "a list in a list": json.dumps([[talk("a")], [talk("b")]]),
    "of two programs": json.dumps([talk("a"), webui(asked(), answered("Yo"))]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_document_of_a_file_is_read(tmp_path: Path, form: str) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text(FORMS[form])
    wanted = FORMS[form].count('"title"')
    assert len(titles(file)) == wanted
    assert faults(file) == []


@pytest.mark.parametrize(
    "bad", ['{"title": "half", "mapping": {', "no JSON at all", '{"title": "x", "mapping": {,}}']
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_costs_no_other(tmp_path: Path, bad: str, place: int) -> None:
    lines = [json.dumps(talk("a")), json.dumps(talk("b"))]
    lines.insert(place, bad)
    file = tmp_path / "export.jsonl"
    file.write_text("\n".join(lines))
    assert titles(file) == ["a", "b"]
    assert len(faults(file)) == 1


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"title": "Odd", "id": "k"}, "it has no messages"),
        ({"title": "Odd", "mapping": None}, "it has no messages"),
        ({"title": "Odd", "mapping": {"x": 7}}, "none of its messages can be read"),
        (None, "not a conversation"),
        ("a text", "not a conversation"),
        ({"title": "Odd", "chat": {"history": {"messages": {"x": 7}}}}, "none of its messages"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_odd_entry_is_told_in_words(tmp_path: Path, odd: Any, why: str, is_first: bool) -> None:
    entries = [odd, talk("a")] if is_first else [talk("a"), odd]
    items = written(tmp_path / "c.json", *entries)
    (fault,) = [item for item in items if isinstance(item, Unreadable)]
    assert why in fault.why
    assert "Error" not in fault.why
    assert fault.name == ("Odd" if isinstance(odd, dict) else f"conversation {1 + (not is_first)}")
    assert [item.session.title for item in items if isinstance(item, Shared)] == ["a"]


LAYOUTS = {
    "one file": ["conversations.json"],
    "in a folder": ["My data/conversations.json"],
    "parts": ["conversations-000.json", "conversations-001.json", "conversations-010.json"],
    "other parts": ["conversations_1.json", "conversations_2.json", "conversations_10.json"],
    "one for each": ["conversations/a.json", "conversations/b.json"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("is_zip", [True, False])
def test_an_export_is_read_from_its_folder_and_its_zip(
    tmp_path: Path, layout: str, is_zip: bool
) -> None:
    files = {name: json.dumps([talk(str(n))]) for n, name in enumerate(LAYOUTS[layout])}
    files |= {"user.json": "{}", "shared_conversations.json": "[]", "chat.html": "<html>"}
    place = tmp_path / ("export.zip" if is_zip else "export")
    if is_zip:
        with zipfile.ZipFile(place, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
    assert titles(place) == [str(n) for n in range(len(LAYOUTS[layout]))]


def test_a_damaged_file_of_a_folder_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "conversations-000.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "conversations-001.json").write_text(json.dumps([talk("a")]))
    (tmp_path / "conversations-002.json").write_text("no JSON")
    assert titles(tmp_path) == ["a"]
    assert [name for name, _ in faults(tmp_path)] == [
        "conversations-000.json",
        "conversations-002.json",
    ]


def test_a_folder_without_conversations_is_refused(tmp_path: Path) -> None:
    (tmp_path / "user.json").write_text("{}")
    with pytest.raises(ImportFault, match=r"does not contain .*conversations\.json"):
        read_file(tmp_path)


def test_conversations_without_an_id_are_told_apart(tmp_path: Path) -> None:
    entries = [webui(asked(text), answered("Yo")) for text in ("one", "two")]
    for entry in entries:
        del entry["id"]
    items = written(tmp_path / "w.json", *entries)
    again = written(tmp_path / "w.json", *reversed(entries))
    ids = [item.session.id for item in items if isinstance(item, Shared)]
    assert len(set(ids)) == 2
    assert ids == [item.session.id for item in reversed(again) if isinstance(item, Shared)]


async def test_omissions_of_many_sessions_are_gathered_by_kind(
    store: SqliteStore, tmp_path: Path
) -> None:
    hidden = said("user", "not shown", metadata={"is_visually_hidden_from_conversation": True})
    entries = [
        chatgpt(said("user", "Hi"), hidden, hidden, id=str(n), title=f"T{n}") for n in range(5)
    ]
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(entries))
    done = await import_batch(read_file(file), store, is_dry=False)
    (omission,) = done.omissions
    assert omission.count == 10
    assert omission.sentence == (
        "Left out of “T0”, “T1”, “T2” and 2 more sessions: 10 × hidden message "
        "(ChatGPT does not show it)."
    )
    again = await import_batch(read_file(file), store, is_dry=False)
    assert again.omissions == ()


def test_the_command_reports_what_failed_and_what_was_left_out(tmp_path: Path) -> None:
    hidden = said("user", "not shown", metadata={"is_visually_hidden_from_conversation": True})
    entries = [
        {"title": "Broken", "id": "k3"},
        chatgpt(said("user", "Hi"), hidden, id="a", title="Whole", default_model_slug="gpt-5"),
    ]
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(entries))
    done = run_command(tmp_path, "sessions", "import", str(file))
    assert done.returncode == 1
    assert "1 session with 0 replies imported, 0 known already, 1 failed." in done.stdout
    failed, left_out = done.stderr.splitlines()
    assert failed.startswith("replyscope: Broken was not imported: it has no messages")
    assert left_out == (
        "replyscope: Left out of “Whole”: 1 × hidden message (ChatGPT does not show it)."
    )
    file.write_text(json.dumps(entries[1:]))
    again = run_command(tmp_path, "sessions", "import", str(file), "--json", "--dry-run")
    assert again.returncode == 0
    assert json.loads(again.stdout)["failed"] == []


def database(path: Path, script: str) -> Shared:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    (item,) = read_file(path).items
    assert isinstance(item, Shared), item
    return item


ELIA = """
    CREATE TABLE chat (id INTEGER PRIMARY KEY, model TEXT, title TEXT, started_at TEXT);
    CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, role TEXT, content TEXT,
        timestamp TEXT, meta TEXT, parent_id INTEGER, model TEXT);
    INSERT INTO chat VALUES (1, 'small', 'A talk', '2026-01-02 03:04:05');
    INSERT INTO message VALUES (1, 1, 'system', 'Be kind', NULL, '{}', NULL, NULL),
        (2, 1, 'user', 'Say pelican', NULL, '{}', NULL, NULL),
        (3, 1, 'assistant', NULL, NULL, '{"note": "kept by hand"}', 2, 'small'),
        (4, 1, 'system', 'Be brief', NULL, '{}', NULL, NULL),
        (5, 1, 'user', 'And now?', NULL, '{"note": "of mine"}', NULL, NULL);
"""


def test_elia_s_system_messages_and_fields_come_or_are_reported(tmp_path: Path) -> None:
    shared = database(tmp_path / "elia.sqlite", ELIA)
    assert shared.session.settings.system == "Be kind"
    roles = [message.role for message in shared.branch]
    assert roles == [Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.USER]
    assert choices(shared)[0].text == ""
    assert "kept by hand" in everything(shared)
    assert "field `meta` of a user message" in [left.what for left in shared.left_out]


OTERM = """
    CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT, system TEXT,
        format TEXT, parameters TEXT);
    CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT,
        images TEXT);
    INSERT INTO chat VALUES (1, 'A talk', 'small', 'Be kind', '{"type": "object"}',
        '{"temperature": 0.5}');
    INSERT INTO message VALUES (1, 1, 'me', 'What is it?', '["/pictures/cat.png"]'),
        (2, 1, 'oterm', 'A cat.', 'no list');
"""


def test_oterm_s_images_and_format_come_or_are_reported(tmp_path: Path) -> None:
    shared = database(tmp_path / "store.db", OTERM)
    assert shared.branch[0].text == "What is it?[image /pictures/cat.png]"
    assert [left.what for left in shared.left_out] == [
        "list of images",
        "field `format` of the chat",
    ]


LLM = """
    CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
        response TEXT, conversation_id TEXT, datetime_utc TEXT, schema_id TEXT);
    CREATE TABLE fragments (id INTEGER, content TEXT);
    CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
    CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
    CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
    CREATE TABLE tool_results (id INTEGER, response_id TEXT, name TEXT, output TEXT,
        tool_call_id TEXT, exception TEXT);
    INSERT INTO conversations VALUES ('c', 'A talk', 'small');
    INSERT INTO responses VALUES ('r1', 'small', 'One', 'Be kind', 'Yes', 'c', NULL, NULL),
        ('r2', 'small', 'Two', 'Be brief', 'No', 'c', NULL, 's1');
    INSERT INTO fragments VALUES (1, 'You are a baker.');
    INSERT INTO system_fragments VALUES ('r1', 1, 0);
    INSERT INTO attachments VALUES ('t', 'text/plain', '/a/notes.txt', NULL, x'776f726473'),
        ('p', 'application/pdf', '/a/b.pdf', NULL, x'2550');
    INSERT INTO prompt_attachments VALUES ('r1', 't', 0), ('r1', 'p', 1);
    INSERT INTO tool_results VALUES (1, 'r2', 'look', '', 'k', 'TimeoutError: too late');
"""


def test_llm_s_system_fragments_attachments_and_failures_come(tmp_path: Path) -> None:
    shared = database(tmp_path / "logs.db", LLM)
    assert shared.session.settings.system == "You are a baker.\nBe kind"
    roles = [message.role.value for message in shared.branch]
    assert roles == ["user", "assistant", "system", "tool", "user", "assistant"]
    assert FilePart("notes.txt", "words") in shared.branch[0].parts
    (part,) = shared.branch[3].parts
    assert isinstance(part, ToolResultPart)
    assert (part.output, part.state) == ("TimeoutError: too late", ToolCallState.FAILED)
    assert {left.what for left in shared.left_out} == {
        "content of an attachment of type application/pdf",
        "schema of a reply",
    }


async def test_paths_outside_our_folder_are_not_imported(
    store: SqliteStore, tmp_path: Path
) -> None:
    """A purge deletes the files of a session, and a key opens them."""
    kept = tmp_path / "kept"
    own = str(kept / "0123.png")
    paths = (own, "/etc/passwd", "nul\0", str(kept / ".." / "sessions.db"))
    files = tuple(KeptFile(f"{n}.png", "image/png", path, 3) for n, path in enumerate(paths))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    result = Message("t", Role.TOOL, (ToolResultPart("c", "drawn", files=files),), at)
    file = tmp_path / "export.json"
    file.write_text(session_to_json(Shared(Session("s", "S", at, at, head_id="t"), (result,), {})))
    reader = FileReader(FormatTable(FORMATS), open_foreign, translate_frames)
    imported = await Importer(reader, store, kept).import_file(file)
    assert imported.taken == 1
    (message,) = (await store.load_session("s")).messages
    (part,) = message.parts
    assert isinstance(part, ToolResultPart)
    assert [one.path for one in part.files] == [own, "", "", ""]
    assert [one.name for one in part.files] == ["0.png", "1.png", "2.png", "3.png"]
