"""The whole conversation: text, two tools at once, reasoning, a cut, an error, and on again.

The server behind plays a script, so that each value is known; what stands between it and
the person must not change it.
"""

from dataclasses import dataclass
from typing import Any

from tests.servers.person import Person
from tests.support import aimock

_WEATHER = {"id": "call_w1", "name": "get_weather", "arguments": '{"city":"Oslo"}'}
_PRODUCT = {"id": "call_m1", "name": "multiply", "arguments": '{"a":6,"b":7}'}
_TEXT = "Oslo has 7 degrees; the product is 42."
WORDS = "No tokens for you"
SCRIPT: list[dict[str, Any]] = [
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello there, friend."}},
    {
        "match": {"userMessage": "both", "hasToolResult": False},
        "response": {"toolCalls": [_WEATHER, _PRODUCT]},
    },
    {"match": {"userMessage": "both", "hasToolResult": True}, "response": {"content": _TEXT}},
    {
        "match": {"userMessage": "think"},
        "response": {"content": "It is four.", "reasoning": "Two and two make four."},
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": "As far as it", "finishReason": "length"},
    },
    # Before the error: the prompt that failed may be joined to the one that follows it.
    {"match": {"userMessage": "again"}, "response": {"content": "Once more."}},
    {
        "match": {"userMessage": "fail"},
        "response": {"error": {"message": WORDS, "type": "invalid_request_error"}, "status": 400},
    },
]
RESULTS = ["42", "Oslo has 7 degrees and rain"]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a server departs from the script, and which findings say so in each reply."""

    reasoning: str | None = "Two and two make four."
    cut: str = "length"
    counts_tokens: bool = True
    findings: frozenset[str] = frozenset()


def hold_conversation(person: Person, script_url: str, manner: Manner) -> str:
    """Ask for everything in one session and check each answer; a sentence of what came."""
    said = person.ask("Say hello.")
    assert (said.status, said.text, said.finish) == (0, "Hello there, friend.", "stop")
    assert said.findings == manner.findings
    usage = said.last["usage"]
    assert usage is not None
    assert bool(usage["output_tokens"]) == manner.counts_tokens
    _use_both_tools(person, script_url, manner)
    thought = person.ask("Now think.")
    assert (thought.status, thought.text) == (0, "It is four.")
    assert thought.last["choices"][0]["reasoning"] == manner.reasoning
    cut = person.ask("Now be cut off.")
    assert (cut.status, cut.text, cut.finish) == (0, "As far as it", manner.cut)
    failed = person.ask("Now fail.")
    assert failed.status == 3
    assert failed.last["state"] == "failed"
    assert WORDS in failed.stderr
    again = person.ask("Once again.")
    assert (again.status, again.text, again.finish) == (0, "Once more.", "stop")
    reasoning = "reasoning, " if manner.reasoning else ""
    return f"text, two tools at once, {reasoning}a cut ({manner.cut}), an error and text again"


def _use_both_tools(person: Person, script_url: str, manner: Manner) -> None:
    used = person.ask_with_tools("Do both.")
    assert used.status == 0, used.stderr
    assert [exchange["choices"][0]["finish_reason"] for exchange in used.exchanges] == [
        "tool_calls",
        "stop",
    ]
    assert sorted(used.runs) == [["get_weather", {"city": "Oslo"}], ["multiply", {"a": 6, "b": 7}]]
    assert used.calls == [
        ["get_weather", {"city": "Oslo"}, RESULTS[1]],
        ["multiply", {"a": 6, "b": 7}, RESULTS[0]],
    ]
    assert used.text == _TEXT
    assert used.findings == manner.findings
    assert sorted(_results_sent(script_url)) == RESULTS


def _results_sent(script_url: str) -> list[str]:
    """The tools' results in the last request that the scripted server received."""
    messages = aimock.read_journal(script_url)[-1]["body"]["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]
