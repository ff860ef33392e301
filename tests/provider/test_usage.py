"""Token counts under any name and in any place, and what is said of those that are none."""

from typing import Any

import pytest

from replyscope.domain.exchange import Api, Exchange, Usage
from replyscope.inspection.findings import find_oddities
from tests.support.server import delta, usage
from tests.support.streams import fold_stream

COUNTS = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}


def chat(**chunk: Any) -> Exchange:
    return fold_stream(Api.CHAT, delta("Hi"), {**delta(finish="stop"), **chunk})


def responses(counts: Any) -> Exchange:
    last = {"type": "response.completed", "response": {"status": "completed", "usage": counts}}
    return fold_stream(Api.RESPONSES, last)


@pytest.mark.parametrize(
    "chunk",
    [
        {"usage": COUNTS},
        {"usage": {"input_tokens": 8, "output_tokens": 2, "total_tokens": 10}},
        {"usage": {"prompt_eval_count": 8, "eval_count": 2, "total_tokens": 10}},
        {"prompt_eval_count": 8, "eval_count": 2, "total_tokens": 10},
        {
            "usageMetadata": {
                "promptTokenCount": 8,
                "candidatesTokenCount": 2,
                "totalTokenCount": 10,
            }
        },
        {"x_groq": {"usage": COUNTS}},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": COUNTS}]},
        {"choices": [{"index": 0, "delta": {"usage": COUNTS}, "finish_reason": "stop"}]},
        {"usage": {"prompt_tokens": 8.0, "completion_tokens": 2.0, "total_tokens": 10.0}},
    ],
)
def test_counts_are_read_under_any_name_and_in_any_place(chunk: dict[str, Any]) -> None:
    exchange = chat(**chunk)
    assert exchange.usage == Usage(8, 2, 10)
    assert not any("no usage" in finding for finding in find_oddities(exchange))


def test_counts_that_come_with_a_chunk_without_choices_are_read() -> None:
    assert fold_stream(Api.CHAT, delta("Hi"), delta(finish="stop"), usage(8, 2)).usage == Usage(
        8, 2, 10
    )


ODD = (-1, 2**63, "many", float("nan"), float("inf"), 1.5)


@pytest.mark.parametrize("value", ODD, ids=str)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_a_count_that_is_no_number_of_tokens_is_unknown_and_named(name: str, value: Any) -> None:
    exchange = chat(usage={**COUNTS, name: value})
    counts = exchange.usage
    assert counts is not None
    known = {"prompt_tokens": counts.input_tokens, "completion_tokens": counts.output_tokens}
    assert known[name] is None
    assert any(f"usage.{name} is" in finding for finding in find_oddities(exchange))


@pytest.mark.parametrize("value", [-1, 2**63, 1.5], ids=str)
def test_the_same_of_a_response(value: Any) -> None:
    exchange = responses({"input_tokens": value, "output_tokens": 2, "total_tokens": 10})
    assert exchange.usage == Usage(None, 2, 10)
    assert any("usage.input_tokens is" in finding for finding in find_oddities(exchange))


def test_fields_of_usage_that_nobody_reads_are_named() -> None:
    details = {"cached_tokens": 3, "audio_tokens": 0, "video_tokens": 4, "image_tokens": 5}
    exchange = chat(usage={**COUNTS, "prompt_tokens_details": details, "queue_time": 0.25})
    findings = find_oddities(exchange)
    assert "also sent: usage.prompt_tokens_details.image_tokens" in findings
    named = next(finding for finding in findings if finding.startswith("non-standard"))
    assert "usage.prompt_tokens_details.video_tokens" in named
    assert "usage.queue_time" in named
    assert "audio_tokens" not in named
    assert "cached_tokens" not in named


def test_fields_of_a_responses_usage_that_nobody_reads_are_named() -> None:
    exchange = responses(
        {
            "input_tokens": 8,
            "output_tokens": 2,
            "total_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0, "video_tokens": 1},
            "search_units": 2,
        }
    )
    (named,) = [f for f in find_oddities(exchange) if f.startswith("non-standard")]
    assert "usage.search_units" in named
    assert "usage.input_tokens_details.video_tokens" in named


def test_standard_fields_that_are_not_shown_are_called_so() -> None:
    chunk = delta("Hi")
    chunk["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.1}]}
    assert "also sent: logprobs" in find_oddities(fold_stream(Api.CHAT, chunk))


@pytest.mark.parametrize("value", ["none", 5, [], {"a": {"b": 1}}])
def test_usage_of_another_shape_raises_nothing(value: Any) -> None:
    assert chat(usage=value).usage is None
    assert responses(value).usage is None
