"""Markdown drawn in steps equals Markdown drawn at once, and stays bounded."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from replyscope.domain.printable import is_printable
from replyscope.ui.markdown.document import MarkdownDocument, draw_text
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.splitter import CHECK_LINES
from tests.support.examples import examples

PALETTE = Palette()
LINES = st.sampled_from(
    [
        "# Title",
        "Some *text* with `code`, **bold** and ~~old~~.",
        "A [link][ref] and [another](https://example.org).",
        "- item",
        "  - nested",
        "    deep text",
        "1. one",
        "7) seven",
        "> quote",
        "> - list in quote",
        "```python",
        "def f(x): return 'a'",
        "```",
        "~~~",
        "| a | b |",
        "|---|--:|",
        "| 1 | 2 |",
        "[ref]: https://example.org 'T'",
        "[ref]: <https://late.org>",
        "---",
        "===",
        "    indented code",
        "<div>html</div>",
        "",
        "",
        "long " * 30,
        "漢字かな交じり文 😀 עברית",
        "\x1b[31mred\x07",
        "word\\",
        "a  ",
    ]
)
TEXTS = st.one_of(
    st.lists(LINES, max_size=90).map("\n".join),
    st.lists(st.tuples(LINES, st.integers(1, 60)), max_size=6).map(
        lambda rows: "\n".join(line for line, n in rows for _ in range(n))
    ),
    st.text(max_size=300),
)


def draw_in_steps(text: str, cuts: list[int], width: int) -> list[str]:
    document = MarkdownDocument()
    edges = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    for start, end in pairwise(edges):
        document.feed(text[start:end])
        for block in document.blocks[-2:]:
            document.draw(block, width, PALETTE)
    return [repr(s) for b in document.blocks for s in document.draw(b, width, PALETTE)]


@examples(150)
@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=25), st.sampled_from([8, 40, 100]))
def test_drawing_in_steps_equals_drawing_at_once(text: str, cuts: list[int], width: int) -> None:
    assert draw_in_steps(text, cuts, width) == [repr(s) for s in draw_text(text, width, PALETTE)]


@examples(80)
@given(TEXTS, st.sampled_from([8, 40, 100]))
def test_nothing_drawn_is_too_wide_or_unprintable(text: str, width: int) -> None:
    for strip in draw_text(text, width, PALETTE):
        assert is_printable(strip.text)
        assert strip.cell_length <= max(width, 16), strip.text


@examples(80)
@given(st.lists(LINES, max_size=CHECK_LINES - 1).map("\n".join))
def test_a_short_text_is_cut_where_markdown_cuts_it(text: str) -> None:
    """Below the first check nothing is cut early: the blocks are the parser's own."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    items = [t for t in tokens if t.level == 1 and t.type == "list_item_open"]
    tops = [t for t in tokens if t.level == 0 and t.map and t.nesting >= 0]
    lists = [t for t in tops if t.type in ("bullet_list_open", "ordered_list_open")]
    assert len(MarkdownDocument(text).blocks) == len(tops) - len(lists) + len(items)


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "x = 1\n" * 5_000,
        "".join(f"- item {n}\n" for n in range(2_000)),
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 500,
        "word " * 40_000,
        "x" * 200_000,
        "> quote\n" * 2_000,
        "1. outer\n" + "   - inner\n" * 2_000,
        "<div>\n" + "row\n" * 2_000,
    ],
    ids=["fence", "list", "table", "line", "unbroken", "quote", "nested", "html"],
)
def test_every_kind_of_block_is_bounded(text: str) -> None:
    document = MarkdownDocument(text)
    blocks = document.blocks
    assert max(len(block.source) for block in blocks) < 10_000
    assert len(blocks) - document.closed_count <= 2 * CHECK_LINES


def test_the_text_of_a_giant_block_is_all_there() -> None:
    fence = "```\n" + "\n".join(f"line {n}" for n in range(500)) + "\n```\nafter"
    lines = [s.text.strip() for s in draw_text(fence, 40, PALETTE)]
    assert [line for line in lines if line] == [*(f"line {n}" for n in range(500)), "after"]
    table = "| n |\n|---|\n" + "\n".join(f"| {n} |" for n in range(300))
    drawn = [s.text.strip() for s in draw_text(table, 40, PALETTE) if s.text.strip()]
    assert drawn[2:] == [str(n) for n in range(300)]


def test_a_late_definition_makes_earlier_text_a_link() -> None:
    document = MarkdownDocument("see [the docs] now\n\n" + "text\n\n" * 100)
    first = document.blocks[0]
    before = document.draw(first, 40, PALETTE)
    document.changed_from = document.closed_count
    document.feed("[the docs]: https://example.org\n\nend")
    assert document.blocks
    assert document.changed_from == 0
    after = document.draw(first, 40, PALETTE)
    assert before[-1].text == "see [the docs] now"
    assert after[-1].text == "see the docs now"


def test_only_harmless_links_can_be_clicked() -> None:
    def metas(text: str) -> list[object]:
        strip = draw_text(text, 60, PALETTE)[-1]
        return [s.style.meta.get("@click") for s in strip if s.style and s.style.meta]

    assert metas("[a](https://x.org)") == [("screen.open_link", ("https://x.org",))]
    assert metas("[a](file:///etc/passwd)") == []
    assert metas("[a](javascript:x)") == []


def test_no_terminal_hyperlink_is_written() -> None:
    strip = draw_text("[a](https://x.org)", 60, PALETTE)[-1]
    assert all(segment.style is None or segment.style.link is None for segment in strip)


def test_a_carriage_return_is_a_line_break_wherever_it_is() -> None:
    pieces = ("- ", "\r", "a", "\n", "> ", "```", "|a|", "|-|", "\r\n", "1. ", " ")
    for parts in product(pieces, repeat=4):
        text = "".join(parts)
        if "\r" not in text or text.endswith("\r"):
            continue
        plain = MarkdownDocument(text.replace("\r\n", "\n").replace("\r", "\n"))
        stepped = MarkdownDocument()
        for character in text:
            stepped.feed(character)
        assert MarkdownDocument(text).blocks == plain.blocks == stepped.blocks
