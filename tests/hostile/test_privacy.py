"""What is not to be saved is not written; what is removed for good is nowhere."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from replyscope.domain.plural import plural
from tests.cli.run import environment
from tests.engine.test_tools import asks, in_turn
from tests.hostile.held import texts_of, words_of_index
from tests.hostile.here import run_here
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.support.suite import Suite

_ROOT = Path(__file__).parents[2]
WORD = "zebrafinch"


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file and folder below, with its size and time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def watched(log: Path, *arguments: str) -> list[str]:
    """The command line of the program with a log of what it writes."""
    return [sys.executable, "-m", "tests.hostile.watched", str(log), *arguments]


def written(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a working folder, a folder for temporary files, and tools."""
    folder = tmp_path / "home"
    for name in ("work", "tmp", "config/tools", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "tools" / "mine.py").write_text(
        'def picture(size: int) -> bytes:\n    """Draw."""\n    return b"secretpicture" * size\n'
        'def say(text: str) -> str:\n    """Say."""\n    return text + " is said"\n'
    )
    (folder / "config" / "settings.toml").write_text(
        '[tools]\nenabled = ["tools:mine.py"]\n[[tools.allow]]\ntool = "tools:mine.py/picture"\n'
        'arguments = { size = "*" }\n'
        '[[tools.allow]]\ntool = "tools:mine.py/say"\narguments = { text = "*" }\n'
    )
    return folder


def _environment(home: Path) -> dict[str, str]:
    return environment(
        home,
        TMPDIR=str(home / "tmp"),
        XDG_CACHE_HOME=str(home / "cache"),
        XDG_STATE_HOME=str(home / "state"),
        PYTHONPATH=str(_ROOT),
        PYTHONDONTWRITEBYTECODE="1",
        SQLITE_TMPDIR=str(home / "tmp"),
    )


def test_ask_that_saves_nothing_writes_nothing(
    server: LoopbackServer, home: Path, tmp_path: Path
) -> None:
    picture = ("picture", json.dumps({"size": 3}))
    in_turn(server, asks(picture), reply("it is drawn"))
    before = tree(home)
    done = subprocess.run(
        watched(tmp_path / "log", "ask", "secretword", "--no-save", "--base-url", server.base_url),
        cwd=home / "work",
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "it is drawn\n", done.stderr
    assert written(tmp_path / "log") == []
    assert tree(home) == before


def _planted(suite: Suite, server: LoopbackServer, home: Path, number: int) -> list[str]:
    """A session with a word of its own in each place that keeps text; the words."""
    chance = suite.dice(f"words {number}")
    places = ("prompt", "reply", "thought", "argument", "title", "tag", "system", "raw")
    word = {place: f"z{chance.randrange(16**14):014x}q" for place in places}
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {
            "name": "calculate",
            "arguments": json.dumps({"expression": word["argument"]}),
        },
    }
    answers = iter([
        Answer(chunks=sse(delta(reasoning_content=word["thought"], tool_calls=[call]),
                          delta(finish="tool_calls"))),
        Answer(chunks=[f": {word['raw']}\n\n".encode(),
                       *sse(delta(f"so {word['reply']} it is"), delta(finish="stop"), usage())]),
    ])  # fmt: skip
    server.answer = lambda _request: next(answers)
    done = run_here(
        home, "ask", f"please {word['prompt']}", "--base-url", server.base_url, "--json",
        "--system", word["system"], "--tools", "calculate", "--yes",
    )  # fmt: skip
    session = json.loads(done.stdout)["session_id"]
    run_here(home, "sessions", "rename", session, word["title"])
    run_here(home, "sessions", "tag", session, "--add", word["tag"])
    run_here(home, "sessions", "search", word["reply"])
    return [session, *word.values()]


def _traces(home: Path, words: list[str]) -> list[str]:
    """Words of which something is left: in any file, packed or not, whole or its end."""
    database = home / "data" / "sessions.db"
    known = words_of_index(database)
    held = texts_of(database).encode()
    raw = b"".join(p.read_bytes() for p in (home / "data").rglob("*") if p.is_file())
    return [w for w in words if w in known or w.encode() in held or w[-8:].encode() in raw]


