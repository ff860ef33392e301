"""Handing sessions on and taking them in, as a user does: with the program, on real files."""

import contextlib
import html.parser
import json
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import PROGRAM, environment, run_command
from tests.cli.test_commands import ask
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage

HOSTILE = (
    "<script>alert(1)</script> [x](javascript:alert(2)) ![p](http://tracker.test/a.png) "
    "<img src=x onerror=alert(3)> \x1b[31mred\x1b[0m"
)


def sessions(folder: Path, *arguments: str) -> str:
    done = run_command(folder, "sessions", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def filled(folder: Path, server: LoopbackServer, said: str = "Hello there") -> str:
    """A session of one exchange; its id."""
    done = ask(folder, server, said, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["session_id"])


def test_json_comes_back_as_the_same_session(server: LoopbackServer, tmp_path: Path) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    server.answer = lambda _request: Answer(
        chunks=sse(
            delta(reasoning_content="hm"),
            delta("wörld \ud83d\ude00"),
            delta(tool_calls=[call]),
            delta(finish="tool_calls"),
            usage(),
        )
    )
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    session_id = filled(here, server)
    sessions(here, "tag", session_id, "--add", "work")
    first = sessions(here, "export", session_id, "--format", "json")
    file = tmp_path / "session.json"
    file.write_text(first)
    assert "1 session with 1 reply imported" in sessions(there, "import", str(file))
    assert sessions(there, "export", session_id, "--format", "json") == first
    assert "0 sessions" in sessions(there, "import", str(file))
    assert "1 known already" in sessions(there, "import", str(file))
    found = json.loads(sessions(there, "search", "wörld tag:work", "--json"))
    assert [hit["session_id"] for hit in found] == [session_id]
    stream = json.loads(first)["exchanges"][0]["id"]
    frames = sessions(there, "export", stream, "--format", "sse")
    assert frames.startswith("data: {")
    assert sessions(there, "export", session_id, "--format", "sse") == frames
    assert '"messages"' in sessions(there, "export", session_id, "--format", "curl")
    assert "replies" not in sessions(
        there, "export", session_id, "--format", "jsonl", "--whole-only"
    )


def test_several_sessions_are_one_document(server: LoopbackServer, tmp_path: Path) -> None:
    ids = [filled(tmp_path, server, f"Hello {n}") for n in range(3)]
    both = json.loads(sessions(tmp_path, "export", *ids[:2], "--format", "json"))
    assert [entry["id"] for entry in both["sessions"]] == ids[:2]
    lines = sessions(tmp_path, "export", "--query", "hello", "--format", "jsonl").splitlines()
    assert len(lines) == 3
    roles = [message["role"] for message in json.loads(lines[0])["messages"]]
    assert roles == ["user", "assistant"]


def test_markdown_reads_as_it_is(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("It **is**.")
    session_id = filled(tmp_path, server, "Is it?")
    text = sessions(tmp_path, "export", session_id, "--format", "md")
    assert text.startswith('---\ntitle: "Is it?"\n')
    assert "## user\n\nIs it?\n\n## test-model\n\nIt **is**.\n\n*stop · " in text


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


def test_html_has_no_script_and_asks_nobody_for_anything(
    server: LoopbackServer, tmp_path: Path
) -> None:
    call = {"index": 0, "id": "c", "function": {"name": HOSTILE, "arguments": HOSTILE}}
    server.answer = lambda _request: Answer(
        chunks=sse(delta(HOSTILE), delta(tool_calls=[call]), delta(finish="stop"), usage())
    )
    session_id = filled(tmp_path, server, HOSTILE)
    page = sessions(tmp_path, "export", session_id, "--format", "html")
    reader = Tags()
    reader.feed(page)
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "link", "base"}
    for _, attributes in reader.seen:
        for name, value in attributes:
            assert not name.startswith("on")
            assert not (value or "").lower().lstrip().startswith("javascript:")
            assert name != "src"
    assert "\x1b" not in page
    assert "tracker.test" in page  # named, not loaded


def test_secrets_are_taken_out_where_that_is_wanted(server: LoopbackServer, tmp_path: Path) -> None:
    said = "key sk-abcdefghijklmnop1234 of me@example.org in /home/alice/x ACME-77"
    session_id = filled(tmp_path, server, said)
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "settings.toml").write_text('redact = ["ACME-[0-9]+"]\n')
    plain = sessions(tmp_path, "export", session_id, "--format", "json")
    assert "sk-abcdefghijklmnop1234" in plain
    for form in ("html", "md", "json", "jsonl"):
        done = run_command(
            tmp_path, "sessions", "export", session_id, "--format", form,
            *(["--redact"] if form != "html" else []),
        )  # fmt: skip
        for secret in ("sk-abcdef", "me@example.org", "alice", "ACME-77"):
            assert secret not in done.stdout, form
        assert "× key" in done.stderr
    told = sessions(tmp_path, "export", session_id, "--preview")
    assert "× home folder" in told
    whole = sessions(tmp_path, "export", session_id, "--format", "html", "--no-redact")
    assert "me@example.org" in whole


