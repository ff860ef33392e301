"""What differs between two replies: words, places of arguments, calls."""

import random
import time
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Choice, ToolCall
from replyscope.inspection.comparison import compare_calls, compare_texts
from replyscope.inspection.difference import differences
from replyscope.inspection.structure import Change, DiffNode, compare_values

WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", " "]), max_size=40)


@given(WORDS, WORDS)
def test_the_stretches_make_both_sequences_again(a: list[str], b: list[str]) -> None:
    found = differences(a, b)
    assert [one for s in found for one in a[slice(*s.first)]] == a
    assert [one for s in found for one in b[slice(*s.second)]] == b
    for stretch in found:
        same = a[slice(*stretch.first)] == b[slice(*stretch.second)]
        assert same or not stretch.is_same
    kinds = [stretch.is_same for stretch in found]
    assert all(kind is not following for kind, following in pairwise(kinds))


def prose(dice: random.Random, size: int) -> list[str]:
    def word() -> str:
        return f"{dice.choice('abcdefgh')}{int(dice.paretovariate(0.5)) % 5_000} "

    return [word() for _ in range(size)]


def test_long_texts_are_compared_word_by_word_in_bounded_time() -> None:
    dice = random.Random(7)
    first = prose(dice, 40_000)
    second = [dice.choice(first) if dice.random() < 0.1 else word for word in first]
    third = prose(dice, 40_000)
    started = time.process_time()
    found = differences(first, second)
    same = sum(s.first[1] - s.first[0] for s in found if s.is_same)
    assert same > 0.85 * len(first)
    assert len(differences(first, third)) >= 1
    assert differences(["x "] * 100_000, [*["x "] * 99_999, "y "])[0].is_same
    # SequenceMatcher takes most of a minute for the first pair alone.
    assert time.process_time() - started < 10


def marked(first: str, second: str) -> str:
    marks = {Change.BOTH: "{}", Change.FIRST: "[-{}-]", Change.SECOND: "[+{}+]"}
    return "".join(marks[p.change].format(p.text) for p in compare_texts(first, second))


def test_words_are_marked_and_not_letters() -> None:
    assert marked("the red fox", "the green fox") == "the [-red-][+green+] fox"
    assert marked("same", "same") == "same"
    assert marked("", "new") == "[+new+]"
    assert marked("", "") == ""


def test_a_rewritten_sentence_is_marked_as_one() -> None:
    said = marked("It was a nice day. Then rain.", "Nobody saw it at all there. Then rain.")
    assert said == "[-It was a nice day-][+Nobody saw it at all there+]. Then rain."


def test_values_are_compared_by_place() -> None:
    first = {"path": "a", "deep": {"n": 1, "same": None}, "list": [1, 2, 3], "gone": {}}
    second = {"deep": {"n": 2, "same": None}, "path": "a", "list": [1, 3, 4], "new": True}
    both, changed = Change.BOTH, Change.CHANGED
    assert compare_values(first, second) == (
        DiffNode(0, "path", both, '"a"', '"a"'),
        DiffNode(0, "deep", changed),
        DiffNode(1, "n", changed, "1", "2"),
        DiffNode(1, "same", both, "null", "null"),
        DiffNode(0, "list", changed),
        DiffNode(1, "[0]", both, "1", "1"),
        DiffNode(1, "[1]", Change.FIRST, "2"),
        DiffNode(1, "[2]", both, "3", "3"),
        DiffNode(1, "[2]", Change.SECOND, second="4"),
        DiffNode(0, "gone", Change.FIRST, "{}"),
        DiffNode(0, "new", Change.SECOND, second="true"),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_only_values_that_are_the_same_have_no_other_place(first: Any, second: Any) -> None:
    places = compare_values(first, second)
    alike = all(place.change is Change.BOTH for place in places)
    assert alike == (repr(_in_order(first)) == repr(_in_order(second)))
    swapped = compare_values(second, first)
    assert alike == all(place.change is Change.BOTH for place in swapped)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(one) for one in value] if isinstance(value, list) else value


def test_a_value_that_is_nested_deeply_is_compared() -> None:
    first: Any = 1
    second: Any = 2
    for _ in range(500):
        first, second = [first], [second]
    assert compare_values(first, second)[-1].change is Change.CHANGED


def asks(*calls: tuple[str, str]) -> Choice:
    return Choice(
        0, tool_calls=tuple(ToolCall(f"c{n}", "function", *call) for n, call in enumerate(calls))
    )


def test_calls_are_paired_and_those_of_one_side_told() -> None:
    rows = compare_calls(
        asks(("f", '{"a": 1}'), ("f", '{"a": 2}'), ("g", "{}"), ("h", '{"cut": ')),
        asks(("f", '{"a": 2}'), ("f", '{"a": 3}'), ("h", '{"cat": '), ("i", '{"b": [1]}')),
    )
    assert [(row.name, row.change) for row in rows] == [
        ("f", Change.CHANGED),
        ("f", Change.BOTH),
        ("g", Change.FIRST),
        ("h", Change.CHANGED),
        ("i", Change.SECOND),
    ]
    assert [piece.text for piece in rows[3].pieces if piece.change is Change.SECOND] == ["cat"]
    assert rows[4].places == (
        DiffNode(0, "b", Change.SECOND),
        DiffNode(1, "[0]", Change.SECOND, second="1"),
    )
