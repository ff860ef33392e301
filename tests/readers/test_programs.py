"""Gemini CLI, opencode, and the exports of services: what each has, and what it lacks."""

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api, ExchangeState, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.shared import Shared
from replyscope.domain.tool import ToolCallState
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.logs import Line, only, read, replies, roles, stored, taken, written
from tests.readers.samples import sample
from tests.support.importing import read_file

HEAD = {"sessionId": "g-1", "projectHash": "abc", "startTime": "2026-03-01T10:00:00.000Z"}


def gemini(key: str, kind: str, content: Any, **more: Any) -> Line:
    return {"id": key, "timestamp": "2026-03-01T10:00:01.000Z", "type": kind, "content": content,
            **more}  # fmt: skip


def chat(folder: Path, *lines: Line) -> Shared:
    return only(read(written(folder / "session-1.jsonl", [HEAD, *lines])))


RUN = {"id": "c1", "name": "ls", "args": {"path": "."}, "status": "executing"}
RAN = RUN | {
    "status": "success",
    "result": [{"functionResponse": {"id": "c1", "name": "ls", "response": {"output": "a"}}}],
}
CHAT = (
    gemini("u1", "user", [{"text": "What is here?"}]),
    gemini("g2", "gemini", "", model="gemini-test", toolCalls=[RUN]),
    gemini("g2", "gemini", "", model="gemini-test", toolCalls=[RAN],
           tokens={"input": 5, "output": 1, "cached": 2, "thoughts": 3, "total": 9}),
    gemini("g3", "gemini", [{"text": "A file."}], model="gemini-test"),
)  # fmt: skip


def test_a_message_of_gemini_that_is_written_again_is_one_reply(tmp_path: Path) -> None:
    shared = chat(tmp_path, *CHAT)
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    (first, choice), (second, _) = replies(shared)
    assert first.usage == Usage(5, 4, 9, 2, reasoning_tokens=3)
    assert (choice.finish_reason, second.usage) == (FinishReason.TOOL_CALLS, None)
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert part.output == "a"


