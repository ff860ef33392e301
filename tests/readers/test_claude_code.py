"""The logs of Claude Code: trees, replies in several lines, tools, sub-agents, growth."""

from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import ExchangeState, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import Unreadable
from replyscope.domain.message import ImagePart, Message, Role, TextPart, ToolResultPart
from replyscope.domain.shared import Shared
from replyscope.domain.tool import ToolCallState
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.logs import (
    SESSION,
    asks,
    claude,
    gives,
    log,
    only,
    read,
    replies,
    roles,
    says,
    stored,
    taken,
    uses,
)

WITH_TOOLS = [
    asks("u1", None, "What is here?"),
    says("a2", "u1", "msg_1", {"type": "thinking", "thinking": "I look.", "signature": "x"}),
    says("a3", "a2", "msg_1", "Let me see."),
    says("a4", "a3", "msg_1", uses("t1", command="ls"), "tool_use"),
    says("a5", "a4", "msg_1", uses("t2", command="pwd"), "tool_use"),
    asks("r6", "a4", [gives("t1", "a.txt")], toolUseResult={"durationMs": 40}),
    asks("r7", "a5", [gives("t2", [{"type": "text", "text": "no"}], is_error=True)]),
    says("a8", "r7", "msg_2", "A file.", "end_turn"),
]
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def test_the_lines_of_a_message_are_one_reply_and_its_results_one_message(tmp_path: Path) -> None:
    shared = only(read(log(tmp_path, WITH_TOOLS)))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    (first, choice), (_, last) = replies(shared)
    assert (choice.reasoning, choice.text) == ("I look.", "Let me see.")
    assert [(c.id, c.name, c.arguments) for c in choice.tool_calls] == [
        ("t1", "Bash", '{"command": "ls"}'),
        ("t2", "Bash", '{"command": "pwd"}'),
    ]
    assert (choice.finish_reason, choice.finish_reason_raw) == (FinishReason.TOOL_CALLS, "tool_use")
    assert first.usage == Usage(310, 5, 315, 300, None)
    assert (first.response_id, first.model) == ("msg_1", "claude-test-1")
    assert last.finish_reason is FinishReason.STOP
    results = [part for m in shared.branch for part in m.parts if isinstance(part, ToolResultPart)]
    assert [(r.call_id, r.output, r.state, r.duration_ms) for r in results] == [
        ("t1", "a.txt", ToolCallState.COMPLETED, 40),
        ("t2", "no", ToolCallState.FAILED, None),
    ]


def test_what_is_not_in_the_log_stays_unknown(tmp_path: Path) -> None:
    line = says("a2", "u1", "msg_1", "Yes.")
    del line["message"]["usage"], line["message"]["model"]
    ((exchange, choice),) = replies(only(read(log(tmp_path, [asks("u1", None, "?"), line]))))
    assert exchange.usage is None
    assert exchange.model == "unknown"
    assert exchange.timing.first_token_ms is None
    assert (choice.finish_reason, choice.finish_reason_raw) == (FinishReason.UNSTATED, None)


def test_going_back_to_a_message_makes_a_branch(tmp_path: Path) -> None:
    lines = [
        asks("u1", None, "One"),
        says("a2", "u1", "m1", "First.", "end_turn"),
        asks("u3", "a2", "Two"),
        says("a4", "u3", "m2", "Second.", "end_turn"),
        asks("u5", "a2", "Other two"),
        says("a6", "u5", "m3", "Third.", "end_turn"),
    ]
    shared = only(read(log(tmp_path, lines)))
    assert [choice.text for _, choice in replies(shared)] == ["First.", "Third."]
    assert len(shared.messages) == 6


def test_sub_agents_are_sessions_of_their_own(tmp_path: Path) -> None:
    lines = [
        asks("u1", None, "Do it."),
        says("a2", "u1", "m1", uses("t1", "Task", prompt="Look"), "tool_use"),
        asks("s3", None, "Look", isSidechain=True),
        says("s4", "s3", "m2", "Seen.", "end_turn", isSidechain=True),
        asks("s5", None, "Look again", isSidechain=True, agentId="a-b"),
        says("s6", "s5", "m3", "Seen again.", "end_turn", isSidechain=True, agentId="a-b"),
        asks("r7", "a2", [gives("t1", "Seen.")]),
        says("a8", "r7", "m4", "Done.", "end_turn"),
    ]
    found = [one for one in read(log(tmp_path, lines)) if isinstance(one, Shared)]
    assert {s.session.title: ("subagent" in s.tags, roles(s)) for s in found} == {
        "Do it.": (False, [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]),
        "Look": (True, [Role.USER, Role.ASSISTANT]),
        "Look again": (True, [Role.USER, Role.ASSISTANT]),
    }


