"""Settings, themes, tool servers and queries: read, or refused in a sentence."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import strategies as st

from replyscope.config.settings import TEMPLATE
from tests.hostile import entries
from tests.hostile.bounds import bounded, examine
from tests.hostile.inputs import VALUES, mutated
from tests.support.suite import Suite

_THEME = (Path(__file__).parents[2] / "themes" / "midnight.toml").read_text()
_SETTINGS = re.sub(r"(?m)^# (?=[\[\"\w])", "", TEMPLATE)
_SERVERS = {"mcpServers": {"time": {"command": "x", "args": ["y"], "env": {"A": "b"}, "cwd": "z"}}}
_PIECES = st.sampled_from((
    "a", "al", '"alpha beta"', '"', "(", ")", "-", "or", "OR", "finish:stop", "finish:",
    "tokens:>1",
    "tokens:>1e999", "cost:>0.1", "ttft:<2s", "model:m*", "model:[", "tag:llm", "tag:%", "has:*",
    "is:deleted", "is:*", "title:one", "text:al", "on:today", "on:0001-01-01", "before:9999-12-31",
    "after:9999w", "after:7d", "東京", "Zürich", "\u0130", "\ufb01", "a_b", "*", "?", "NEAR", "AND",
    "NOT", "^a", "a*", "{x}", "\0", "\ud800", "prompt:", "text:\"a", "--", "tokens:>" + "9" * 400,
    "٣", "tokens:>٣", "on:٢٠٢٦", "ﬀ", "ß", "ſ", "\u200d", "가", "é", "e\u0301", "i\u0307",
))  # fmt: skip


def _changed(text: str) -> st.SearchStrategy[bytes]:
    """A sound text with pieces of itself, of TOML and of noise put in anywhere."""
    noise = st.one_of(
        st.text(max_size=20),
        st.sampled_from(("\0", "[", "]", "[[", "= ", '"""', "'''", "1e999", "inf", "\ud800", "{")),
        st.builds(lambda a, n: text[a : a + n], st.integers(0, len(text)), st.integers(0, 60)),
    )

    def put(base: str, places: list[tuple[int, int, str]]) -> bytes:
        for at, cut, piece in places:
            at %= len(base) + 1
            base = base[:at] + piece + base[at + cut :]
        return base.encode("utf-8", "surrogatepass")

    place = st.tuples(st.integers(0, len(text)), st.integers(0, 30), noise)
    return st.builds(put, st.just(text), st.lists(place, max_size=5))


_WAYS = {
    "settings": (st.one_of(_changed(_SETTINGS), _changed(""), st.binary(max_size=200)), 3_000),
    "theme": (st.one_of(_changed(_THEME), st.binary(max_size=200)), 2_000),
    "servers": (
        st.one_of(
            st.one_of(mutated(_SERVERS), VALUES).map(lambda v: json.dumps(v).encode()),
            _changed(json.dumps(_SERVERS)),
        ),
        3_000,
    ),
    "query": (
        st.one_of(
            st.lists(_PIECES, max_size=9).map(lambda p: " ".join(p).encode("utf-8", "replace")),
            st.text(max_size=40).map(lambda t: t.encode("utf-8", "replace")),
        ),
        6_000,
    ),
}


@pytest.mark.parametrize("way", _WAYS)
def test_any_text_is_read_or_refused(suite: Suite, way: str) -> None:
    inputs, whole = _WAYS[way]
    tried = examine(suite, inputs, whole, entries.TARGETS[way])
    suite.say(f"{tried:,} texts as {way}: read, or refused in a sentence")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 50_000,
        "a = " + "{a=" * 20_000,
        "[" + "a." * 5_000 + "a]",
        "a." * 5_000 + "a = 1",
        'a = "' + "\\u0041" * 100_000 + '"',
        "# " + "x" * 1_000_000,
        "\n".join(f"k{n} = {n}" for n in range(20_000)),
        "a = " + "9" * 100_000,
        'redact = ["' + "(" * 2_000 + '"]',
        "[providers.a]\nbase_url = 'http://[::1'",
        "[tools]\ntimeout_s = nan",
        '[[rule]]\nwhen = "' + "(" * 10_000 + '"\ndo = "stop"',
        '[[rule]]\nwhen = "' + "-" * 10_000 + 'a"\ndo = "stop"',
    ],
)
def test_a_deep_or_long_file_takes_no_second(text: str) -> None:
    for name in ("settings", "theme", "servers"):
        with bounded():
            entries.TARGETS[name](text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "-" * 100_000 + "a",
        "- " * 50_000,
        "a " * 3_000,
        "a or " * 3_000,
        "x" * 1_000_000,
        '"' + "a b " * 30_000 + '"',
        "model:" + "*" * 2_000 + "x",
        "model:" + "*a" * 2_000,
        "text:" + "é" * 100_000,
        "-(" * 40 + "a" + ")" * 40,
        "tokens:>" + "9" * 10_000,
        "finish:" + "*?" * 500,
        "-text:a " * 300,
    ],
)
def test_a_long_query_takes_no_second(text: str) -> None:
    entries.query(b"warm")
    with bounded():
        entries.query(text.encode())