@pytest.mark.parametrize("reply", [RUN, RAN])
def test_a_result_of_gemini_that_comes_as_a_message_is_the_result(
    tmp_path: Path, reply: Line
) -> None:
    shared = chat(
        tmp_path,
        gemini("u0", "user", "<session_context>Linux</session_context>"),
        CHAT[0],
        gemini("g2", "gemini", "", toolCalls=[reply]),
        gemini("u3", "user", RAN["result"]),
        CHAT[3],
    )
    assert [role.value for role in roles(shared)] == [
        "user", "user", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert [p.output for p in shared.branch[3].parts if isinstance(p, ToolResultPart)] == ["a"]
    assert shared.session.title == "What is here?"


def test_going_back_in_gemini_makes_a_branch(tmp_path: Path) -> None:
    lines = [
        *CHAT,
        gemini("u4", "user", "And?"),
        gemini("g5", "gemini", "No."),
        {"$rewindTo": "u4"},
        gemini("u6", "user", "Or?"),
        gemini("g7", "gemini", "Yes."),
        {"$set": {"summary": "Files", "kind": "subagent"}},
    ]
    shared = chat(tmp_path, *lines)
    assert [c.text for _, c in replies(shared)] == ["", "A file.", "Yes."]
    assert len(shared.messages) == 8
    assert (shared.session.title, "subagent" in shared.tags) == ("Files", True)


@pytest.mark.parametrize("cut", range(2, len(CHAT) + 2))
async def test_a_chat_that_grows_gives_the_same(
    store: SqliteStore, tmp_path: Path, cut: int
) -> None:
    lines = [HEAD, *CHAT]
    await taken(store, written(tmp_path / "session-1.jsonl", lines[:cut]))
    await taken(store, written(tmp_path / "session-1.jsonl", lines))
    grown, whole = await stored(store), chat(tmp_path, *CHAT)
    assert (grown.messages, grown.exchanges) == (whole.messages, whole.exchanges)


async def test_a_chat_of_an_older_version_grows_too(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "session-1.json"
    path.write_text(json.dumps(HEAD | {"messages": [CHAT[0], CHAT[1]]}))
    await taken(store, path)
    path.write_text(json.dumps(HEAD | {"messages": [CHAT[0], CHAT[2], CHAT[3]]}))
    assert (await taken(store, path)).grown == 1
    assert len((await stored(store)).messages) == 4


def opencode(path: Path, *parts: Line, **message: Any) -> Path:
    """The sample of opencode, with other parts of its reply."""
    database = sample("opencode", path)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM part WHERE message_id = 'msg_2'")
        for number, part in enumerate(parts):
            row = (f"prt_{number:02}", "msg_2", "ses_1", 1, 1, json.dumps(part))
            connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
        (text,) = connection.execute("SELECT data FROM message WHERE id = 'msg_2'").fetchone()
        data = {**json.loads(text), **message}
        connection.execute("UPDATE message SET data = ? WHERE id = 'msg_2'", (json.dumps(data),))
    return database


def tool(call_id: str, status: str, **state: Any) -> Line:
    state = {"status": status, "input": {"path": "."}, **state}
    return {"type": "tool", "callID": call_id, "tool": "ls", "state": state}


def step(reason: str, given: int, out: int) -> Line:
    tokens = {"input": given, "output": out, "reasoning": 2, "cache": {"read": 100, "write": 0}}
    return {"type": "step-finish", "reason": reason, "cost": 0.5, "tokens": tokens}


def test_each_step_of_opencode_is_a_reply(tmp_path: Path) -> None:
    path = opencode(
        tmp_path,
        {"type": "step-start"},
        tool("c1", "completed", output="a", time={"start": 1000, "end": 1040}),
        tool("c2", "error", error="denied", time={"start": 1000, "end": 1001}),
        step("tool-calls", 10, 5),
        {"type": "step-start"},
        {"type": "text", "text": "A file."},
        step("length", 20, 3),
    )
    shared = only(read(path))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    (first, choice), (second, last) = replies(shared)
    assert (first.usage, second.usage) == (
        Usage(110, 7, 117, 100, 0, 2), Usage(120, 5, 125, 100, 0, 2),
    )  # fmt: skip
    assert (first.reported_cost_usd, second.reported_cost_usd) == (0.5, 0.5)
    assert (choice.finish_reason, last.finish_reason) == (
        FinishReason.TOOL_CALLS, FinishReason.LENGTH,
    )  # fmt: skip
    results = [p for p in shared.branch[2].parts if isinstance(p, ToolResultPart)]
    assert [(r.output, r.state, r.duration_ms) for r in results] == [
        ("a", ToolCallState.COMPLETED, 40),
        ("denied", ToolCallState.FAILED, 1),
    ]


def test_the_figures_of_a_message_with_one_step_are_its_own(tmp_path: Path) -> None:
    ((exchange, choice),) = replies(only(read(sample("opencode", tmp_path))))
    assert exchange.usage == Usage(950, 15, 965, 800, 50, 5)
    assert (exchange.timing.duration_ms, exchange.timing.first_token_ms) == (3000, 500)
    assert (exchange.reported_cost_usd, choice.finish_reason_raw) == (0.002, "stop")


@pytest.mark.parametrize(
    ("name", "state", "finish"),
    [
        ("MessageOutputLengthError", ExchangeState.COMPLETED, FinishReason.LENGTH),
        ("MessageAbortedError", ExchangeState.CANCELLED, FinishReason.CANCELLED),
        ("APIError", ExchangeState.FAILED, FinishReason.ERROR),
    ],
)
def test_errors_of_opencode_are_the_ends_of_replies(
    tmp_path: Path, name: str, state: ExchangeState, finish: FinishReason
) -> None:
    error = {"name": name, "data": {"message": "overloaded"}}
    path = opencode(tmp_path, {"type": "text", "text": "I beg"}, error=error, cost=0, finish=None)
    ((exchange, choice),) = replies(only(read(path)))
    assert (exchange.state, choice.finish_reason) == (state, finish)
    assert exchange.reported_cost_usd is None


async def test_a_session_of_opencode_that_grows_is_added_to(
    store: SqliteStore, tmp_path: Path
) -> None:
    (tmp_path / "before").mkdir()
    running = opencode(tmp_path / "before", {"type": "step-start"}, tool("c1", "running"))
    await taken(store, running)
    done = tool("c1", "completed", output="a")
    await taken(store, opencode(tmp_path, {"type": "step-start"}, done, step("tool-calls", 1, 1)))
    grown = await stored(store)
    assert [message.role for message in grown.messages] == [Role.USER, Role.ASSISTANT, Role.TOOL]
    (exchange,) = grown.exchanges.values()
    assert exchange.choices[0].tool_calls[0].state is ToolCallState.COMPLETED


def test_a_damaged_file_of_opencode_costs_only_itself(tmp_path: Path) -> None:
    folder = sample("opencode-files", tmp_path)
    (folder / "part" / "msg_4" / "prt_8.json").write_text("{")
    (folder / "session" / "project" / "ses_9.json").write_text("[]")
    found = read(folder)
    assert [type(one).__name__ for one in found] == ["Shared", "Unreadable"]
    assert isinstance(found[0], Shared)
    assert [left.what for left in found[0].left_out] == ["damaged file"]
    assert found[0].session.settings.system == "You watch birds."


def test_the_folder_of_opencode_is_read_from_a_zip(tmp_path: Path) -> None:
    folder = sample("opencode-files", tmp_path)
    with zipfile.ZipFile(tmp_path / "storage.zip", "w") as archive:
        for file in (one for one in folder.rglob("*") if one.is_file()):
            archive.write(file, f"storage/{file.relative_to(folder).as_posix()}")
    batch = read_file(tmp_path / "storage.zip")
    assert [c.text for _, c in replies(only(list(batch.items)))] == ["A pelican."]
    assert batch.place() == batch.size


def observation(key: str, messages: list[Line], answer: Any, **more: Any) -> Line:
    return {"id": key, "traceId": "t", "type": "GENERATION", "model": "m", "input": messages,
            "startTime": "2026-03-01T10:00:00.000Z", "output": answer, **more}  # fmt: skip


ASKED = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "What is here?"}]
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "function": {"name": "ls", "arguments": "{}"}}],
}
GIVEN = {"role": "tool", "tool_call_id": "c1", "content": "a.txt"}
ANSWER = {"role": "assistant", "content": "A file."}


