"""What one frame costs is bounded, however much of a reply came since the last one."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import ToolCall
from replyscope.domain.message import Role
from replyscope.inspection.arguments import pretty_arguments, readable_beginning
from replyscope.ui.markdown.block import BlockKind
from replyscope.ui.markdown.document import MarkdownDocument
from replyscope.ui.markdown.options import EFFORT
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry
from tests.support.examples import examples
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.ui.app import frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

PALETTE = Palette()
WORDS = "The *quick* brown fox, `x = 1`, jumps over **lazy** dogs. "
SHAPES = {
    "line": "",
    "fence": "```python\n",
    "item": "- ",
    "nested item": "1. one\n   - ",
    "cell": "| a | b |\n|---|---|\n| 1 | ",
    "quote": "> ",
    "heading": "# ",
    "code": "    ",
    "html": "<div>",
    "definition": "[a]: https://example.org ",
    "after a paragraph": "Some words\n",
}
FILLS = {"words": WORDS, "unbroken": "x", "blanks": " ", "backticks": "`", "marks": "- * | # "}
CASES = [
    pytest.param(opening, fill, id=f"{shape}, {kind}")
    for shape, opening in SHAPES.items()
    for kind, fill in FILLS.items()
]
_ONE_PIECE = 3 * 16 * 1024
"""What the last piece of a frame may add: it is parsed, and its tail once more."""


def long_line(opening: str, fill: str, length: int) -> str:
    return opening + (fill * (length // len(fill) + 1))[:length] + "\n\nThe end"


@pytest.mark.parametrize(("opening", "fill"), CASES)
def test_the_middle_of_a_long_line_is_cut_and_never_parsed(opening: str, fill: str) -> None:
    document = MarkdownDocument(long_line(opening, fill, 400_000))
    assert document.blocks
    assert max(len(block.source) for block in document.blocks) < 10_000
    assert document.parsed < 32_000


@pytest.mark.parametrize("step", [1_000, 400_000])
def test_a_long_cell_stays_in_its_column(step: int) -> None:
    text = long_line("| a | b |\n|---|---|\n| 1 | ", WORDS, 40_000)
    document = MarkdownDocument("")
    for start in range(0, len(text), step):
        document.feed(text[start : start + step])
    tables = [block for block in document.blocks if block.kind is BlockKind.TABLE]
    assert len(tables) > 2
    for block in tables[1:]:
        lines = [line.plain for line in document.lines(block, 80, PALETTE)]
        assert len(lines) < 60
        assert all(not line.partition("│")[0].strip() for line in lines)


@examples(60)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from(sorted(FILLS)),
    st.integers(1_900, 12_000),
    st.lists(st.integers(0, 12_000), max_size=12),
    st.sampled_from(["\n", "\r\n", "\n```\n", "\n\n- next\n", "\n| 2 | x |\n"]),
)
def test_a_long_line_in_steps_is_the_line_at_once(
    shape: str, fill: str, length: int, cuts: list[int], after: str
) -> None:
    text = long_line(SHAPES[shape], FILLS[fill], length).replace("\n\nThe end", f"{after}The end")
    document = MarkdownDocument()
    for start, end in pairwise([0, *sorted(c % len(text) for c in cuts), len(text)]):
        document.feed(text[start:end])
        assert document.blocks or not text[:end].strip()
    assert document.blocks == MarkdownDocument(text).blocks


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        ("The quick brown fox (a **fast** one) jumps over lazy dogs. ", ("dogs.",)),
        ("He said “that is all.” Then 3.5 km more, i.e. nothing! ", ("all.”", "i.e.", "nothing!")),
        ("これは日本語の文章です。", ("です。",)),
        ("words without any end ", ("words", "without", "any", "end")),
    ],
)
def test_a_long_paragraph_is_cut_between_sentences_else_between_words(
    sentence: str, ends: tuple[str, ...]
) -> None:
    document = MarkdownDocument(sentence * 400)
    pieces = [block.source.rstrip() for block in document.blocks[:-1]]
    assert len(pieces) > 1
    assert [piece for piece in pieces if not piece.endswith(ends)] == []


def content(text: str, *, is_live: bool, reasoning: str = "") -> EntryContent:
    return EntryContent("m1", Role.ASSISTANT, "model", text, reasoning, is_live=is_live)


PROSE = (WORDS * 8 + "\n\n") * 700
MANY = {"prose": PROSE, "items": "- one\n- two\n" * 12_000, "line": WORDS * 6_000}


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("is_reasoning", [False, True], ids=["text", "reasoning"])
def test_a_frame_lays_out_so_much_and_the_next_ones_the_rest(kind: str, is_reasoning: bool) -> None:
    whole = MANY[kind]
    text, reasoning = ("", whole) if is_reasoning else (whole, "")
    entry = Entry("m1", lambda: content("", is_live=True))
    entry.lay_out(80, PALETTE)
    if is_reasoning:
        entry.toggle_fold()
        entry.lay_out(80, PALETTE)
    entry.update(content(text, reasoning=reasoning, is_live=True))
    costs = [entry.parsed]
    entry.update(content(text, reasoning=reasoning, is_live=False))
    costs.append(entry.parsed)
    while entry.is_behind:
        entry.go_on()
        costs.append(entry.parsed)
    assert max(after - before for before, after in pairwise(costs)) <= EFFORT + _ONE_PIECE
    assert costs[0] <= EFFORT + _ONE_PIECE
    fresh = Entry("m1", lambda: content(text, reasoning=reasoning, is_live=False))
    if is_reasoning:
        fresh.toggle_fold()
    fresh.lay_out(80, PALETTE)
    while fresh.is_behind:
        fresh.go_on()
    assert (entry.cell_count, entry.height(80)) == (fresh.cell_count, fresh.height(80))


def test_what_is_drawn_already_is_not_parsed_again_by_more_of_a_line() -> None:
    text = WORDS * 4_000
    entry = Entry("m1", lambda: content("", is_live=True))
    entry.lay_out(80, PALETTE)
    for end in range(0, len(text), 1_000):
        entry.update(content(text[:end], is_live=True))
    # Each frame parses the tail that is open, which is two slices at most.
    assert entry.parsed < len(text) // 1_000 * 6_000


def test_only_the_beginning_of_long_arguments_is_read() -> None:
    arguments = '{"text": "' + "word " * 200_000
    call = ToolCall("call_1", "function", "write", arguments)
    shown = readable_beginning(call, 20_000)
    assert shown == pretty_arguments(arguments[:20_000])[:20_000]
    short = ToolCall("call_1", "function", "write", '{"a": [1, 2]}')
    assert readable_beginning(short, 20_000) == pretty_arguments('{"a": [1, 2]}')


async def test_a_reply_that_comes_in_one_piece_is_shown_to_its_end(
    server: LoopbackServer, tmp_path: Path
) -> None:
    text = f"{PROSE}The last words"
    server.answer = lambda _request: Answer(chunks=sse(delta(text, finish="stop")))
    async with open_chat(make_app(tmp_path, server.base_url), size=(120, 40)) as pilot:
        await send(pilot, "all of it")
        await until(pilot, lambda: is_idle(pilot), "the end of the reply")
        await until(pilot, lambda: "The last words" in frame(pilot), "the end of the text")
