"""The quirks of compatible servers, row by row: each is accepted and shown truthfully."""

from typing import Any

import pytest

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.fold import fold_events
from replyscope.provider.opening import translate_frames
from tests.support.build import make_exchange
from tests.support.server import delta, sse


def fold(*chunks: Any) -> Exchange:
    frames = [WireFrame(float(n), data.decode()) for n, data in enumerate(sse(*chunks))]
    from replyscope.domain.event import StreamEnded
    from replyscope.domain.finish import StreamEnd

    return fold_events(
        make_exchange(), [*translate_frames(Api.CHAT, frames), StreamEnded(StreamEnd.DONE, 99.0)]
    )


def call(index: Any, call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_from_either_field(field: str) -> None:
    exchange = fold(delta(**{field: "think"}), delta("say"), delta(finish="stop"))
    assert exchange.choice(0).reasoning == "think"
    assert exchange.choice(0).text == "say"


def test_content_lists_are_read() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "yes"},
    ]
    chunk = delta()
    chunk["choices"][0]["delta"]["content"] = content
    exchange = fold(chunk)
    assert (exchange.choice(0).reasoning, exchange.choice(0).text) == ("hm", "yes")


@pytest.mark.parametrize("indexes", [(0, 1), (1, 2), (0, 0), (None, None)])
def test_parallel_calls_are_told_apart_whatever_their_index(indexes: tuple[Any, Any]) -> None:
    first, second = indexes
    exchange = fold(
        delta(tool_calls=[call(first, "a", "one", '{"x":')]),
        delta(tool_calls=[call(first, None, None, "1}")]),
        delta(tool_calls=[call(second, "b", "two", "{}")]),
        delta(finish="tool_calls"),
    )
    calls = exchange.choice(0).tool_calls
    assert [(c.id, c.name, c.arguments) for c in calls] == [
        ("a", "one", '{"x":1}'),
        ("b", "two", "{}"),
    ]


def test_names_and_ids_that_repeat_are_set_once() -> None:
    exchange = fold(
        delta(tool_calls=[call(0, "a", "get", "{")]), delta(tool_calls=[call(0, "a", "get", "}")])
    )
    (only,) = exchange.choice(0).tool_calls
    assert (only.id, only.name, only.arguments) == ("a", "get", "{}")


def test_arguments_may_be_null_or_an_object_and_ids_missing() -> None:
    exchange = fold(
        delta(tool_calls=[call(0, None, "f", None)]),
        delta(tool_calls=[call(1, None, "g", {"a": 1})]),
    )
    calls = exchange.choice(0).tool_calls
    assert [c.arguments for c in calls] == ["", '{"a": 1}']
    assert all(c.id for c in calls)


def test_missing_choices_deltas_and_indexes_are_no_fault() -> None:
    odd: list[Any] = [
        {"id": "c", "choices": None},
        {"choices": []},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": "ok"}}]},
        [],
        None,
        "text",
        {},
    ]
    assert fold(*odd).choice(0).text == "ok"


@pytest.mark.parametrize(
    ("raw", "derived"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("", FinishReason.UNSTATED),
        ("weird", FinishReason.OTHER),
        (7, FinishReason.OTHER),
        ("function_call", FinishReason.TOOL_CALLS),
    ],
)
def test_finish_reasons_are_derived_and_the_raw_word_kept(raw: Any, derived: FinishReason) -> None:
    choice = fold(delta("x"), delta(finish=raw)).choice(0)
    assert choice.finish_reason is derived
    assert choice.finish_reason_raw == (str(raw) if raw != "" else None)


def test_stop_with_calls_means_tool_calls() -> None:
    exchange = fold(delta(tool_calls=[call(0, "a", "f", "{}")]), delta(finish="stop"))
    assert exchange.choice(0).finish_reason is FinishReason.TOOL_CALLS


def test_the_last_usage_wins_and_groqs_place_is_known() -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    later = {**delta("b"), "usage": {**counts, "completion_tokens": 5, "cost": 0.25}}
    exchange = fold({**delta("a"), "usage": counts}, later, {**delta("c"), "usage": None})
    assert exchange.usage is not None
    assert exchange.usage.output_tokens == 5
    assert exchange.reported_cost_usd == 0.25
    groq = fold({**delta("a"), "x_groq": {"usage": counts}})
    assert groq.usage is not None
    assert groq.usage.input_tokens == 1


def test_interleaved_choices_are_kept_apart() -> None:
    def choice(index: int, text: str) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": {"content": text}}]}

    exchange = fold(choice(1, "b1"), choice(0, "a1"), choice(1, "b2"))
    assert [c.text for c in exchange.choices] == ["a1", "b1b2"]


def test_fields_that_are_not_standard_are_kept() -> None:
    exchange = fold({**delta("a"), "provider": "Acme", "timings": {"n": 1}})
    assert ("provider", '"Acme"') in exchange.extras


def test_whole_calls_without_ids_are_told_apart() -> None:
    exchange = fold(
        delta(tool_calls=[call(0, None, "f", '{"a": 1}')]),
        delta(tool_calls=[call(0, None, "f", '{"a": 2}')]),
        delta(tool_calls=[call(0, None, "g", "{}")]),
    )
    assert [(c.name, c.arguments) for c in exchange.choice(0).tool_calls] == [
        ("f", '{"a": 1}'),
        ("f", '{"a": 2}'),
        ("g", "{}"),
    ]


def test_calls_in_one_list_without_ids_or_numbers_are_told_apart() -> None:
    both = [call(None, None, "f", "{}"), call(None, None, "f", "{}")]
    assert len(fold(delta(tool_calls=both)).choice(0).tool_calls) == 2


def test_a_name_repeated_with_every_piece_makes_one_call() -> None:
    pieces = [delta(tool_calls=[call(0, "a", "f", text)]) for text in ('{"a"', ": 1", "}")]
    calls = fold(*pieces).choice(0).tool_calls
    assert [(c.name, c.arguments) for c in calls] == [("f", '{"a": 1}')]


def test_one_id_for_two_functions_makes_two_calls() -> None:
    exchange = fold(
        delta(tool_calls=[call(0, "a", "f", "{}")]), delta(tool_calls=[call(1, "a", "g", "{}")])
    )
    assert [c.name for c in exchange.choice(0).tool_calls] == ["f", "g"]


def test_a_cost_that_is_no_amount_is_unknown() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    for cost in (float("nan"), float("inf"), -1.0, True, "free"):
        assert fold({**delta("x"), "usage": {**usage, "cost": cost}}).cost_usd is None
    assert fold({**delta("x"), "usage": {**usage, "cost": 0.5}}).cost_usd == 0.5


@pytest.mark.parametrize("choices", ["[null]", '[{"message": [1]}]', '[{"message": "text"}]'])
def test_a_recorded_answer_that_was_no_reply_says_nothing_when_read_again(choices: str) -> None:
    frame = WireFrame(1.0, f'{{"id": "c", "choices": {choices}}}')
    assert list(translate_frames(Api.CHAT, [frame])) == [frame]