def test_a_request_comes_as_a_command_and_as_a_program(
    server: LoopbackServer, tmp_path: Path
) -> None:
    session_id = filled(tmp_path, server, "It's 'quoted'")
    shown = json.loads(sessions(tmp_path, "show", session_id, "--json"))
    exchange = shown["exchanges"][0]["id"]
    curl = sessions(tmp_path, "export", exchange, "--format", "curl")
    assert "$OPENAI_API_KEY" in curl
    assert f"curl {server.base_url}/chat/completions" in curl
    program = sessions(tmp_path, "export", exchange, "--format", "python")
    compile(program, "program", "exec")
    assert f'base_url="{server.base_url}"' in program


CHATGPT: dict[str, Any] = {
    "title": "A tree",
    "create_time": 1_700_000_000.5,
    "conversation_id": "conv-1",
    "current_node": "a2",
    "mapping": {
        "root": {"id": "root", "message": None, "parent": None, "children": ["u1"]},
        "u1": {
            "message": {
                "author": {"role": "user"},
                "create_time": 1_700_000_001,
                "content": {
                    "content_type": "multimodal_text",
                    "parts": [
                        {"content_type": "image_asset_pointer", "asset_pointer": "file://7"},
                        "What is it?",
                    ],
                },
            },
            "parent": "root",
            "children": ["a1", "a2"],
        },
        "a1": {
            "message": {
                "author": {"role": "assistant"},
                "content": {"content_type": "text", "parts": ["A cat."]},
                "metadata": {"model_slug": "gpt-4o"},
            },
            "parent": "u1",
            "children": [],
        },
        "a2": {
            "message": {
                "author": {"role": "assistant"},
                "content": {"content_type": "text", "parts": ["A dog."]},
                "metadata": {"model_slug": "gpt-5"},
            },
            "parent": "u1",
            "children": [],
        },
    },
}
WEBUI: dict[str, Any] = {
    "id": "w1",
    "title": "From the web",
    "created_at": 1_700_000_000,
    "chat": {
        "history": {
            "currentId": "b",
            "messages": {
                "a": {"role": "user", "content": "Hi web", "parentId": None, "childrenIds": ["b"]},
                "b": {
                    "role": "assistant",
                    "content": "Hello web",
                    "parentId": "a",
                    "childrenIds": [],
                    "model": "llama3",
                    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
                },
            },
        }
    },
}


def imported(folder: Path, file: Path, *more: str) -> dict[str, Any]:
    done = run_command(folder, "sessions", "import", str(file), "--json", *more)
    value: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if value["failed"] else 0), done.stderr
    return value


def test_chatgpt_s_tree_comes_with_its_branches(tmp_path: Path) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([CHATGPT, {"title": "broken", "mapping": {"x": 7}}]))
    assert imported(tmp_path, file, "--dry-run")["imported"] == 1
    assert json.loads(sessions(tmp_path, "list", "--json")) == []
    done = imported(tmp_path, file)
    assert (done["imported"], done["skipped"], len(done["failed"])) == (1, 0, 1)
    assert imported(tmp_path, file)["skipped"] == 1
    (session,) = json.loads(sessions(tmp_path, "list", "--json"))
    assert (session["title"], session["tags"]) == ("A tree", ["chatgpt"])
    shown = json.loads(sessions(tmp_path, "show", session["id"], "--json"))
    assert {e["choices"][0]["text"] for e in shown["exchanges"]} == {"A cat.", "A dog."}
    assert json.loads(sessions(tmp_path, "search", "cat model:gpt-4o", "--json"))
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(file, "data/conversations.json")
    assert imported(tmp_path, packed)["skipped"] == 1


def test_open_webui_comes_with_models_and_usage(tmp_path: Path) -> None:
    file = tmp_path / "webui.json"
    file.write_text(json.dumps([WEBUI]))
    assert imported(tmp_path, file)["imported"] == 1
    (hit,) = json.loads(sessions(tmp_path, "search", "hello model:llama3 tokens:7", "--json"))
    assert hit["title"] == "From the web"


DATABASES = {
    "llm": """
        CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
        CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
            prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
            conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT,
            input_tokens INTEGER, output_tokens INTEGER, token_details TEXT);
        INSERT INTO conversations VALUES ('c1', 'A talk', 'small');
        INSERT INTO responses VALUES ('r1', 'small', 'Say pelican', 'Be kind', NULL, NULL,
            'Pelican!', NULL, 'c1', 1200, '2026-01-02T03:04:05', 5, 6, NULL);
    """,
    "elia": """
        CREATE TABLE chat (id INTEGER PRIMARY KEY, model TEXT, title TEXT, started_at TEXT,
            archived INTEGER);
        CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, role TEXT, content TEXT,
            timestamp TEXT, meta TEXT, parent_id INTEGER, model TEXT);
        INSERT INTO chat VALUES (1, 'small', 'A talk', '2026-01-02 03:04:05', 0);
        INSERT INTO message VALUES (1, 1, 'system', 'Be kind', NULL, '{}', NULL, NULL),
            (2, 1, 'user', 'Say pelican', '2026-01-02 03:04:05', '{}', NULL, NULL),
            (3, 1, 'assistant', 'Pelican!', '2026-01-02 03:04:09', '{}', 2, 'small');
    """,
    "oterm": """
        CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT, system TEXT,
            format TEXT, parameters TEXT, keep_alive INTEGER, tools TEXT);
        CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT,
            images TEXT DEFAULT '[]');
        INSERT INTO chat VALUES (1, 'A talk', 'small', 'Be kind', NULL, '{}', 5, '[]');
        INSERT INTO message VALUES (1, 1, 'me', 'Say pelican', '[]'),
            (2, 1, 'oterm', 'Pelican!', '[]');
    """,
}


