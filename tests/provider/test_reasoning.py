"""Reasoning between tags in the text, in fields of its own, and in lists of details."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Api, Choice
from replyscope.domain.think_tags import ThinkTags
from replyscope.inspection.findings import find_oddities
from tests.support.server import delta
from tests.support.streams import fold_chunks, fold_response, fold_stream

AUTO, ON, OFF = ThinkTags.AUTO, ThinkTags.ON, ThinkTags.OFF
TEXTS: list[tuple[str, ThinkTags, str, str]] = [
    ("<think>Let me think.</think>The answer.", AUTO, "Let me think.", "The answer."),
    ("<thinking>Hm</thinking>\n\nYes", AUTO, "Hm", "Yes"),
    ("\n<think>\nHm\n</think>\n\nYes", AUTO, "Hm", "Yes"),
    ("<THINK>Hm</THINK>Yes", AUTO, "Hm", "Yes"),
    ("<think></think>Yes", AUTO, "", "Yes"),
    ("<think>never closed", AUTO, "never closed", ""),
    ("<think>a < b and </thin", AUTO, "a < b and </thin", ""),
    ("Yes <think>no</think>", AUTO, "", "Yes <think>no</think>"),
    ("<thin", AUTO, "", "<thin"),
    ("<b>bold</b>", AUTO, "", "<b>bold</b>"),
    ("<think>a</think>b<think>c</think>", AUTO, "a", "b<think>c</think>"),
    ("Hm</think>Yes", ON, "Hm", "Yes"),
    ("<think>Hm</think>Yes", ON, "Hm", "Yes"),
    ("Hm, never closed", ON, "Hm, never closed", ""),
    ("Hm</think>Yes", AUTO, "", "Hm</think>Yes"),
    ("<think>Hm</think>Yes", OFF, "", "<think>Hm</think>Yes"),
]


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    marks = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(marks)]


def both_apis(pieces: list[str], mode: ThinkTags) -> list[Choice]:
    deltas = [
        {"type": "response.output_text.delta", "output_index": 0, "item_id": "m", "delta": piece}
        for piece in pieces
    ]
    return [
        fold_chunks(*map(delta, pieces), think_tags=mode),
        fold_response(*deltas, think_tags=mode),
    ]


@given(case=st.sampled_from(TEXTS), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_tags_are_read_however_the_text_is_cut(
    case: tuple[str, ThinkTags, str, str], cuts: list[int]
) -> None:
    text, mode, reasoning, answer = case
    for choice in both_apis(pieces_of(text, cuts), mode):
        assert (choice.reasoning or "").strip() == reasoning
        assert choice.text.strip() == answer


@given(text=st.text("<think/>[]\n ab", max_size=30), mode=st.sampled_from(ThinkTags))
def test_the_text_is_kept_as_it_came(text: str, mode: ThinkTags) -> None:
    choice = fold_chunks(*map(delta, text), think_tags=mode)
    assert choice.thinking + choice.text == text


@pytest.mark.parametrize(
    "field", ["reasoning_content", "reasoning", "reasoning_text", "thinking", "thought"]
)
@pytest.mark.parametrize("place", ["delta", "message"])
def test_reasoning_is_read_from_a_field_of_its_own(field: str, place: str) -> None:
    chunk = delta("Yes")
    body = {**chunk["choices"][0].pop("delta"), field: "Hm"}
    chunk["choices"][0][place] = body
    choice = fold_chunks(chunk, delta(finish="stop"))
    assert (choice.reasoning, choice.text) == ("Hm", "Yes")


def test_reasoning_that_comes_twice_is_shown_once() -> None:
    details = [{"type": "reasoning.text", "text": "Hm", "index": 0}]
    choice = fold_chunks(
        delta(reasoning="Hm", reasoning_content="Hm", reasoning_details=details), delta("Yes")
    )
    assert choice.reasoning == "Hm"


def details(*entries: dict[str, Any]) -> dict[str, Any]:
    return delta("", reasoning_details=list(entries))


@pytest.mark.parametrize("name", ["text", "summary"])
def test_details_alone_are_shown(name: str) -> None:
    first = {"type": f"reasoning.{name}", "index": 0, name: "Let me "}
    choice = fold_chunks(details(first), details({**first, name: "think."}), delta("Yes"))
    assert (choice.reasoning, choice.text) == ("Let me think.", "Yes")


def test_encrypted_details_are_named() -> None:
    entry = {"type": "reasoning.encrypted", "data": "gAAAA", "id": "r1", "format": "openai"}
    exchange = fold_stream(Api.CHAT, details(entry), delta("Yes"))
    assert any("reasoning.encrypted" in finding for finding in find_oddities(exchange))
    assert "gAAAA" in exchange.choice(0).fields


def test_a_field_that_is_no_text_is_named() -> None:
    exchange = fold_stream(Api.CHAT, delta("Yes", reasoning={"tokens": ["Hm"]}))
    assert any("reasoning" in finding for finding in find_oddities(exchange))
