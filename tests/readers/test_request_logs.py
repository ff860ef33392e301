"""The logs of requests in the forms of Langfuse and OpenAI that their sources show."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role
from replyscope.domain.shared import Shared
from replyscope.readers.logged_reply import replies_of
from tests.readers.logs import Line, only, read, replies

ASKED = [{"role": "user", "content": "What is here?"}]
AT = "2026-03-01T10:00:00.000Z"


def generation(key: str, answer: Any, **more: Any) -> Line:
    return {"id": key, "traceId": "t", "type": "GENERATION", "model": "m", "input": ASKED,
            "startTime": AT, "output": answer, **more}  # fmt: skip


def written(path: Path, *entries: Line) -> list[Shared]:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in entries))
    return [one for one in read(path) if isinstance(one, Shared)]


@pytest.mark.parametrize(
    ("details", "usage"),
    [
        ({"input": 232, "input_cached_tokens": 768, "output": 10, "output_reasoning_tokens": 64,
          "total": 1074}, Usage(1000, 74, 1074, 768, None, 64)),
        ({"input": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
          "output": 7, "total": 132}, Usage(125, 7, 132, 100, 20, None)),
        ({"input": 1000, "input_cached_tokens": 768, "output": 74, "total": 1074},
         Usage(1000, 74, 1074, 768, None, None)),
        ({"input": 90, "input_audio_tokens": 10, "output": 5, "total": 105},
         Usage(100, 5, 105, None, None, None)),
    ],
)  # fmt: skip
def test_parts_of_a_usage_that_are_apart_are_joined(
    tmp_path: Path, details: Line, usage: Usage
) -> None:
    (shared,) = written(tmp_path / "o.jsonl", generation("1", "A file.", usageDetails=details))
    ((exchange, _),) = replies(shared)
    assert exchange.usage == usage


def test_each_generation_of_a_trace_is_read(tmp_path: Path) -> None:
    trace = {
        "id": "t1", "timestamp": AT, "name": "agent", "sessionId": "s1", "input": {}, "output": {},
        "scores": [], "observations": [
            generation("1", "One."),
            {"id": "2", "type": "SPAN", "startTime": AT, "traceId": "t1"},
            {"id": "3", "type": "EMBEDDING", "model": "e", "startTime": AT, "traceId": "t1",
             "output": [0.1]},
            generation("4", "Two."),
        ],
    }  # fmt: skip
    found = written(tmp_path / "trace.json", trace)
    assert [c.text for one in found for _, c in replies(one)] == ["One.", "Two."]
    assert [one.session.title for one in found] == ["agent", "agent"]
    assert len({one.session.id for one in found}) == 1


def test_a_csv_whose_cells_are_json_is_read(tmp_path: Path) -> None:
    cells = {"id": "1", "traceId": "t", "type": "GENERATION", "startTime": AT, "model": "m",
             "endTime": "2026-03-01T10:00:02.000Z", "input": "Why?", "output": "So.",
             "level": "DEFAULT", "completionStartTime": ""}  # fmt: skip
    header = ",".join(f'"{name}"' for name in cells)
    rows = []
    for encoded in (json.dumps(one) for one in cells.values()):
        quoted = encoded.replace('"', '""')
        rows.append(f'"{quoted}"')
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\n{','.join(rows)}\n")
    shared = only(read(path))
    ((exchange, choice),) = replies(shared)
    assert (choice.text, exchange.timing.duration_ms) == ("So.", 2000)
    assert shared.branch[0].text == "Why?"


def test_what_was_noted_at_an_observation_is_kept(tmp_path: Path) -> None:
    noted = {"scores": {"helpful": [1]}, "comments": [{"content": "good"}], "metadata": {},
             "statusMessage": "slow", "level": "WARNING", "timeToFirstToken": 0.25}  # fmt: skip
    (shared,) = written(tmp_path / "o.jsonl", generation("1", "A file.", **noted))
    ((exchange, _),) = replies(shared)
    assert [name for name, _ in exchange.extras] == ["scores", "comments", "statusMessage"]
    assert exchange.timing.first_token_ms == 250


ITEMS = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "I look."}]},
         {"type": "message", "content": [{"type": "output_text", "text": "A file."}]}]  # fmt: skip
CALLED = {"id": "c1", "function": {"name": "ls", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("output", "text", "reasoning", "finish", "calls"),
    [
        ("A file.", "A file.", "", FinishReason.UNSTATED, 0),
        (ITEMS, "A file.", "I look.", FinishReason.UNSTATED, 0),
        ({"output": ITEMS, "status": "completed"}, "A file.", "I look.", FinishReason.STOP, 0),
        ([{"message": {"role": "assistant", "content": "A file."}}], "A file.", "",
         FinishReason.UNSTATED, 0),
        ({"choices": [{"message": {"content": None, "tool_calls": [CALLED]}}]}, "", "",
         FinishReason.TOOL_CALLS, 1),
        ({"content": [{"type": "thinking", "thinking": "I look."},
                      {"type": "text", "text": "A file."}], "stop_reason": "max_tokens"},
         "A file.", "I look.", FinishReason.LENGTH, 0),
        ({"type": "ai", "content": "", "tool_calls": [{"name": "ls", "args": {}, "id": "c"}],
          "response_metadata": {"finish_reason": "tool_calls"}}, "", "",
         FinishReason.TOOL_CALLS, 1),
        ({"text": "A file.", "toolCalls": [{"toolCallId": "c", "toolName": "ls", "args": {}}],
          "finishReason": "stop"}, "A file.", "", FinishReason.STOP, 1),
        ({"refusal": "No.", "choices": [{"finish_reason": "stop", "message": {"refusal": "No."}}]},
         "No.", "", FinishReason.REFUSAL, 0),
        (None, "", "", FinishReason.UNSTATED, 0),
        ([], "[]", "", FinishReason.UNSTATED, 0),
    ],
)  # fmt: skip
def test_a_reply_is_the_same_in_each_form(
    output: Any, text: str, reasoning: str, finish: FinishReason, calls: int
) -> None:
    (turn,) = replies_of(output)
    assert "".join(p.text for p in turn.parts if hasattr(p, "text")) == text
    assert (turn.reasoning, turn.finish, len(turn.calls)) == (reasoning, finish, calls)


def test_items_of_evals_are_read_with_their_results(tmp_path: Path) -> None:
    item = {
        "object": "eval.run.output_item", "id": "i", "created_at": 1743092076, "status": "pass",
        "datasource_item": {"input": "x"},
        "results": [{"name": "String check", "passed": True, "score": 1.0}],
        "sample": {
            "input": [{"role": "developer", "content": "Be terse."}, *ASKED],
            "output": [{"role": "assistant", "content": "A file."}],
            "finish_reason": "stop", "model": "m", "max_completion_tokens": 2048, "error": None,
            "usage": {"total_tokens": 12, "completion_tokens": 2, "prompt_tokens": 10,
                      "cached_tokens": 4},
        },
    }  # fmt: skip
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"object": "list", "data": [item]}))
    shared = only(read(path))
    ((exchange, choice),) = replies(shared)
    assert (choice.text, exchange.usage) == ("A file.", Usage(10, 2, 12, 4))
    assert (exchange.max_tokens, exchange.extras[0][0]) == (2048, "results")
    assert shared.session.settings.system == "Be terse."


def test_the_log_of_an_eval_gives_its_samples(tmp_path: Path) -> None:
    event = {"run_id": "r", "event_id": 0, "sample_id": "s.0", "type": "sampling",
             "data": {"prompt": ASKED, "sampled": ["A file."]}, "created_by": "",
             "created_at": "2026-03-01 10:00:00.000000+00:00"}  # fmt: skip
    found = written(
        tmp_path / "log.jsonl",
        {"spec": {"completion_fns": ["m"], "eval_name": "e"}},
        event,
        {**event, "event_id": 1, "type": "match", "data": {"correct": True}},
        {"final_report": {"accuracy": 1}},
    )
    assert [choice.text for one in found for _, choice in replies(one)] == ["A file."]


def test_both_answers_of_a_preference_are_branches(tmp_path: Path) -> None:
    pair = {
        "input": {"messages": ASKED},
        "preferred_output": [{"role": "assistant", "content": "Good."}],
        "non_preferred_output": [{"role": "assistant", "content": "Bad."}],
    }
    (shared,) = written(tmp_path / "pairs.jsonl", pair)
    assert {e.extras for e in shared.exchanges.values()} == {
        (("preference", '"preferred"'),),
        (("preference", '"non_preferred"'),),
    }
    assert [m.role for m in shared.messages] == [Role.USER, Role.ASSISTANT, Role.ASSISTANT]


def test_a_line_of_a_batch_that_failed_says_why(tmp_path: Path) -> None:
    body = {"error": {"message": "No such model", "type": "invalid_request_error"}}
    path = tmp_path / "batch.jsonl"
    line = {"custom_id": "1", "response": {"status_code": 404, "body": body}, "error": None}
    path.write_text(json.dumps(line))
    assert "No such model" in str(read(path)[0])
