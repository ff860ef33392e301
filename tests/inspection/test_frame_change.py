"""The summary of a frame: the part of a reply that the frame changes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.inspection.frame_change import frame_change
from tests.conftest import RECORDED

CHAT = {
    '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}': "role assistant",
    '{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"}}]}': 'content "Hi"',
    '{"choices":[{"index":0,"delta":{"content":"Res"},"finish_reason":null}]}': 'content "Res"',
    '{"choices":[{"index":1,"delta":{"content":"B"}}]}': 'choice 1 content "B"',
    '{"choices":[{"index":0,"delta":{"content":""}}]}': 'content ""',
    '{"choices":[{"index":0,"delta":{"refusal":"No"}}]}': 'refusal "No"',
    '{"choices":[{"delta":{"reasoning":"so","reasoning_details":[{"text":"so"}]}}]}': (
        'reasoning "so"'
    ),
    '{"choices":[{"delta":{"reasoning_content":"so"}}]}': 'reasoning "so"',
    '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"now"}}]}}]}': (
        "call 0 now"
    ),
    '{"choices":[{"delta":{"tool_calls":[{"index":2,"function":{"arguments":"{\\"tim"}}]}}]}': (
        'call 2 args {"tim'
    ),
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}': "finish stop",
    '{"choices":[],"usage":{"prompt_tokens":412,"completion_tokens":58}}': "usage 412/58",
    '{"choices":[{"delta":{"content":""},"finish_reason":"length"}],'
    '"usage":{"prompt_tokens":1,"completion_tokens":2}}': "finish length · usage 1/2",
    '{"error":{"message":"busy","code":502}}': 'error "busy"',
    '{"choices":[],"prompt_filter_results":[]}': "prompt_filter_results",
    '{"choices":[{"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}]}': (
        'content "whole" · finish stop'
    ),
    '{"choices":[{"delta":{"audio":{"id":1}}}]}': 'audio {"id": 1}',
    "[DONE]": "[DONE]",
    "{not json": "{not json",
    "{}": "no change",
}
RESPONSES = {
    '{"type":"response.created","response":{"id":"r"}}': "created",
    '{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call",'
    '"name":"now"}}': "item 1 function_call now",
    '{"type":"response.output_item.done","output_index":0,"item":{"type":"message"}}': (
        "item 0 message done"
    ),
    '{"type":"response.output_text.delta","output_index":0,"delta":"Res"}': 'content "Res"',
    '{"type":"response.output_text.done","text":"Result"}': 'content done "Result"',
    '{"type":"response.refusal.delta","delta":"No"}': 'refusal "No"',
    '{"type":"response.reasoning_summary_text.delta","delta":"so"}': 'reasoning "so"',
    '{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\\"tim"}': (
        'call 1 args {"tim'
    ),
    '{"type":"response.web_search_call.searching","output_index":0}': (
        "item 0 web_search_call searching"
    ),
    '{"type":"response.completed","response":{"usage":{"input_tokens":412,'
    '"output_tokens":58}}}': "completed · usage 412/58",
    '{"type":"response.incomplete","response":{"incomplete_details":'
    '{"reason":"max_output_tokens"}}}': "incomplete max_output_tokens",
    '{"type":"response.failed","response":{"error":{"message":"broken"}}}': (
        'failed · error "broken"'
    ),
    '{"type":"error","message":"too long"}': 'error "too long"',
    '{"type":"response.hologram.sent","value":1}': "hologram.sent",
    '{"type":"session.ping"}': "session.ping",
}


@pytest.mark.parametrize(("data", "change"), [*CHAT.items(), *RESPONSES.items()])
def test_a_frame_is_summarised_by_what_it_changes(data: str, change: str) -> None:
    assert frame_change(f"data: {data}\n\n") == change


def test_frames_that_are_no_json_object_are_shown_as_they_are() -> None:
    assert frame_change(": ping\n\n") == ": ping"
    assert frame_change("event: x\ndata: b\n\n") == "x  b"
    assert frame_change("data: [1]\n\n") == "[1]"


def test_a_change_is_one_short_line() -> None:
    chunk = {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "a\nb" * 999}}]}}]}
    change = frame_change(f"data: {json.dumps(chunk)}\n\n")
    assert "\n" not in change
    assert len(change) == 300
    assert change.startswith("call 0 args a ⏎ b")
    huge = frame_change('data: {"x":"' + "y" * 500_000 + '"}')
    assert len(huge) == 300


Frame = tuple[Path, str]


def recorded_frames() -> Iterator[Frame]:
    for path in sorted(RECORDED.rglob("*.sse")):
        for frame in path.read_text(encoding="utf-8").replace("\r\n", "\n").split("\n\n"):
            if frame.strip() and "data:" in frame:
                yield path, frame


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded streams are not present")
def test_every_recorded_text_delta_is_the_summary_of_its_frame() -> None:
    seen = 0
    for path, frame in recorded_frames():
        data = frame.partition("data: ")[2]
        if not data.startswith("{"):
            continue
        value = json.loads(data)
        deltas = [choice.get("delta") or {} for choice in value.get("choices") or ()]
        texts = [delta.get("content") for delta in deltas]
        if value.get("type") == "response.output_text.delta":
            texts = [value["delta"]]
        for text in texts:
            if isinstance(text, str) and 0 < len(text) < 200:
                wanted = f"content {json.dumps(text, ensure_ascii=False)}"
                assert wanted.replace("\n", " ⏎ ") in frame_change(frame), path
                seen += 1
    assert seen > 5_000


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded streams are not present")
def test_every_recorded_frame_has_a_summary_without_its_envelope() -> None:
    for path, frame in recorded_frames():
        change = frame_change(frame)
        assert change, path
        if not frame.startswith(" "):  # a recording whose first line is indented is no SSE
            assert "chat.completion" not in change, path


NAMES = [
    *("choices", "delta", "usage", "error", "tool_calls", "function", "index", "finish_reason"),
    *("item", "part", "response", "annotation", "x_groq", "message", "name", "arguments"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
kinds = st.sampled_from([None, "error", *(json.loads(data)["type"] for data in RESPONSES)])


@given(st.dictionaries(st.sampled_from(NAMES), values), kinds)
def test_no_shape_of_a_frame_fails(value: dict[str, object], kind: str | None) -> None:
    if kind is not None:
        value["type"] = kind
    for shape in (value, {"choices": [{"delta": {"tool_calls": [value]}}]}, {"choices": [value]}):
        assert len(frame_change(f"data: {json.dumps(shape)}\n\n")) <= 300
