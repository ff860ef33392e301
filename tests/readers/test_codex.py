"""The rollouts of Codex: replies between reports of usage, tools, rollbacks, older forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import ExchangeState, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.shared import Shared
from replyscope.domain.tool import ToolCallState
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.logs import (
    Line,
    codex_text,
    event,
    item,
    only,
    read,
    replies,
    roles,
    rollout,
    stored,
    taken,
    tokens,
    written,
)

NAME = "rollout-2026-03-01T10-00-00-01a00000-0000-7000-8000-000000000002.jsonl"
META = rollout("session_meta", id="s-1", base_instructions={"text": "You are terse."})
CONTEXT = rollout("turn_context", model="gpt-test-codex")
CALL = item("function_call", name="shell", arguments='{"command":["ls"]}', call_id="c1")
TURN = [
    META,
    codex_text("user", "<environment_context></environment_context>"),
    codex_text("user", "What is here?"),
    CONTEXT,
    event("agent_reasoning", text="I look."),
    item("reasoning", summary=[{"type": "summary_text", "text": "I look."}]),
    CALL,
    tokens(10, input_tokens=8, cached_input_tokens=5, output_tokens=2, total_tokens=10),
    item("function_call_output", call_id="c1", output="a.txt"),
    tokens(10, input_tokens=8, cached_input_tokens=5, output_tokens=2, total_tokens=10),
    codex_text("assistant", "A file."),
    tokens(30, input_tokens=18, output_tokens=2, reasoning_output_tokens=1, total_tokens=20),
    event("task_complete"),
]


def session(folder: Path, lines: list[Line]) -> Shared:
    return only(read(written(folder / NAME, lines)))


def test_a_turn_has_a_reply_for_each_request(tmp_path: Path) -> None:
    shared = session(tmp_path, TURN)
    assert roles(shared)[-4:] == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    (first, choice), (second, last) = replies(shared)
    assert (choice.reasoning, choice.finish_reason) == ("I look.", FinishReason.TOOL_CALLS)
    assert first.usage == Usage(8, 2, 10, 5)
    assert second.usage == Usage(18, 2, 20, reasoning_tokens=1)
    assert (last.text, last.finish_reason, last.finish_reason_raw) == (
        "A file.", FinishReason.STOP, None,
    )  # fmt: skip
    assert {first.model, second.model} == {"gpt-test-codex"}
    assert (shared.session.title, shared.session.settings.system) == (
        "What is here?", "You are terse.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("output", "text", "state", "took"),
    [
        ("a.txt", "a.txt", ToolCallState.COMPLETED, None),
        (json.dumps({"output": "a", "metadata": {"exit_code": 0, "duration_seconds": 1.5}}),
         "a", ToolCallState.COMPLETED, 1500.0),
        (json.dumps({"output": "no", "metadata": {"exit_code": 2}}),
         "no", ToolCallState.FAILED, None),
        ({"content": "no", "success": False}, "no", ToolCallState.FAILED, None),
        ([{"type": "input_text", "text": "a"}], "a", ToolCallState.COMPLETED, None),
        ("Chunk ID: 1\nWall time: 0.5000 seconds\nProcess exited with code 0\nOutput:\na",
         "Chunk ID: 1\nWall time: 0.5000 seconds\nProcess exited with code 0\nOutput:\na",
         ToolCallState.COMPLETED, 500.0),
        ("Exit code: 2\nWall time: 1 seconds\nOutput:\nno",
         "Exit code: 2\nWall time: 1 seconds\nOutput:\nno", ToolCallState.FAILED, 1000.0),
        ('{"found": 1}', '{"found": 1}', ToolCallState.COMPLETED, None),
    ],
)  # fmt: skip
def test_results_of_all_versions_come(
    tmp_path: Path, output: Any, text: str, state: ToolCallState, took: float | None
) -> None:
    lines = [META, CALL, item("function_call_output", call_id="c1", output=output)]
    part = session(tmp_path, lines).messages[-1].parts[0]
    assert isinstance(part, ToolResultPart)
    assert (part.output, part.state, part.duration_ms, part.name) == (text, state, took, "shell")


def test_tools_of_every_kind_are_calls(tmp_path: Path) -> None:
    lines = [
        META,
        item("custom_tool_call", name="apply_patch", input="*** Begin", call_id="c1"),
        item("local_shell_call", call_id="c2", action={"command": ["ls"]}),
        item("web_search_call", id="w", status="completed", action={"query": "birds"}),
    ]
    ((_, choice),) = replies(session(tmp_path, lines))
    assert [(c.kind, c.name, c.arguments) for c in choice.tool_calls] == [
        ("custom", "apply_patch", "*** Begin"),
        ("function", "local_shell", '{"command": ["ls"]}'),
        ("web_search_call", "web_search", '{"query": "birds"}'),
    ]


def test_records_of_usage_are_read_at_once_and_counts_after_them_are_not(tmp_path: Path) -> None:
    first, second = ({"input_tokens": n, "output_tokens": 1} for n in (5, 6))
    lines = [
        META,
        CALL,
        rollout("token_usage_record", response_id="r1", usage=first),
        codex_text("assistant", "A file."),
        tokens(6, input_tokens=5, output_tokens=1),
        rollout("token_usage_record", response_id="r2", usage=second),
    ]
    found = [exchange for exchange, _ in replies(session(tmp_path, lines))]
    assert [(e.response_id, e.usage) for e in found] == [
        ("r1", Usage(5, 1)), ("r2", Usage(6, 1)),
    ]  # fmt: skip


def test_a_turn_that_was_stopped_or_failed_says_so(tmp_path: Path) -> None:
    lines = [
        META,
        codex_text("user", "One"),
        codex_text("assistant", "I beg"),
        event("turn_aborted", reason="interrupted"),
        codex_text("user", "Two"),
        event("error", message="usage limit"),
    ]
    found = replies(session(tmp_path, lines))
    assert [(e.state, c.finish_reason) for e, c in found] == [
        (ExchangeState.CANCELLED, FinishReason.CANCELLED),
        (ExchangeState.FAILED, FinishReason.ERROR),
    ]
    assert found[1][0].failure is not None


def test_a_rollback_makes_a_branch(tmp_path: Path) -> None:
    lines = [
        META,
        codex_text("user", "One"),
        codex_text("assistant", "First."),
        codex_text("user", "Two"),
        codex_text("assistant", "Second."),
        event("thread_rolled_back", num_turns=1),
        codex_text("user", "Other two"),
        codex_text("assistant", "Third."),
        rollout("compacted", message="We counted."),
        codex_text("assistant", "Fourth."),
    ]
    shared = session(tmp_path, lines)
    assert [c.text for _, c in replies(shared)] == ["First.", "Third.", "Fourth."]
    assert [m.text for m in shared.branch if m.role is Role.USER][-1] == "We counted."


def test_a_fork_keeps_its_own_id_and_sub_agents_have_a_tag(tmp_path: Path) -> None:
    meta = rollout("session_meta", id="fork", source={"subagent": {"thread_spawn": {}}})
    fork = session(tmp_path, [meta, *TURN])
    assert "subagent" in fork.tags
    assert fork.session.id != session(tmp_path, TURN).session.id


def test_lines_without_an_envelope_are_read(tmp_path: Path) -> None:
    lines: list[Line] = [
        {"id": "old", "timestamp": "2025-06-01T10:00:00.000Z", "instructions": "Be terse."},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"text": "Yo"}]},
    ]  # fmt: skip
    shared = session(tmp_path, lines)
    assert roles(shared) == [Role.USER, Role.ASSISTANT]
    assert shared.session.settings.system == "Be terse."


def test_a_damaged_first_line_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(
        '{"timestamp":"2026-03-01T10:00:00Z","type":"session_meta","payl\n'
        + "".join(f"{json.dumps(line)}\n" for line in TURN[1:])
    )
    shared = only(read(tmp_path / NAME))
    assert [choice.text for _, choice in replies(shared)][-1] == "A file."
    assert [left.what for left in shared.left_out] == ["damaged line"]


@pytest.mark.parametrize("cut", range(3, len(TURN) + 1))
async def test_a_rollout_that_grows_gives_the_same_as_when_it_is_read_at_once(
    store: SqliteStore, tmp_path: Path, cut: int
) -> None:
    await taken(store, written(tmp_path / NAME, TURN[:cut]))
    await taken(store, written(tmp_path / NAME, TURN))
    whole = session(tmp_path, TURN)
    grown = await stored(store)
    assert grown.messages == whole.messages
    assert grown.exchanges == whole.exchanges


PAGINATED = [
    rollout("session_meta", id="c-1", session_id="c-0", thread_source="subagent",
            history_mode="paginated"),
    rollout("turn_context", model="codex-test"),
    codex_text("user", "Run the tests."),
    event("item_completed",
          item={"type": "UserMessage", "content": [{"type": "text", "text": "Run the tests."}]}),
    item("function_call", name="exec", arguments="{}", call_id="call_1"),
    item("function_call_output", call_id="call_1", output="1 failing"),
    event("item_completed", started_at_ms=1000, completed_at_ms=1500,
            item={"type": "CommandExecution", "id": "call_1", "exit_code": 1}),
    item("agent_message", author="/root", recipient="/root/tester",
            content=[{"type": "input_text", "text": "Only the failing one."}]),
    rollout("inter_agent_communication", author="/root", recipient="/root/tester",
            content="Only the failing one.", trigger_turn=True),
    event("item_completed", item={"type": "Plan", "id": "p", "text": "One."}),
    rollout("world_state", full=True, state={"text": "some words here"}),
    rollout("realtime_item", type="transcript_segment", role="user", text="some words"),
]  # fmt: skip


def test_a_rollout_with_numbers_and_completed_items_is_read(tmp_path: Path) -> None:
    lines = [{"timestamp": line["timestamp"], "ordinal": number, **line}
             for number, line in enumerate(PAGINATED)]  # fmt: skip
    shared = session(tmp_path, lines)
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER, Role.ASSISTANT]
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert (part.state, part.duration_ms) == (ToolCallState.FAILED, 500)
    assert shared.branch[3].text == "[/root → /root/tester]\nOnly the failing one."
    assert [choice.text for _, choice in replies(shared)] == ["", "One."]
    assert "subagent" in shared.tags
    assert [left.what for left in shared.left_out] == ["line of the kind `realtime_item`"]