def test_lines_between_messages_keep_the_chain_together(tmp_path: Path) -> None:
    lines = [
        asks("u1", None, "Hello"),
        claude("progress", "p2", "u1", data={"type": "hook_progress"}),
        claude("attachment", "p3", "p2", attachment={"type": "todo", "content": "two words"}),
        says("a4", "p3", "m1", "Hi.", "end_turn"),
        claude("system", "c5", None, subtype="compact_boundary", logicalParentUuid="a4",
               content="Conversation compacted"),
        asks("u6", "c5", "We said hello.", isCompactSummary=True),
        says("a7", "u6", "m2", "Go on.", "end_turn"),
    ]  # fmt: skip
    shared = only(read(log(tmp_path, lines)))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT]
    assert {left.what for left in shared.left_out} == {
        "line of the kind `attachment/todo`",
        "line of the kind `system/compact_boundary`",
    }


def test_errors_and_interruptions_are_the_ends_of_replies(tmp_path: Path) -> None:
    error = says("a4", "u3", "m2", "API Error: 529 overloaded", isApiErrorMessage=True)
    error["message"]["model"] = "<synthetic>"
    lines = [
        asks("u1", None, "Hello"),
        says("a2", "u1", "m1", "I beg"),
        asks("u3", "a2", [{"type": "text", "text": "[Request interrupted by user]"}]),
        error,
        asks("u5", "a4", "Again"),
        says("a6", "u5", "m3", "Long", "max_tokens"),
    ]
    found = replies(only(read(log(tmp_path, lines))))
    assert found[1][0].usage is None
    assert [(e.state, c.finish_reason) for e, c in found] == [
        (ExchangeState.CANCELLED, FinishReason.CANCELLED),
        (ExchangeState.FAILED, FinishReason.ERROR),
        (ExchangeState.COMPLETED, FinishReason.LENGTH),
    ]


def test_pictures_and_words_of_a_message_come(tmp_path: Path) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    result = [{"type": "image", "source": source}]
    lines = [
        asks("u1", None, content),
        says("a2", "u1", "m1", uses("t1", "Read"), "tool_use"),
        asks("r3", "a2", [gives("t1", result), {"type": "text", "text": "And this?"}]),
    ]
    shared = only(read(log(tmp_path, lines)))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER]
    assert isinstance(shared.messages[0].parts[0], ImagePart)
    (shown,) = [p.output for m in shared.messages for p in m.parts if isinstance(p, ToolResultPart)]
    assert shown == f"[image image/png, {len(PNG)} characters]"
    assert shared.messages[-1].parts == (TextPart("And this?"),)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ({"type": "summary", "summary": "A sum", "leafUuid": "a8"}, "A sum"),
        ({"type": "summary", "summary": "Of another", "leafUuid": "zz"}, "What is here?"),
        ({"type": "ai-title", "aiTitle": "By a model", "sessionId": SESSION}, "By a model"),
        ({"type": "custom-title", "customTitle": "Mine", "sessionId": SESSION}, "Mine"),
    ],
)
@pytest.mark.parametrize("place", [0, 8])
def test_a_session_has_the_title_that_the_log_gives_it(
    tmp_path: Path, line: dict[str, str], title: str, place: int
) -> None:
    lines = [*WITH_TOOLS[:place], line, *WITH_TOOLS[place:]]
    assert only(read(log(tmp_path, lines))).session.title == title


def test_bad_lines_cost_themselves_and_are_counted(tmp_path: Path) -> None:
    bad = ['{"uuid": "x", "par', "[1]", '{"type":"user","uuid":7}', "null", "\x00"]
    lines: list[Any] = [*WITH_TOOLS[:3], *bad, *WITH_TOOLS[3:]]
    shared = only(read(log(tmp_path, lines)))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    assert {(left.what, left.why): left.count for left in shared.left_out} == {
        ("damaged line", "it is not JSON"): 2,
        ("damaged line", "it is not a JSON object"): 2,
    }


def test_a_log_of_damaged_lines_alone_is_told(tmp_path: Path) -> None:
    lines = ['{"parentUuid":null, "x', '{"parentUuid":null, "y']
    assert read(log(tmp_path, lines)) == [
        Unreadable(f"{SESSION}.jsonl", "2 lines of it can't be read: it is not JSON")
    ]