@pytest.mark.parametrize("usage", [{}, {"usageDetails": {"input": 10, "output": 2, "total": 12}}])
@pytest.mark.parametrize("is_reversed", [False, True])
async def test_requests_of_langfuse_that_extend_each_other_are_one_session(
    store: SqliteStore, tmp_path: Path, is_reversed: bool, usage: Line
) -> None:
    entries = [
        observation("1", ASKED, CALLED, **usage),
        observation("2", [*ASKED, CALLED, GIVEN], ANSWER, **usage),
        {"id": "3", "traceId": "t", "type": "SPAN", "startTime": "2026-03-01T10:00:00.000Z"},
    ]
    path = tmp_path / "observations.json"
    path.write_text(json.dumps(entries[::-1] if is_reversed else entries))
    done = await taken(store, path)
    assert (done.taken, done.replies, done.failed) == (1, 2, ())
    found = await stored(store)
    assert [m.role for m in found.branch] == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    wanted = Usage(10, 2, 12) if usage else None
    assert [(e.model, e.usage) for e in found.exchanges.values()] == [("m", wanted)] * 2
    assert (await taken(store, path)).known == 1
    assert found.session.settings.system == "Be terse."


def test_rows_of_storage_exports_are_read(tmp_path: Path) -> None:
    row = {"id": "1", "trace_id": "t", "type": "GENERATION", "provided_model_name": "m",
           "start_time": "2026-03-01 10:00:00.000000", "end_time": "2026-03-01 10:00:01.000000",
           "input": json.dumps(ASKED), "output": json.dumps(ANSWER), "level": "ERROR",
           "status_message": "overloaded", "usage_details": {}, "total_cost": 0}  # fmt: skip
    path = tmp_path / "observations.jsonl"
    path.write_text(json.dumps(row) + "\n")
    ((exchange, choice),) = replies(only(read(path)))
    assert (exchange.state, exchange.timing.duration_ms) == (ExchangeState.FAILED, 1000)
    assert (exchange.usage, exchange.reported_cost_usd) == (None, None)
    assert choice.text == "A file."


RESPONSE = {
    "object": "response",
    "id": "resp_1",
    "created_at": 1772359200,
    "model": "m",
    "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "instructions": "Be terse.",
    "max_output_tokens": 16,
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "I look."}]},
        {"type": "message", "content": [{"type": "output_text", "text": "A fi"}]},
    ],
    "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 16,
              "output_tokens_details": {"reasoning_tokens": 12}, "total_tokens": 25},
}  # fmt: skip


def test_responses_of_openai_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(RESPONSE | {"input": "What is here?"}) + "\n")
    shared = only(read(path))
    ((exchange, choice),) = replies(shared)
    assert (exchange.api, exchange.max_tokens) == (Api.RESPONSES, 16)
    assert (choice.finish_reason, choice.text) == (FinishReason.LENGTH, "A fi")
    assert (choice.reasoning, exchange.usage) == ("I look.", Usage(9, 16, 25, 4, None, 12))
    assert (shared.session.title, shared.session.settings.system) == ("What is here?", "Be terse.")


def test_batches_and_logged_pairs_of_openai_are_read(tmp_path: Path) -> None:
    choices = [{"index": 0, "finish_reason": "length", "message": ANSWER}]
    body = {"object": "chat.completion", "id": "x", "created": 1, "model": "m", "choices": choices}
    entries = [
        {"custom_id": "1", "response": {"status_code": 200, "request_id": "r", "body": body}},
        {"request": {"model": "m", "messages": ASKED}, "response": body},
        {"input": {"messages": ASKED[1:]}, "output": {**body, "choices": choices * 2}},
        {"custom_id": "4", "response": None, "error": {"message": "expired"}},
    ]
    path = tmp_path / "batch.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in entries))
    *sessions, fault = read_file(path).items
    assert [len(s.exchanges) for s in sessions if isinstance(s, Shared)] == [1, 1, 2]
    assert "expired" in str(fault)