@pytest.mark.timeout(300)
def test_a_purge_leaves_no_trace(suite: Suite, server: LoopbackServer, home: Path) -> None:
    count = suite.count(12, least=2)
    sessions = [_planted(suite, server, home, number) for number in range(count)]
    database = home / "data" / "sessions.db"
    (home / "data" / "sessions.db.v4.bak").write_bytes(database.read_bytes())
    gone, kept = sessions[::2], sessions[1::2]
    for _, *words in sessions:
        held = texts_of(database)
        assert [w for w in words if w not in held] == []
    run_here(home, "sessions", "delete", *(session for session, *_ in gone))
    done = run_here(home, "sessions", "purge", "--yes")
    assert plural(len(gone), "session") in done.stdout
    assert "The next start overwrites old copies" not in done.stderr
    for _, *words in gone:
        assert _traces(home, words) == []
    for session, *words in kept:
        assert session in run_here(home, "sessions", "list").stdout
        held = texts_of(database)
        assert [w for w in words if w not in held] == []
    suite.say(f"{len(gone)} of {count} sessions purged: no word of theirs is in any file")


def test_a_purge_beside_a_reader_is_finished_later_and_says_so(
    suite: Suite, server: LoopbackServer, home: Path
) -> None:
    session, *words = _planted(suite, server, home, 99)
    run_here(home, "sessions", "delete", session)
    with closing(sqlite3.connect(home / "data" / "sessions.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM session").fetchone()
        done = run_here(home, "sessions", "purge", "--yes")
        assert "1 session with 2 replies" in done.stdout
        assert "The next start overwrites old copies" in done.stderr
    run_here(home, "sessions", "purge", "--yes")
    assert _traces(home, words) == []


if sys.platform != "win32":
    from tests.stories.terminal import ProcessTerminal, Terminal

    def _app(
        home: Path, log: Path, monkeypatch: pytest.MonkeyPatch, server: LoopbackServer, *more: str
    ) -> Terminal:
        monkeypatch.setattr(ProcessTerminal, "program", tuple(watched(log)))
        monkeypatch.chdir(home / "work")
        for name, value in _environment(home).items():
            monkeypatch.setenv(name, value)
        return ProcessTerminal(home, "--base-url", server.base_url, *more)

    def test_a_chat_that_saves_nothing_writes_nothing(
        server: LoopbackServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture = ("picture", json.dumps({"size": 3}))
        before = tree(home)
        with _app(home, tmp_path / "log", monkeypatch, server, "--no-save") as terminal:
            terminal.wait_for("type a message", "test-model")
            in_turn(server, asks(picture), reply("it is drawn"))
            terminal.type("secretword\r")
            terminal.wait_for("it is drawn", "● stop")
            for keys in (
                "/rename secretname\r",
                "/mcp\r",
                '"s": {"command": "x"}\r',
                "\x1b",
                "\x1bOR",
                "secret",
                "\x1b",
                "\x1b",
                "\x14",
            ):
                terminal.type(keys)
                terminal.settle()
            terminal.type("\x1b[B\r")
            terminal.settle()
            terminal.type("a draft that is left\x11")
            assert terminal.wait_for_end() == 0
        assert written(tmp_path / "log") == []
        assert tree(home) == before

    def _quit_twice(terminal: Terminal) -> int:
        terminal.type("\x11")
        terminal.wait_for("private, and gone for good", "[Ctrl+Q] again leaves")
        terminal.type("\x11")
        return terminal.wait_for_end()

    def _terminate(terminal: Terminal) -> int:
        terminal.send_signal(signal.SIGTERM)
        return terminal.wait_for_end()

    def _kill(terminal: Terminal) -> int:
        terminal.kill()
        return 0

    LEAVING: dict[str, Callable[[Terminal], int]] = {
        "Ctrl+Q, asked": _quit_twice,
        "SIGTERM": _terminate,
        "a closed window": Terminal.hang_up,
        "kill -9": _kill,
    }
    IN_THE_SAMPLE = ("Ctrl+Q, asked", "kill -9")

    def _planted_turn() -> list[Answer]:
        """A call whose result is a file, one whose result is text, and the reply."""
        tools = asks(("picture", json.dumps({"size": 3})), ("say", json.dumps({"text": WORD})))
        own = f"remote-{WORD}".encode()
        ids = [c.replace(b"chatcmpl-1", own) for c in tools.chunks if isinstance(c, bytes)]
        return [Answer(chunks=ids), reply(f"{WORD} it is, privately")]

    def _own_ids(terminal: Terminal) -> list[str]:
        """The ids of the session that is shown and of its last exchange, as the screen has them."""
        terminal.wait_for("exchange ")  # the inspector follows the conversation
        exchange = re.search(r"exchange +(\S+)", terminal.screen)
        terminal.type("/export\r")
        terminal.wait_for("Export session as", "This session is private")
        terminal.type("md\r")
        terminal.wait_for("Export to file", ".md")
        path = re.search(r"replyscope-(\w+)\.md", terminal.settle())
        terminal.type("\x1b")
        terminal.settle()
        assert exchange is not None
        assert path is not None
        return [exchange[1], path[1]]

    def _found(home: Path, words: list[str]) -> list[str]:
        """Words that stand in any file, packed or not."""
        database = home / "data" / "sessions.db"
        files = [path for path in home.rglob("*") if path.is_file()]
        raw = b"".join([path.read_bytes() for path in files] + [str(files).encode()])
        held = texts_of(database) + " ".join(words_of_index(database))
        return [word for word in words if word in held or word.encode() in raw]

    def _kept(home: Path) -> dict[str, bytes]:
        """What each file holds; the map of the WAL is memory that processes share."""
        files = [p for p in home.rglob("*") if p.is_file() and not p.name.endswith("-shm")]
        return {str(path.relative_to(home)): path.read_bytes() for path in files}

    @pytest.mark.parametrize(
        "way",
        [
            pytest.param(way, marks=() if way in IN_THE_SAMPLE else pytest.mark.whole)
            for way in LEAVING
        ],
    )
    def test_a_private_session_beside_an_ordinary_one_leaves_no_trace(
        way: str,
        server: LoopbackServer,
        home: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        log = tmp_path / "log"
        with _app(home, log, monkeypatch, server, "--debug") as terminal:
            terminal.wait_for("type a message", "test-model")
            in_turn(server, asks(("picture", json.dumps({"size": 2}))), reply("in the open"))
            terminal.type("openword\r")
            terminal.wait_for("in the open", "● stop")
            terminal.settle(1.0)
            before, writes = _kept(home), written(log)

            server.requests.clear()
            in_turn(server, *_planted_turn())
            terminal.type("/private\r")
            terminal.wait_for("nothing of this session is written to disk", "private · test-model")
            terminal.type(f"my {WORD}\r")
            terminal.wait_for(f"{WORD} it is, privately", "● stop")
            ids = _own_ids(terminal)
            for keys in (f"/rename the {WORD}\r", "/retry\r", f"{WORD} unsent", "\x0e"):
                terminal.type(keys)  # the last begins an ordinary session
                terminal.settle(1.0)
            terminal.wait_for("Private · not saved", "type a message")
            for keys in ("\x0f", "\x1b[H", "\r"):  # the list of sessions, its first row
                terminal.type(keys)
                terminal.settle()
            terminal.wait_for("private · test-model", f"{WORD} unsent")
            terminal.settle(2.5)  # whoever looks after the file has looked
            assert _kept(home) == before
            assert written(log) == writes
            assert LEAVING[way](terminal) == 0

        words = [WORD, "secretpicture" * 3, *ids]
        assert _found(home, words) == []
        assert _found(home, ["openword"]) == ["openword"]
        done = run_here(home, "sessions", "list", "--json")
        assert [session["title"] for session in json.loads(done.stdout)] == ["openword"]
        assert json.loads(run_here(home, "sessions", "search", WORD, "--json").stdout) == []
        with closing(sqlite3.connect(home / "data" / "sessions.db")) as database:
            for table, rows in {"session": 1, "exchange": 2, "prompt": 1, "remote": 1}.items():
                assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,)
