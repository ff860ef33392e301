"""Tool calls in the conversation: their line, their result, and their place."""

import json
from dataclasses import replace

import pytest

from replyscope.domain.exchange import Choice, OutputItem, ToolCall
from replyscope.domain.message import ReplySource, Role
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.likeness import in_ascii
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import EntryContent, reply_content
from replyscope.ui.transcript.entry import Entry
from tests.support.build import make_exchange, user_message

CALL = ToolCall("c", "function", "calculate", '{"expression": "6*7"}')
DONE = replace(CALL, state=ToolCallState.COMPLETED, result="42", duration_ms=293)
PALETTE = Palette()


def drawn(content: EntryContent, width: int = 80, *, is_unfolded: bool = False) -> list[str]:
    entry = Entry(content.key, lambda: content)
    entry.is_unfolded = is_unfolded
    entry.lay_out(width, PALETTE)
    strips = [strip for cell in range(entry.cell_count) for strip in entry.strips(cell)]
    return [strip.text.rstrip() for strip in strips]


def entry_with(call: ToolCall, text: str = "") -> EntryContent:
    return EntryContent("m", Role.ASSISTANT, "model", text, calls=(call,))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (CALL, '⚙ calculate(expression="6*7")'),
        (DONE, '⚙ calculate(expression="6*7") → 42 · 293 ms ✓'),
        (replace(DONE, duration_ms=None), '⚙ calculate(expression="6*7") → 42 ✓'),
        (replace(CALL, state=ToolCallState.RUNNING), '⚙ calculate(expression="6*7") running…'),
        (
            replace(DONE, state=ToolCallState.FAILED, result="Error: by zero"),
            '⚙ calculate(expression="6*7") → Error: by zero · 293 ms ✗ failed',
        ),
        (
            replace(CALL, state=ToolCallState.REFUSED, result="no"),
            '⚙ calculate(expression="6*7") → no ✗ refused',
        ),
        (replace(DONE, arguments=""), "⚙ calculate() → 42 · 293 ms ✓"),
    ],
)
def test_a_call_is_one_line_with_its_result(call: ToolCall, line: str) -> None:
    assert drawn(entry_with(call)) == ["model", "", line, ""]


def test_a_long_result_shows_two_lines_and_the_rest_unfolded() -> None:
    call = replace(DONE, result="one\ntwo\nthree\nfour")
    lines = drawn(entry_with(call))
    assert lines[2:-1] == [
        '⚙ calculate(expression="6*7") · 293 ms ✓',
        "  → one",
        "    two",
        "    … 2 more lines  [Space]",
    ]
    assert "  four" in drawn(entry_with(call), is_unfolded=True)


@pytest.mark.parametrize("width", [20, 30, 40, 60, 200])
def test_the_mark_stays_in_view_at_every_width(width: int) -> None:
    call = replace(DONE, arguments=json.dumps({"text": "x" * 300}), result="y" * 500)
    lines = drawn(entry_with(call), width)
    assert all(len(line) <= width for line in lines)
    assert "✓" in "".join(lines) or width < 30


def test_in_ascii_the_marks_differ_and_keep_their_width() -> None:
    assert in_ascii("⚙ f() → 42 ✓") == "* f() > 42 v"
    assert in_ascii("✗ failed") == "x failed"


def item(index: int, kind: str) -> OutputItem:
    return OutputItem(index, kind, "{}")


SEARCH = replace(DONE, id="s", kind="web_search_call", name="web_search", result=None)


@pytest.mark.parametrize(
    ("kinds", "calls", "lead"),
    [
        (("web_search_call", "message"), (SEARCH,), 1),
        (("reasoning", "web_search_call", "web_search_call", "message"), (SEARCH, SEARCH), 2),
        (("message", "function_call"), (CALL,), 0),
        (("web_search_call", "message", "function_call"), (SEARCH, CALL), 1),
        (("web_search_call",), (SEARCH,), 1),  # the message's own item comes with its end
        ((), (CALL,), 0),  # Chat Completions
    ],
)
def test_calls_are_drawn_in_the_order_in_which_they_arrived(
    kinds: tuple[str, ...], calls: tuple[ToolCall, ...], lead: int
) -> None:
    items = tuple(item(number, kind) for number, kind in enumerate(kinds))
    exchange = make_exchange(choices=(Choice(0, "The answer.", tool_calls=calls, items=items),))
    source = ReplySource(exchange.id, 0)
    reply = replace(user_message("", "m"), role=Role.ASSISTANT, sources=(source,))
    content = reply_content(reply, {exchange.id: exchange})
    lines = drawn(content)
    text = next(n for n, line in enumerate(lines) if "The answer." in line)
    assert sum(line.startswith("⚙") for line in lines[:text]) == lead
    assert sum(line.startswith("⚙") for line in lines[text:]) == len(calls) - lead
