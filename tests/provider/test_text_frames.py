"""A frame that only adds text gives the same events as the object that the SDK builds of it."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent

from replyscope.domain.event import Event
from replyscope.provider.chat_events import ChatTranslator, chunk_from_json
from replyscope.provider.openai_internals import build_object
from replyscope.provider.response_events import ResponseTranslator
from replyscope.provider.text_frames import delta_event, text_chunk
from tests.conftest import RECORDED

WORDS = st.one_of(st.text(max_size=8), st.sampled_from(["<think>", "</think>", "<thi", "\n"]))
ODD = st.one_of(st.none(), WORDS, st.integers(-1, 3), st.booleans(), st.just([]), st.just({"a": 1}))
PLACES = st.one_of(st.none(), st.integers(0, 2), st.text(max_size=2))


def objects(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


DELTAS = objects(
    {},
    {name: st.one_of(WORDS, ODD) for name in ("role", "content", "reasoning_content", "reasoning")}
    | {name: st.one_of(st.none(), ODD) for name in ("refusal", "tool_calls", "function_call")}
    | {"usage": ODD, "new": ODD},
)
CHOICES = objects(
    {},
    {
        "index": PLACES,
        "delta": st.one_of(DELTAS, ODD),
        "finish_reason": st.sampled_from([None, "stop", ""]),
        "native_finish_reason": st.sampled_from([None, "STOP"]),
        "usage": ODD,
        "logprobs": st.sampled_from([None, {}]),
        "text": ODD,
    },
)
CHUNKS = objects(
    {},
    dict.fromkeys(("id", "object", "created", "model", "service_tier", "new", "error"), ODD)
    | dict.fromkeys(("obfuscation", "p", "provider"), ODD)
    | {
        "system_fingerprint": WORDS,
        "choices": st.one_of(st.lists(CHOICES, max_size=3), ODD),
        "usage": st.sampled_from([None, {"prompt_tokens": 1, "completion_tokens": 2}]),
    },
)
KINDS = (
    *("output_text.delta", "reasoning_text.delta", "reasoning_summary_text.delta"),
    *("function_call_arguments.delta", "refusal.delta", "output_text.done", "nonsense"),
)
EVENTS = objects(
    {"type": st.sampled_from([f"response.{kind}" for kind in KINDS])},
    dict.fromkeys(("item_id", "output_index", "content_index", "summary_index"), PLACES)
    | {
        "delta": st.one_of(WORDS, ODD),
        "sequence_number": st.integers(0, 9),
        "logprobs": st.sampled_from([None, [], [{"token": "a", "logprob": -1}]]),
        "obfuscation": WORDS,
        "new": ODD,
    },
)

Build = Callable[[Any], Any]


def build_chunk(data: Any) -> Any:
    return chunk_from_json(data)


def build_event(data: Any) -> Any:
    return build_object(ResponseStreamEvent, data)


def events_of(translator: Any, frames: Iterable[Any], build: Build) -> list[Event]:
    events = [event for data in frames for event in translator.translate(build(data))]
    return [*events, *translator.finish()]


@given(st.lists(CHUNKS, max_size=6))
def test_chunks_of_text_are_read_as_the_sdk_builds_them(frames: list[Any]) -> None:
    ours = events_of(ChatTranslator(), frames, lambda data: text_chunk(data) or build_chunk(data))
    assert ours == events_of(ChatTranslator(), frames, build_chunk)


@given(st.lists(EVENTS, max_size=6))
def test_deltas_of_responses_are_read_as_the_sdk_builds_them(frames: list[Any]) -> None:
    def build(data: Any) -> Any:
        return delta_event(data) or build_event(data)

    ours = events_of(ResponseTranslator(), frames, build)
    assert ours == events_of(ResponseTranslator(), frames, build_event)


def recorded_data(path: Path) -> list[Any]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data.startswith("{"):
            try:
                found.append(json.loads(data))
            except ValueError:
                continue
    return found


STREAMS = sorted(RECORDED.rglob("*.sse")) if RECORDED.is_dir() else []


@pytest.mark.skipif(not STREAMS, reason="the recorded streams are not beside this checkout")
def test_recorded_streams_are_read_as_the_sdk_builds_them_and_most_frames_only_add_text() -> None:
    plain = total = 0
    for path in STREAMS:
        frames = recorded_data(path)
        is_chat = any("choices" in data for data in frames)
        pick: Build = text_chunk if is_chat else delta_event
        build: Build = build_chunk if is_chat else build_event
        make = ChatTranslator if is_chat else ResponseTranslator
        whole = events_of(make(), frames, build)
        built = [pick(data) or build(data) for data in frames]
        assert events_of(make(), built, lambda frame: frame) == whole, path
        plain += sum(pick(data) is not None for data in frames)
        total += len(frames)
    assert plain > total / 2
