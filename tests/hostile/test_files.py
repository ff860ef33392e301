"""Files that are no files, and databases that are traps: refused in a sentence, at once."""

import asyncio
import os
import shutil
import socket
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import strategies as st

from replyscope.cli.rule_effects import TerminalEffects
from replyscope.config.look import read_look
from replyscope.config.mcp import read_mcp_file
from replyscope.config.settings import read_settings
from replyscope.config.themes import read_theme
from replyscope.domain.errors import AttachmentError, ImportFault, LocalModelError, SettingsError
from replyscope.domain.foreign import Unreadable
from replyscope.domain.look import Look
from replyscope.domain.query import parse_query
from replyscope.domain.rule import Action, Rule
from replyscope.domain.tool import ToolSettings
from replyscope.engine.attachments import read_attachment
from replyscope.engine.schemas import read_schema
from replyscope.local.models import EmbeddedModels
from replyscope.toolbox.toolbox import LocalToolbox
from tests.cli.run import run_program
from tests.hostile.bounds import bounded, examine
from tests.support.importing import read_file
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs pipes with names", allow_module_level=True)


def _refused(error: type[Exception], read: Callable[[Path], object]) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        with pytest.raises(error, match=r"not a file|not a|can't be read"):
            read(path)

    return check


class _Heard(TerminalEffects):
    """The effects of rules, with their notifications kept."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notify(self, text: str) -> None:
        self.told.append(text)


def _save_by_rule(path: Path) -> None:
    """The rule says that it failed, and ends."""
    query = parse_query("finish:stop")
    rule = Rule("finish:stop", query, Action.SAVE, 1, None, str(path), ())
    effects = _Heard()
    asyncio.run(effects.save(rule, {"a": 1}))
    assert "not a file" in effects.told[0]


def _load_tools(path: Path) -> None:
    box = LocalToolbox([path], path.parent, None, ToolSettings)
    (_, source) = asyncio.run(box.sources())
    assert "not a file" in source.fault


def _read_servers(path: Path) -> None:
    servers, faults = read_mcp_file(path)
    assert not servers
    assert "not a file" in faults[0]


def _look(path: Path) -> None:
    assert read_look(path) == Look()


_PLACES: dict[str, Callable[[Path], None]] = {
    "an import": _refused(ImportFault, read_file),
    "an attachment": _refused(AttachmentError, read_attachment),
    "a schema": _refused(SettingsError, read_schema),
    "settings": _refused(SettingsError, read_settings),
    "a theme": _refused(SettingsError, read_theme),
    "weights": _refused(
        LocalModelError, lambda path: EmbeddedModels(path.parent, lambda *_: None).add_own(path)
    ),
    "the look": _look,
    "tool servers": _read_servers,
    "a file of tools": _load_tools,
    "what a rule saves to": _save_by_rule,
}


def _made(folder: Path, kind: str) -> Path:
    path = folder / "it"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link to a pipe":
            os.mkfifo(folder / "pipe")
            path.symlink_to("pipe")
        case "socket":
            here = Path.cwd()
            os.chdir(folder)  # a socket's name may not be long
            with closing(socket.socket(socket.AF_UNIX)) as server:
                server.bind("it")
            os.chdir(here)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(f"/dev/{kind}")
    return path


_KINDS = ("pipe", "link to a pipe", "socket", "zero", "tty", "folder")
_PAIRS = [
    (place, kind)
    for place in _PLACES
    for kind in _KINDS
    if (place, kind) != ("an import", "folder")  # an extracted export is one
]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("place", "kind"), _PAIRS)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, place: str, kind: str) -> None:
    with bounded():
        _PLACES[place](_made(tmp_path, kind))


@pytest.mark.timeout(60)
def test_a_command_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe = str(tmp_path / "pipe")
    ask = ["ask", "hi", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]
    for arguments in (["sessions", "import", pipe], [*ask, "--schema", pipe]):
        done = run_program(tmp_path, *arguments)
        assert done.returncode == 2
        assert "it is a pipe, not a file" in done.stderr


_ELIA = {
    "chat": "id, model, title, started_at",
    "message": "id, chat_id, role, content, timestamp, parent_id, model",
}
_OTERM = {
    "chat": "id, name, model, system",
    "message": "id, chat_id, author, text, images",
}
_LLM = {
    "conversations": "id, name, model",
    "responses": "id, conversation_id, model, prompt, system, prompt_json, response, "
    "response_json, options_json, datetime_utc, duration_ms, input_tokens, output_tokens, "
    "token_details, schema_id",
}
_ENDLESS = "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT {} FROM c"


def _view(table: str, columns: str) -> str:
    return f"CREATE VIEW {table} AS {_ENDLESS.format(_as('x', columns))}"


def _view_of_large(table: str, columns: str) -> str:
    return f"CREATE VIEW {table} AS SELECT {_as('zeroblob(400000000)', columns)}"


def _as(value: str, columns: str) -> str:
    return ", ".join(f"{value} AS {column}" for column in columns.split(", "))


def _computed(table: str, columns: str) -> str:
    first, *others = columns.split(", ")
    more = "".join(f", {o} AS (zeroblob(400000000)) VIRTUAL" for o in others)
    return f"CREATE TABLE {table} ({first} INTEGER{more})"


def _computed_and_kept(table: str, columns: str) -> str:
    return f"CREATE TABLE {table} ({columns}, extra AS (hex(zeroblob(40000000))) VIRTUAL)"


def _virtual(table: str, columns: str) -> str:
    return f"CREATE VIRTUAL TABLE {table} USING fts5({columns.replace('rank', 'r')})"


def _plain(table: str, columns: str) -> str:
    return f"CREATE TABLE {table} ({columns})"


_TRICKS: tuple[Callable[[str, str], str], ...] = (
    _plain,
    _view,
    _view_of_large,
    _computed,
    _computed_and_kept,
    _virtual,
)
_VALUES: st.SearchStrategy[object] = st.sampled_from((None, 1, "1", "a", b"\0", 2.5, "x" * 1_000))
_DATABASES = st.tuples(
    st.sampled_from((_ELIA, _OTERM, _LLM)),
    st.lists(st.sampled_from(_TRICKS), min_size=2, max_size=2),
    st.lists(_VALUES, max_size=8),
    st.integers(0, 4),
)


def test_a_database_that_is_a_trap_costs_neither_time_nor_memory(
    tmp_path: Path, suite: Suite
) -> None:
    refused = 0
    path = tmp_path / "a.db"

    def check(
        given: tuple[dict[str, str], list[Callable[[str, str], str]], list[object], int],
    ) -> None:
        nonlocal refused
        tables, tricks, values, rows = given
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as made:
            for (table, columns), trick in zip(tables.items(), tricks, strict=True):
                made.execute(trick(table, columns))
                if trick is _plain and values:
                    count = len(columns.split(", "))
                    row = (values * count)[:count]
                    marks = ", ".join("?" * count)
                    for _ in range(rows):
                        made.execute(f"INSERT INTO {table} VALUES ({marks})", row)
            made.commit()
        try:
            found = list(read_file(path).items)
        except ImportFault:
            refused += 1
            return
        whole = [item for item in found if not isinstance(item, Unreadable)]
        assert not whole or all(trick is _plain for trick in tricks)

    tried = examine(suite, _DATABASES, 2_000, check)
    suite.say(
        f"{tried:,} databases with views and computed columns: {refused:,} refused, the rest plain"
    )


def test_one_value_too_large_costs_its_conversation(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as made:
        for table, columns in _ELIA.items():
            made.execute(_plain(table, columns))
        made.executemany("INSERT INTO chat VALUES (?, 'm', 't', '2026-01-01')", [(1,), (2,)])
        message = "INSERT INTO message VALUES (?, ?, 'user', ?, '2026-01-01', NULL, NULL)"
        made.execute("INSERT INTO message VALUES (1, 1, 'user', zeroblob(60000000), '', NULL, '')")
        made.execute(message, (2, 2, "hello"))
        made.commit()
    bad, good = list(read_file(path).items)
    assert isinstance(bad, Unreadable)
    assert not isinstance(good, Unreadable)


def test_a_journal_that_names_another_file_deletes_nothing(tmp_path: Path) -> None:
    source, path, victim = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "victim.txt"
    with closing(sqlite3.connect(source, isolation_level=None)) as made:
        for table, columns in _ELIA.items():
            made.execute(_plain(table, columns))
        made.execute("PRAGMA cache_size = 1")
        made.execute("BEGIN")
        row = (1, 1, "user", "x" * 500, "", None, None)
        made.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", [row] * 2_000)
        shutil.copy(source, path)
        shutil.copy(f"{source}-journal", f"{path}-journal")
    victim.write_text("precious")
    name = os.fsencode(victim)
    lock_page = 0x40000000 // 4096 + 1
    with (tmp_path / "b.db-journal").open("ab") as journal:
        journal.write(struct.pack(">I", lock_page) + name)
        journal.write(struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7"))
    with pytest.raises(ImportFault, match="names a file of another database"):
        list(read_file(path).items)
    assert victim.read_text() == "precious"
