"""The output items of a response, mangled in the ways that servers mangle them."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Api, Choice, ExchangeState
from replyscope.domain.finish import FinishReason
from tests.support.examples import examples
from tests.support.streams import calls_of, fold_response, fold_stream

Event = dict[str, Any]


def text_item(text: str, item_id: str | None = "msg_1") -> Event:
    part = {"type": "output_text", "text": text, "annotations": []}
    return _with_id({"type": "message", "role": "assistant", "content": [part]}, item_id)


def call_item(name: str, arguments: str, call_id: str, item_id: str | None = "fc_1") -> Event:
    item = {"type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}
    return _with_id(item, item_id)


def thought_item(text: str, item_id: str | None = "rs_1") -> Event:
    content = [{"type": "reasoning_text", "text": text}]
    return _with_id({"type": "reasoning", "summary": [], "content": content}, item_id)


def _with_id(item: Event, item_id: str | None) -> Event:
    return item if item_id is None else {**item, "id": item_id}


def completed(*output: Event, **fields: Any) -> Event:
    response = {"id": "resp_1", "status": "completed", "output": list(output), **fields}
    return {"type": "response.completed", "response": response}


def words(kind: str, delta: str, **place: Any) -> Event:
    return {"type": f"response.{kind}.delta", "delta": delta, **place}


def added(item: Event, **place: Any) -> Event:
    return {"type": "response.output_item.added", "item": item, **place}


def done(item: Event, **place: Any) -> Event:
    return {"type": "response.output_item.done", "item": item, **place}


ARGUMENTS = "function_call_arguments"


def test_items_without_an_index_are_told_apart_by_their_ids() -> None:
    choice = fold_response(
        added(thought_item("", "rs_1")),
        words("reasoning_text", "Let me ", item_id="rs_1"),
        added(text_item("", "msg_1")),
        words("output_text", "Hel", item_id="msg_1"),
        words("reasoning_text", "think.", item_id="rs_1"),
        words("output_text", "lo", item_id="msg_1"),
        done(thought_item("Let me think.", "rs_1")),
        done(text_item("Hello", "msg_1")),
        completed(thought_item("Let me think.", "rs_1"), text_item("Hello", "msg_1")),
    )
    assert (choice.reasoning, choice.text) == ("Let me think.", "Hello")
    assert choice.finish_reason is FinishReason.STOP


def test_two_calls_without_an_index_run_once_each() -> None:
    choice = fold_response(
        added(call_item("add", "", "c0", "fc_c0")),
        words(ARGUMENTS, '{"a": 1}', item_id="fc_c0"),
        added(call_item("add", "", "c1", "fc_c1")),
        words(ARGUMENTS, '{"a": 2}', item_id="fc_c1"),
        done(call_item("add", '{"a": 1}', "c0", "fc_c0")),
        done(call_item("add", '{"a": 2}', "c1", "fc_c1")),
        completed(call_item("add", '{"a": 1}', "c0", "x"), call_item("add", '{"a": 2}', "c1", "y")),
    )
    assert calls_of(choice) == [("add", {"a": 1}), ("add", {"a": 2})]
    assert [call.id for call in choice.tool_calls] == ["c0", "c1"]
    assert len(choice.items) == 2


def test_deltas_that_name_a_call_by_its_call_id_are_its_own() -> None:
    choice = fold_response(
        added(call_item("add", "", "c0", None)),
        added(call_item("add", "", "c1", None)),
        words(ARGUMENTS, '{"a": 1}', item_id="c0"),
        words(ARGUMENTS, '{"a": 2}', item_id="c1"),
        completed(),
    )
    assert calls_of(choice) == [("add", {"a": 1}), ("add", {"a": 2})]


def test_a_final_output_that_leaves_items_out_moves_none_of_the_others() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}}
    choice = fold_response(
        added(thought_item("", "rs_1"), output_index=0),
        done(thought_item("Hm", "rs_1"), output_index=0),
        added(search, output_index=1),
        done(search, output_index=1),
        added(text_item(""), output_index=2),
        words("output_text", "Hi", output_index=2, item_id="msg_1"),
        done(text_item("Hi"), output_index=2),
        completed(search, text_item("Hi")),
    )
    assert choice.text == "Hi"
    assert [item.kind for item in choice.items] == ["reasoning", "web_search_call", "message"]
    assert [call.kind for call in choice.tool_calls] == ["web_search_call"]


def test_the_same_text_in_two_messages_is_said_twice() -> None:
    choice = fold_response(
        done(text_item("Yes", "m1"), output_index=0),
        done(text_item("Yes", "m2"), output_index=1),
        completed(text_item("Yes", "m1"), text_item("Yes", "m2")),
    )
    assert choice.text == "YesYes"


def test_the_same_call_twice_is_two_calls() -> None:
    choice = fold_response(
        completed(call_item("roll", "{}", "c0", "a"), call_item("roll", "{}", "c1", "b"))
    )
    assert calls_of(choice) == [("roll", {}), ("roll", {})]


@pytest.mark.parametrize("status", ["completed", None])
def test_a_response_without_any_event_but_the_last_is_read(status: str | None) -> None:
    last = completed(thought_item("Hm"), text_item("Hi"), call_item("f", "{}", "c0"))
    last["response"]["status"] = status
    choice = fold_response(last)
    assert (choice.reasoning, choice.text, calls_of(choice)) == ("Hm", "Hi", [("f", {})])


def test_arguments_that_come_whole_count_over_their_deltas() -> None:
    choice = fold_response(
        added(call_item("f", "", "c0"), output_index=0),
        words(ARGUMENTS, '{"a"', output_index=0, item_id="fc_1"),
        {
            "type": "response.function_call_arguments.done",
            "output_index": 0,
            "item_id": "fc_1",
            "arguments": '{"a": 1}',
        },
        completed(),
    )
    assert calls_of(choice) == [("f", {"a": 1})]


@pytest.mark.parametrize("event", ["done", "delta"])
def test_an_item_that_ends_with_an_empty_object_keeps_its_arguments(event: str) -> None:
    place = {"output_index": 0, "item_id": "fc_1"}
    name = "arguments" if event == "done" else "delta"
    choice = fold_response(
        added(call_item("f", "", "c0"), output_index=0),
        {"type": f"response.{ARGUMENTS}.{event}", name: '{"a": 1}', **place},
        done(call_item("f", "{}", "c0"), output_index=0),
        completed(call_item("f", "{}", "c0")),
    )
    assert calls_of(choice) == [("f", {"a": 1})]


def test_arguments_in_the_first_event_and_as_deltas_are_not_doubled() -> None:
    choice = fold_response(
        added(call_item("f", '{"a": 1}', "c0"), output_index=0),
        words(ARGUMENTS, '{"a": 1}', output_index=0, item_id="fc_1"),
        completed(),
    )
    assert calls_of(choice) == [("f", {"a": 1})]


def test_a_call_that_came_whole_with_its_first_event_keeps_its_arguments() -> None:
    choice = fold_response(added(call_item("f", '{"a": 1}', "c0"), output_index=0), completed())
    assert calls_of(choice) == [("f", {"a": 1})]
    assert choice.finish_reason is FinishReason.TOOL_CALLS


def test_arguments_as_an_object_are_read() -> None:
    item = {**call_item("f", "", "c0"), "arguments": {"a": 1}}
    assert calls_of(fold_response(done(item), completed(item))) == [("f", {"a": 1})]


def test_text_that_came_whole_in_its_first_event_is_shown() -> None:
    choice = fold_response(added(text_item("Hi"), output_index=0), completed())
    assert choice.text == "Hi"


def test_a_stream_without_its_last_event_is_cut() -> None:
    exchange = fold_stream(Api.RESPONSES, words("output_text", "Hi", output_index=0))
    assert exchange.state is ExchangeState.TRUNCATED
    assert exchange.choice(0).text == "Hi"


@dataclass(frozen=True)
class Way:
    """How a server writes the events of items."""

    index: str
    ids: str
    final: str
    has_added: bool
    has_deltas: bool
    has_done: bool
    ends_last: bool
    has_whole_words: bool


def ways() -> st.SearchStrategy[Way]:
    return st.builds(
        Way,
        index=st.sampled_from(("right", "missing", "zero", "as listed")),
        ids=st.sampled_from(("right", "missing", "new each time")),
        final=st.sampled_from(("whole", "empty", "other ids", "no reasoning", "no ids")),
        has_added=st.booleans(),
        has_deltas=st.booleans(),
        has_done=st.booleans(),
        ends_last=st.booleans(),
        has_whole_words=st.booleans(),
    ).filter(_is_sensible)


def _is_sensible(way: Way) -> bool:
    """Leaves out what no reader could tell apart, or never told anything."""
    if not way.has_added and not way.has_done and way.final in ("empty", "no reasoning"):
        return False  # nobody names the calls
    if way.final in ("empty", "no reasoning") and not (way.has_done or way.has_deltas):
        return False
    if way.ids == "new each time" and way.index != "right":
        return False
    if way.ids == "right" and way.index in ("zero", "as listed") and not way.has_added:
        return way.has_whole_words and not way.ends_last  # by then it is known that ids stay
    is_known = way.ids == "right" or way.index == "right"
    return is_known or (way.has_added and not way.ends_last)


PIECES = st.lists(st.text("abc ", min_size=1, max_size=4), min_size=1, max_size=3)
ITEMS = st.lists(
    st.tuples(st.just("reasoning"), PIECES)
    | st.tuples(st.just("message"), PIECES)
    | st.tuples(st.sampled_from(("f", "g")), st.integers(0, 99)),
    min_size=1,
    max_size=4,
)


@given(items=ITEMS, way=ways())
@examples(60)
def test_items_mangled_in_any_way_give_what_was_meant(
    items: list[tuple[str, Any]], way: Way
) -> None:
    choice = fold_response(*_Server(items, way).events())
    meant = [(kind, {"x": what}) for kind, what in items if kind in "fg"]
    assert calls_of(choice) == meant
    assert [c.id for c in choice.tool_calls] == [
        f"call_{number}" for number, (kind, _) in enumerate(items) if kind in "fg"
    ]
    assert choice.text == "".join("".join(p) for kind, p in items if kind == "message")
    assert (choice.reasoning or "") == "\n\n".join(
        "".join(pieces) for kind, pieces in items if kind == "reasoning"
    )
    _check_items(choice, items, way)


def _check_items(choice: Choice, items: list[tuple[str, Any]], way: Way) -> None:
    """What goes back: each item once, in the order of the output."""
    if way.has_done or way.final not in ("empty", "no reasoning"):
        kinds = ["function_call" if kind in "fg" else kind for kind, _ in items]
        assert [item.kind for item in choice.items] == kinds


class _Server:
    def __init__(self, items: list[tuple[str, Any]], way: Way) -> None:
        self._items = items
        self._way = way
        self._fresh = 0

    def events(self) -> list[Event]:
        begins: list[Event] = []
        ends: list[Event] = []
        for number in range(len(self._items)):
            (ends if self._way.ends_last else begins).extend(self._end(number, begins))
        return [*begins, *ends, completed(*self._final())]

    def _end(self, number: int, begins: list[Event]) -> list[Event]:
        """The events that end an item; those before them are put into `begins`."""
        kind, what = self._items[number]
        if self._way.has_added:
            begins.append(added(self._item(number, begins=True), **self._place(number)))
        if self._way.has_deltas:
            name = {"reasoning": "reasoning_text", "message": "output_text"}.get(kind, ARGUMENTS)
            pieces = what if kind not in "fg" else _halves(json.dumps({"x": what}))
            for piece in pieces:
                begins.append(words(name, piece, **self._place(number), **self._id(number)))
        ends: list[Event] = []
        if self._way.has_whole_words and self._way.has_deltas:
            ends.append(self._whole_words(number))
        if self._way.has_done:
            ends.append(done(self._item(number), **self._place(number)))
        return ends

    def _whole_words(self, number: int) -> Event:
        kind, what = self._items[number]
        place = {**self._place(number), **self._id(number)}
        if kind in "fg":
            text = json.dumps({"x": what})
            return {"type": f"response.{ARGUMENTS}.done", "arguments": text, **place}
        name = "reasoning_text" if kind == "reasoning" else "output_text"
        return {"type": f"response.{name}.done", "text": "".join(what), **place}

    def _item(self, number: int, *, begins: bool = False, ids: str | None = None) -> Event:
        kind, what = self._items[number]
        item_id = self._id(number, ids).get("item_id")
        if kind in "fg":
            text = "" if begins else json.dumps({"x": what})
            return call_item(kind, text, f"call_{number}", item_id)
        text = "" if begins else "".join(what)
        item = thought_item if kind == "reasoning" else text_item
        return item(text, item_id)

    def _id(self, number: int, ids: str | None = None) -> dict[str, str]:
        self._fresh += 1
        match ids or self._way.ids:
            case "right":
                return {"item_id": f"item_{number}"}
            case "new each time" | "other":
                return {"item_id": f"other_{self._fresh}"}
        return {}

    def _place(self, number: int) -> dict[str, int]:
        match self._way.index:
            case "right":
                return {"output_index": number}
            case "zero":
                return {"output_index": 0}
            case "as listed":
                before = [kind for kind, _ in self._items[:number]]
                return {"output_index": number - before.count("reasoning")}
        return {}

    def _final(self) -> list[Event]:
        final = self._way.final
        ids = {"other ids": "other", "no ids": "missing"}.get(final)
        listed = range(len(self._items))
        if final == "empty":
            return []
        if final == "no reasoning":
            listed = [n for n in listed if self._items[n][0] != "reasoning"]  # type: ignore[assignment]
        return [self._item(number, ids=ids) for number in listed]


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]
