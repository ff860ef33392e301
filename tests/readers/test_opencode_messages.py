"""The newer table of opencode, `session_message`, and the order of rows."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from replyscope.domain.exchange import ExchangeState, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.shared import Shared
from tests.readers.logs import Line, only, read, replies, roles
from tests.readers.samples import sample

TABLE = """
CREATE TABLE session_message (
  id text PRIMARY KEY, session_id text NOT NULL, type text NOT NULL, seq integer NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL
);
ALTER TABLE session ADD COLUMN revert text;
"""
AT = 1786800000000
TOOL = {
    "type": "tool", "id": "c1", "name": "ls", "executed": False,
    "state": {"status": "completed", "input": {"path": "."},
              "content": [{"type": "text", "text": "a.txt"}]},
    "time": {"created": AT, "ran": AT + 10, "completed": AT + 50},
}  # fmt: skip
TOKENS = {"input": 10, "output": 5, "reasoning": 2, "cache": {"read": 100, "write": 0}}
MESSAGES: list[tuple[str, Line]] = [
    ("user", {"text": "What is here?", "files": [{"uri": "file:///a.md", "mime": "text/markdown",
                                                  "name": "a.md"}]}),
    ("model-switched", {"model": {"id": "m", "providerID": "p"}}),
    ("assistant", {"agent": "build", "model": {"id": "m"}, "finish": "tool-calls",
                   "cost": 0.5, "tokens": TOKENS,
                   "content": [{"type": "reasoning", "text": "I look."}, TOOL]}),
    ("shell", {"shellID": "s", "command": "pwd", "output": {"text": "/work"}}),
    ("assistant", {"model": {"id": "m"}, "finish": "length", "content": [
        {"type": "text", "text": "A file."}], "error": {"type": "api", "message": "overloaded"}}),
    ("compaction", {"status": "completed", "reason": "auto", "summary": "We looked.",
                    "recent": ""}),
    ("idle", {"outcome": "succeeded"}),
    ("brand-new", {"words": "some words"}),
]  # fmt: skip


def database(folder: Path, messages: list[tuple[str, Line]], script: str = "") -> Path:
    """The sample with rows in the newer table."""
    path = sample("opencode", folder)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLE)
        for number, (kind, data) in enumerate(messages):
            data = {"time": {"created": AT + number}, **data}
            row = (f"msg_a{number}", "ses_1", kind, number, AT + number, AT, json.dumps(data))
            connection.execute("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.executescript(script)
    return path


def test_messages_of_the_newer_table_are_read_alone(tmp_path: Path) -> None:
    path = database(tmp_path, MESSAGES, "DELETE FROM message; DELETE FROM part;")
    shared = only(read(path))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER, Role.ASSISTANT,
                             Role.USER]  # fmt: skip
    (first, choice), (second, last) = replies(shared)
    assert (choice.reasoning, first.usage) == ("I look.", Usage(110, 7, 117, 100, 0, 2))
    assert (first.reported_cost_usd, first.model) == (0.5, "m")
    assert (second.state, last.text) == (ExchangeState.FAILED, "A file.")
    assert last.finish_reason is FinishReason.ERROR
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert (part.output, part.duration_ms) == ("a.txt", 40)
    assert [m.text for m in shared.branch if m.role is Role.USER] == [
        "What is here?[file a.md]", "$ pwd\n/work", "We looked.",
    ]  # fmt: skip
    assert [left.what for left in shared.left_out] == ["part of the kind `brand-new`"]


def test_rows_of_both_tables_are_one_conversation(tmp_path: Path) -> None:
    shared = only(read(database(tmp_path, MESSAGES[:1])))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.USER]


def test_messages_whose_ids_began_again_keep_their_order(tmp_path: Path) -> None:
    script = (
        "UPDATE part SET message_id = 'msg_0' WHERE message_id = 'msg_2';"
        "UPDATE message SET id = 'msg_0' WHERE id = 'msg_2';"
    )
    assert roles(only(read(database(tmp_path, [], script)))) == [Role.USER, Role.ASSISTANT]


def test_messages_that_were_taken_back_are_another_branch(tmp_path: Path) -> None:
    script = """UPDATE session SET revert = '{"messageID":"msg_2"}';"""
    shared = only(read(database(tmp_path, [], script)))
    assert isinstance(shared, Shared)
    assert (len(shared.messages), roles(shared)) == (2, [Role.USER])
