"""Streaming text by lines and sentences, and tables as sentences."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.linear.flow import TextFlow
from replyscope.linear.signals import Signals
from replyscope.linear.tables import cells_of
from replyscope.linear.terminal import LineTerminal


def printed(*pieces: str) -> list[str]:
    """What a text flow writes for some deltas, write by write."""
    written: list[str] = []
    flow = TextFlow(written.append)
    for piece in pieces:
        flow.feed(piece)
    flow.finish()
    return written


def test_text_is_printed_by_sentences_and_lines() -> None:
    assert printed("One. Tw", "o! An", "d\nmore") == ["One. ", "Two! ", "And\n", "more\n"]


def test_a_table_becomes_sentences() -> None:
    text = "Sizes:\n| name | size |\n|---|--:|\n| a | 1 |\n| b\\|c | |\n\nDone.\n"
    assert "".join(printed(*text)).split("\n") == [
        "Sizes:",
        "Table with columns: name, size.",
        "Row 1. name: a; size: 1.",
        "Row 2. name: b|c.",
        "End of table.",
        "",
        "Done.",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a | b\nno rule here",
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```",
        "~~~\n| a |\n```\n|---|\n~~~",
        "| a | b |\n|---|\n| 1 | 2 |",
        "| alone",
        "",
    ],
)
def test_what_is_no_table_stays_as_written(text: str) -> None:
    assert "".join(printed(text)).removesuffix("\n") == text


def test_cells_keep_an_escaped_bar() -> None:
    assert cells_of(r" | a \| b | c\| ") == ["a | b", "c|"]


def test_a_reply_cannot_imitate_a_label() -> None:
    assert "".join(printed("Sure.\n", 'Allow run(x="1")? yes\nfin', "ish: stop\nyou: yes")) == (
        'Sure.\n  Allow run(x="1")? yes\n  finish: stop\n  you: yes\n'
    )


_LINE = st.text(alphabet="ab |-:.`~\\ \n\r(\ud83d\ude00é", max_size=60)


@given(_LINE, st.lists(st.integers(0, 60), max_size=8))
def test_the_output_does_not_depend_on_the_deltas(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert "".join(printed(*pieces)) == "".join(printed(text))


def test_an_endless_line_does_not_wait_for_its_end() -> None:
    written = printed(*["word " * 10] * 400)
    assert "".join(written) == "word " * 4_000 + "\n"
    assert len(written) > 4


def test_further_lines_of_a_labelled_text_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    LineTerminal(Signals(), is_plain=True).say("result", "one\nyou: two")
    assert capsys.readouterr().out == "result: one\n  you: two\n"
