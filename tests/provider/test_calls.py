"""The calls of a Chat Completions choice, mangled in the ways that servers mangle them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.server import delta
from tests.support.streams import call_chunk, calls_of, entry, fold_chunks

PARIS = ("get_weather", {"city": "Paris"})
OSLO = ("get_weather", {"city": "Oslo"})
TIME: tuple[str, Any] = ("current_time", {})
READ = ("read_file", {"path": "a.txt"})

TABLE: dict[str, tuple[list[list[dict[str, Any]]], list[tuple[str, Any]]]] = {
    "a name in two pieces": (
        [
            [entry(0, "c1", "get_", "")],
            [entry(0, None, "weather", "")],
            [entry(0, None, None, '{"city": "Paris"}')],
        ],
        [PARIS],
    ),
    "a name in pieces with the id each time": (
        [
            [entry(0, "c1", "get")],
            [entry(0, "c1", "_weather")],
            [entry(0, "c1", None, '{"city": "Paris"}')],
        ],
        [PARIS],
    ),
    "a name that grows": (
        [[entry(0, "c1", "get_")], [entry(0, None, "get_weather", '{"city": "Paris"}')]],
        [PARIS],
    ),
    "another id and an empty name with each piece": (
        [
            [entry(0, "c1", "read_file", "")],
            [entry(0, "c2", "", '{"path":')],
            [entry(0, "c3", "", ' "a.txt"')],
            [entry(0, "c4", "", "}")],
        ],
        [READ],
    ),
    "another id and the same name with each piece": (
        [
            [entry(0, "c1", "read_file", '{"path":')],
            [entry(0, "c2", "read_file", ' "a.txt"')],
            [entry(0, "c3", "read_file", "}")],
        ],
        [READ],
    ),
    "another id with each piece and no index": (
        [
            [entry(None, "c1", "read_file", "")],
            [entry(None, "c2", None, '{"path":')],
            [entry(None, "c3", None, ' "a.txt"}')],
        ],
        [READ],
    ),
    "two entries of one index in one chunk": (
        [[entry(0, "c1", "get_weather", ""), entry(0, None, None, '{"city": "Oslo"}')]],
        [OSLO],
    ),
    "arguments before the name, no index": (
        [
            [entry(None, "c1", None, '{"city":')],
            [entry(None, "c1", "get_weather", ' "Oslo"')],
            [entry(None, "c1", None, "}")],
        ],
        [OSLO],
    ),
    "a name after all of its arguments": (
        [
            [entry(0, "c1", None, '{"city":')],
            [entry(0, None, None, ' "Oslo"}')],
            [entry(0, None, "get_weather", None)],
        ],
        [OSLO],
    ),
    "pieces under the next index": (
        [
            [entry(0, "c1", "get_weather", "")],
            [entry(1, None, None, '{"city":')],
            [entry(1, None, None, ' "Oslo"}')],
        ],
        [OSLO],
    ),
    "pieces under the next index, with empty ids and names": (
        [
            [entry(0, "c1", "get_weather", "")],
            [entry(1, "", "", '{"city":')],
            [entry(2, "", "", ' "Oslo"}')],
        ],
        [OSLO],
    ),
    "the pieces of the first call under index 1, then a second call there": (
        [
            [entry(0, "c1", "get_weather", "")],
            [entry(1, None, None, '{"city": "Oslo"}')],
            [entry(1, "c2", "current_time", "{}")],
        ],
        [OSLO, TIME],
    ),
    "a second head at index 0": (
        [
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
            [entry(0, "c2", "get_weather", '{"city": "Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "a second head at index 0 in the same chunk": (
        [
            [
                entry(0, "c1", "get_weather", '{"city": "Oslo"}'),
                entry(0, "c2", "get_weather", '{"city": "Paris"}'),
            ]
        ],
        [OSLO, PARIS],
    ),
    "a second head at index 0, in pieces": (
        [
            [entry(0, "c1", "get_weather", "")],
            [entry(0, None, None, '{"city": "Oslo"}')],
            [entry(0, "c2", "get_weather", "")],
            [entry(0, None, None, '{"city": ')],
            [entry(0, None, None, '"Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "a second head at index 0, its tail under index 1": (
        [
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
            [entry(0, "c2", "get_weather", '{"city": ')],
            [entry(1, None, None, '"Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "pieces of two calls under indexes that only grow": (
        [
            [entry(0, "c1", "get_weather", "")],
            [entry(1, None, None, '{"city": ')],
            [entry(2, None, None, '"Oslo"}')],
            [entry(3, "c2", "get_weather", "")],
            [entry(4, None, None, '{"city": "Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "the same call twice, asked for on purpose": (
        [[entry(0, "c1", "current_time", "{}")], [entry(1, "c2", "current_time", "{}")]],
        [TIME, TIME],
    ),
    "heads first, then the pieces by index": (
        [
            [entry(0, "c1", "get_weather", ""), entry(1, "c2", "get_weather", "")],
            [entry(1, None, None, '{"city": "Paris"}')],
            [entry(0, None, None, '{"city": "Oslo"}')],
        ],
        [OSLO, PARIS],
    ),
    "heads first, then the pieces by id alone": (
        [
            [entry(None, "c1", "get_weather"), entry(None, "c2", "get_weather")],
            [entry(None, "c2", None, '{"city": "Paris"}')],
            [entry(None, "c1", None, '{"city": "Oslo"}')],
        ],
        [OSLO, PARIS],
    ),
    "heads without arguments at index 0": (
        [[entry(0, "c1", "current_time", "")], [entry(0, "c2", "other_tool", "")]],
        [("current_time", ""), ("other_tool", "")],
    ),
    "an empty object before the arguments": (
        [[entry(0, "c1", "get_weather", "{}")], [entry(0, None, None, '{"city": "Oslo"}')]],
        [OSLO],
    ),
    "an empty object before the arguments in pieces": (
        [
            [entry(0, "c1", "get_weather", "{}")],
            [entry(0, None, None, '{"city"')],
            [entry(0, None, None, ': "Oslo"}')],
        ],
        [OSLO],
    ),
    "all the arguments again at the end": (
        [
            [entry(0, "c1", "get_weather", '{"city":')],
            [entry(0, None, None, ' "Oslo"}')],
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
        ],
        [OSLO],
    ),
    "the whole call again in the last chunk": (
        [
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
        ],
        [OSLO],
    ),
    "all arguments so far with each piece": (
        [
            [entry(0, "c1", "get_weather", '{"ci')],
            [entry(0, "c1", "get_weather", '{"city": "O')],
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
        ],
        [OSLO],
    ),
    "an argument of the same name within another": (
        [
            [entry(0, "c1", "search", '{"not":')],
            [entry(0, None, None, '{"not":')],
            [entry(0, None, None, '"a"}}')],
        ],
        [("search", {"not": {"not": "a"}})],
    ),
    "an argument of the same name within another, closed at last": (
        [
            [entry(0, "c1", "search", '{"not":')],
            [entry(0, None, None, '{"not":"a"}')],
            [entry(0, None, None, "}")],
        ],
        [("search", {"not": {"not": "a"}})],
    ),
    "two calls of one tool without ids": (
        [
            [entry(0, None, "get_weather", "")],
            [entry(0, None, None, '{"city": "Oslo"}')],
            [entry(0, None, "get_weather", "")],
            [entry(0, None, None, '{"city": "Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "the name again at the end, without an id": (
        [
            [entry(0, None, "get_weather", '{"city": "Oslo"}')],
            [entry(0, None, "get_weather", "")],
        ],
        [OSLO],
    ),
    "arguments as an object": ([[entry(0, "c1", "get_weather", {"city": "Oslo"})]], [OSLO]),
    "an empty object as an object, then the arguments": (
        [[entry(0, "c1", "get_weather", {})], [entry(0, None, None, '{"city": "Oslo"}')]],
        [OSLO],
    ),
    "indexes from 1": (
        [
            [entry(1, "c1", "get_weather", '{"city": "Oslo"}')],
            [entry(2, "c2", "get_weather", '{"city": "Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "indexes as texts": (
        [
            [entry("0", "c1", "get_weather", "")],
            [entry("1", "c2", "current_time", "{}")],
            [entry("0", None, None, '{"city": "Oslo"}')],
        ],
        [OSLO, TIME],
    ),
    "a negative index throughout": (
        [[entry(-1, "c1", "get_weather", '{"city":')], [entry(-1, None, None, ' "Oslo"}')]],
        [OSLO],
    ),
    "the tool's name as the id of both calls": (
        [
            [entry(0, "get_weather", "get_weather", '{"city": "Oslo"}')],
            [entry(1, "get_weather", "get_weather", '{"city": "Paris"}')],
        ],
        [OSLO, PARIS],
    ),
    "an empty entry after the call": (
        [
            [entry(0, "c1", "get_weather", '{"city": "Oslo"}')],
            [entry(0, "", "", "")],
            [entry(1, "", "", "")],
            [entry(1, None, None, None)],
        ],
        [OSLO],
    ),
    "white space after the call": (
        [[entry(0, "c1", "get_weather", '{"city": "Oslo"}')], [entry(0, None, None, "\n")]],
        [OSLO],
    ),
    "braces within the arguments": (
        [
            [entry(0, "c1", "read_file", '{"path": "}{\\"')],
            [entry(0, None, None, '}"')],
            [entry(0, None, None, "}")],
        ],
        [("read_file", {"path": '}{"}'})],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_calls_are_what_was_meant(name: str) -> None:
    chunks, meant = TABLE[name]
    choice = fold_chunks(*(call_chunk(*entries) for entries in chunks), delta(finish="tool_calls"))
    assert calls_of(choice) == meant
    ids = [call.id for call in choice.tool_calls]
    assert len(set(ids)) == len(ids), "each call has an id of its own"


def test_the_first_id_of_a_call_stays() -> None:
    chunks, _ = TABLE["another id and an empty name with each piece"]
    (call,) = fold_chunks(*(call_chunk(*entries) for entries in chunks)).tool_calls
    assert call.id == "c1"


@dataclass(frozen=True)
class Way:
    """How a server writes calls."""

    index: str
    ids: str
    names: str
    arguments: str
    in_one_list: bool = False


def ways() -> st.SearchStrategy[Way]:
    return st.builds(
        Way,
        index=st.sampled_from(("right", "missing", "zero", "from one", "next for pieces")),
        ids=st.sampled_from(("once", "each", "new each time", "missing")),
        names=st.sampled_from(("once", "each", "pieces", "late", "empty after")),
        arguments=st.sampled_from(("pieces", "so far", "again", "object", "empty first", "whole")),
        in_one_list=st.booleans(),
    ).filter(_is_sensible)


def _is_sensible(way: Way) -> bool:
    """Leaves out what no reader could tell apart."""
    if way.names == "pieces" and way.ids == "new each time":
        return False  # heads of calls without arguments look the same
    if way.names == "each" and way.arguments == "again" and way.ids == "new each time":
        return False  # the same call again is another one, if it has an id of its own
    if way.names == "pieces" and way.arguments == "empty first":
        return False  # a call without arguments, and another one
    if way.index == "next for pieces" and way.names != "once":
        return (
            way.ids == "each" and way.arguments != "empty first"
        )  # a name under another index is another call
    if way.index == "next for pieces" and way.ids == "new each time":
        return way.arguments not in ("again", "empty first")  # nothing says that it is no call
    if way.names == "late" and way.index not in ("right", "from one"):
        return False  # an empty object may stand for the arguments of the call before
    if way.names == "each" and way.arguments == "empty first":
        return way.ids in ("once", "each")
    if way.arguments == "again":
        return way.ids != "missing" or way.names != "each"
    return True


WORDS = st.sampled_from(("get_weather", "read_file", "current_time", "search", "a_b"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text('ab{}[]":,\\ é😀', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text('xy{"', max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, max_size=3)
CALLS = st.lists(st.tuples(WORDS, ARGUMENTS), min_size=1, max_size=3)


@given(calls=CALLS, way=ways(), data=st.data())
def test_calls_mangled_in_any_way_give_what_was_meant(
    calls: list[tuple[str, Any]], way: Way, data: st.DataObject
) -> None:
    if way.ids == "missing" and way.index not in ("right", "from one"):
        calls = [call for n, call in enumerate(calls) if call not in calls[:n]]
    chunks: list[dict[str, Any]] = []
    numbers = iter(range(1000))
    for number, (name, value) in enumerate(calls):
        text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
        cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
        pieces = list(_pieces(text, value, cuts, way))
        names = list(_names(name, way, len(pieces), data))
        pieces = [None] * (len(names) - len(pieces)) + pieces if way.names == "pieces" else pieces
        for step, piece in enumerate(pieces):
            call_id = _id(way, number, step, next(numbers))
            index = _index(way, number, step)
            chunks.append(entry(index, call_id, names[step] if step < len(names) else None, piece))
    if way.in_one_list and way.index != "missing":
        sent = [call_chunk(*chunks)]
    else:
        sent = [call_chunk(one) for one in chunks]
    choice = fold_chunks(*sent, delta(finish="tool_calls"))
    assert calls_of(choice) == calls
    ids = [call.id for call in choice.tool_calls]
    assert len(set(ids)) == len(calls)


def _pieces(text: str, value: Any, cuts: list[int], way: Way) -> Iterator[Any]:
    ends = [*cuts, len(text)]
    starts = [0, *cuts]
    parts = [text[a:b] for a, b in zip(starts, ends, strict=True)]
    if way.arguments == "object":
        yield value
    elif way.arguments == "whole":
        yield text
    elif way.arguments == "so far":
        yield from (text[:end] for end in ends)
    else:
        if way.arguments == "empty first":
            yield "{}"
        elif way.names not in ("each", "late"):
            yield ""
        yield from parts
    if way.arguments == "again":
        yield text


def _names(name: str, way: Way, count: int, data: st.DataObject) -> Iterator[str | None]:
    if way.names == "pieces":
        cut = data.draw(st.integers(1, len(name) - 1))
        yield from (name[:cut], name[cut:])
    elif way.names == "each":
        yield from [name] * count
    elif way.names == "late" and count > 1 and way.arguments == "pieces":
        yield from (None, name)
    else:
        yield name
        yield from [""] * (count - 1) if way.names == "empty after" else []


def _id(way: Way, number: int, step: int, fresh: int) -> str | None:
    match way.ids:
        case "once":
            return f"call_{number}" if step == 0 else None
        case "each":
            return f"call_{number}"
        case "new each time":
            return f"call_{fresh}"
    return None


def _index(way: Way, number: int, step: int) -> int | None:
    match way.index:
        case "right":
            return number
        case "zero":
            return 0
        case "from one":
            return number + 1
        case "next for pieces":
            return number + (1 if step else 0)
    return None