@pytest.mark.parametrize("program", DATABASES)
def test_databases_of_others_come_and_stay_as_they_are(tmp_path: Path, program: str) -> None:
    file = tmp_path / "their.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(DATABASES[program])
    connection.close()
    before = file.read_bytes()
    assert imported(tmp_path, file)["imported"] == 1
    assert imported(tmp_path, file)["skipped"] == 1
    assert file.read_bytes() == before
    (hit,) = json.loads(sessions(tmp_path, "search", "pelican model:small", "--json"))
    shown = json.loads(sessions(tmp_path, "show", hit["session_id"], "--json"))
    assert shown["title"] == "A talk"
    assert shown["tags"] == [program]
    assert shown["system"] == "Be kind"


def test_a_recorded_stream_is_a_session(tmp_path: Path) -> None:
    file = tmp_path / "one.sse"
    file.write_bytes(b"".join(sse(delta("streamed"), delta(finish="length"), usage())))
    assert imported(tmp_path, file)["imported"] == 1
    (hit,) = json.loads(sessions(tmp_path, "search", "streamed finish:length", "--json"))
    assert hit["usage"]["output_tokens"] == 7
    exchange = json.loads(sessions(tmp_path, "show", hit["session_id"], "--json"))["exchanges"][0]
    assert exchange["model"] == exchange["answered_model"]
    assert exchange["timing"]["first_token_ms"] is None


def test_several_files_are_taken_in_and_a_broken_one_costs_no_other(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.sse", "broken.json", "two.sse")]
    files[0].write_bytes(b"".join(sse(delta("first"), delta(finish="stop"))))
    files[1].write_text("no JSON")
    files[2].write_bytes(b"".join(sse(delta("second"), delta(finish="stop"))))
    done = run_command(tmp_path, "sessions", "import", *map(str, files))
    assert done.returncode == 1
    assert "2 sessions with 2 replies imported" in done.stdout
    assert "broken.json was not imported" in done.stderr
    assert json.loads(sessions(tmp_path, "search", "second", "--json"))


def test_an_import_that_is_stopped_goes_on_the_next_time(tmp_path: Path) -> None:
    """Ctrl+C leaves whole sessions, and says so."""
    file = tmp_path / "conversations.json"
    talks = [CHATGPT | {"conversation_id": f"c{n}", "title": "x" * 2_000} for n in range(3_000)]
    file.write_text(json.dumps(talks))
    run_command(tmp_path, "sessions", "list")
    running = subprocess.Popen(
        [*PROGRAM, "sessions", "import", str(file)],
        env=environment(tmp_path), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    database = tmp_path / "data" / "sessions.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for _ in range(6_000):
            if connection.execute("SELECT count(*) FROM session").fetchone()[0] > 20:
                break
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        told = running.communicate(timeout=60)[1]
        assert running.returncode == 130
        assert told == (
            "replyscope: cancelled; imported sessions are kept, and the next import skips them\n"
        )
        taken = connection.execute("SELECT count(*) FROM session").fetchone()[0]
    assert 20 < taken < 3_000
    done = imported(tmp_path, file)
    assert (done["imported"], done["skipped"]) == (3_000 - taken, taken)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("half.json", b'[{"title": "x", "mapping": {'),
        ("deep.json", b"[" * 100_000 + b"]" * 100_000),
        ("other.json", b'{"hello": 1}'),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\xff"),
        ("their.db", b"SQLite format 3\x00" + b"\x07" * 4096),
        ("empty.zip", b"PK\x05\x06" + b"\x00" * 18),
        ("nothing", b""),
    ],
)
def test_what_is_no_export_is_told_as_such(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    done = run_command(tmp_path, "sessions", "import", str(tmp_path / name))
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_stands_alone_in_a_browser(server: LoopbackServer, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    server.answer = lambda _request: reply(f"{HOSTILE} <script>document.title='owned'</script>")
    session_id = filled(tmp_path, server, "A page")
    page = tmp_path / "page.html"
    sessions(tmp_path, "export", session_id, "--format", "html", "-o", str(page))
    shown = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    ).stdout  # fmt: skip
    assert "<title>A page</title>" in shown
    assert "<summary>" in shown
    assert "<script" not in shown