@pytest.mark.parametrize("cut", range(1, len(WITH_TOOLS) + 1))
async def test_a_log_that_grows_gives_the_same_as_when_it_is_read_at_once(
    store: SqliteStore, tmp_path: Path, cut: int
) -> None:
    await taken(store, log(tmp_path, WITH_TOOLS[:cut]))
    await taken(store, log(tmp_path, WITH_TOOLS))
    whole = only(read(log(tmp_path, WITH_TOOLS)))
    grown = await stored(store)
    assert grown.messages == whole.messages
    assert grown.exchanges == whole.exchanges
    assert grown.session.head_id == whole.session.head_id
    assert (await taken(store, log(tmp_path, WITH_TOOLS))).known == 1


async def test_a_session_that_was_continued_here_keeps_its_branch(
    store: SqliteStore, tmp_path: Path
) -> None:
    await taken(store, log(tmp_path, WITH_TOOLS[:3]))
    before = await stored(store)
    mine = await _go_on(store, before.session.id)
    done = await taken(store, log(tmp_path, WITH_TOOLS))
    after = await stored(store)
    assert done.grown == 1
    assert after.session.head_id == mine
    assert len(after.messages) == 5


async def _go_on(store: SqliteStore, session_id: str) -> str:
    """A message of the person at the end of a session."""
    found = await store.load_session(session_id)
    last = found.messages[-1]
    mine = Message("mine", Role.USER, (TextPart("And?"),), last.created_at, last.id)
    await store.add_message(session_id, mine)
    return mine.id


async def test_a_copy_of_a_session_shares_its_replies(store: SqliteStore, tmp_path: Path) -> None:
    other = SESSION.replace("1", "9")
    await taken(store, log(tmp_path, WITH_TOOLS))
    copy = tmp_path / f"{other}.jsonl"
    text = log(tmp_path, WITH_TOOLS).read_text().replace(SESSION, other)
    copy.write_text(text)
    await taken(store, copy)
    ids = [one.id for one in await store.list_sessions()]
    loaded = [await store.load_session(one) for one in ids]
    assert len(loaded) == 2
    assert set(loaded[0].exchanges) == set(loaded[1].exchanges)


async def test_a_title_that_comes_later_is_taken_until_the_person_gives_one(
    store: SqliteStore, tmp_path: Path
) -> None:
    await taken(store, log(tmp_path, WITH_TOOLS))
    assert (await stored(store)).session.title == "What is here?"
    title = {"type": "ai-title", "aiTitle": "Files", "sessionId": SESSION}
    await taken(store, log(tmp_path, [*WITH_TOOLS, title]))
    assert (await stored(store)).session.title == "Files"
    later = {"type": "custom-title", "customTitle": "Other", "sessionId": SESSION}
    await taken(store, log(tmp_path, [*WITH_TOOLS, title, later]))
    assert (await stored(store)).session.title == "Files"


def test_what_the_person_wrote_while_a_reply_streamed_is_a_message(tmp_path: Path) -> None:
    def queued(uuid: str, parent: str, words: str, **more: Any) -> dict[str, Any]:
        about = {"type": "queued_command", "prompt": words, "commandMode": "prompt", **more}
        return claude("attachment", uuid, parent, attachment=about)

    shared = only(
        read(
            log(
                tmp_path,
                [
                    asks("u1", None, "Look."),
                    says("a2", "u1", "msg_1", uses("t1"), "tool_use"),
                    asks("r3", "a2", [gives("t1", "a.txt")]),
                    queued("q4", "r3", "and the tests", origin={"kind": "human"}),
                    queued("q5", "q4", "<task-notification>", commandMode="task-notification"),
                    says("a6", "q5", "msg_2", "Both.", "end_turn"),
                ],
            )
        )
    )
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER, Role.ASSISTANT]
    assert shared.branch[3].text == "and the tests"


def test_lines_beside_the_tree_that_are_not_known_are_reported(tmp_path: Path) -> None:
    lines = [
        asks("u1", None, "Look."),
        {"type": "context-collapse-commit", "sessionId": SESSION, "summary": "the first exchange"},
        {"type": "last-prompt", "sessionId": SESSION, "lastPrompt": "Look at it."},
        {"type": "queue-operation", "operation": "enqueue", "content": "Look at it."},
    ]
    shared = only(read(log(tmp_path, lines)))
    assert [left.what for left in shared.left_out] == ["line of the kind `context-collapse-commit`"]
