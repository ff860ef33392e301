"""Whatever a model writes: the same blocks in any steps, drawn soon, and only drawn."""

import pytest
from hypothesis import strategies as st

from tests.hostile.bounds import examine
from tests.hostile.entries import drawn
from tests.hostile.payload import hostile
from tests.support.suite import Suite

_PIECES = st.sampled_from((
    "\n", "\n\n", "# ", "- ", "* ", "1. ", "> ", ">", "```", "```py\n", "~~~", "    ", "\t", "|",
    "---",
    "|---|---|\n", "| a | b |\n", "*", "**", "_", "`", "``", "[", "]", "](", "[a]: http://x\n",
    "[a]",
    "![", "<b>", "</b>", "<!--", "-->", "<http://x>", "http://x.y/z", "&amp;", "&#0;", "&#27;",
    "&#x202e;", "\\", "\r", "\r\n", "\0", "\x1b]0;x\x07", "\x9b", "\u202e", "\ud800", "\u2028",
    "日本", "👩‍👩‍👧", "e\u0301", "word ", "x" * 50, "***", "===", "~~", "<script>", "$$",
    "\u200b", "\v", "\f",
))  # fmt: skip
_TEXTS = st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=80))
_STEPS = st.lists(st.integers(1, 30), min_size=1, max_size=5).map(tuple)


def test_any_markdown_is_drawn_alike_in_any_steps(suite: Suite) -> None:
    tried = examine(suite, st.tuples(_TEXTS, _STEPS), 10_000, lambda pair: drawn(*pair))
    suite.say(f"{tried:,} Markdown texts in random steps: drawn alike, and only drawn")


_PATHOLOGICAL = [
        *(mark * 10_000 for mark in (">", "[", "*", "`", "_", "<", "(", "![", "#", "~", "|", "\\",
                                     "&", "-", "> ", "- ", "* _", "[a](", "<a ", "**a ", "`a ",
                                     "\n>", "\n- ", "\n\n", "](", "~~a", "&#27;", "http://")),
        "|" + "a|" * 10_000 + "\n|" + "-|" * 10_000 + "\n|" + "b|" * 10_000,
        "|a|\n|-|\n" + "|b" * 10_000 + "|",
        "".join(f"[{n}]: http://x/{n}\n" for n in range(5_000)) + "[1] " * 3_000,
        "[" + "a" * 200_000 + "]: http://x\n",
        "\n".join("  " * n + "- x" for n in range(500)),
        "\n".join(" " * n + "> x" for n in range(500)),
        "> " * 500 + "- " * 500 + "x",
        "x" * 200_000,
        "\r" * 20_000,
        "\0" * 20_000,
        "\ud800" * 20_000,
        "\u202e" * 20_000,
        "e" + "\u0301" * 50_000,
        "👩‍" * 20_000,
        "```" + "x" * 50_000 + "\n" + "y" * 50_000,
        "```json\n" + "[" * 20_000,
        "```python\n" + "(" * 20_000,
        "<!--" * 5_000,
        "a\n" * 20_000,
        hostile("Zq") * 20,
    ]  # fmt: skip


@pytest.mark.timeout(600)
def test_a_pathological_text_is_drawn_within_its_time(suite: Suite) -> None:
    chosen = suite.dice("texts").sample(_PATHOLOGICAL, suite.count(len(_PATHOLOGICAL), least=2))
    drawn("warm\n\n```python\nx = 1\n```\n\n```json\n{}\n```\n", (5,))
    for text in chosen:
        try:
            drawn(text, (4_096,))
        except AssertionError as error:
            raise AssertionError(f"{text[:40]!r}: {error}") from error
    suite.say(f"{len(chosen)} pathological texts drawn, each within its time")
