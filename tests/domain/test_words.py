"""Words of a text, as the index and the rules read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.words import folded, has_phrase, pattern_of, words_of

PHRASES = st.lists(st.sampled_from(["a", "ab", "b", "abc"]), max_size=6)
MIXED = st.lists(st.sampled_from(["a", "ab", "b", "東", "京"]), max_size=6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  -- … ", []),
        ("Hello, World!", ["hello", "world"]),
        ("it's 3.5", ["it", "s", "3", "5"]),
        ("snake_case camelCase", ["snake", "case", "camelcase"]),
        ("Zürich ZÜRICH Zu\u0308rich", ["zurich"] * 3),
        ("café naïve", ["cafe", "naive"]),
        ("東京都庁 tall", ["東", "京", "都", "庁", "tall"]),
        ("한국어", ["한", "국", "어"]),
        ("ひらがな", ["ひ", "ら", "か", "な"]),
        ("x東y", ["x", "東", "y"]),
        ("ﬁne １２", ["fine", "12"]),
        ("Привет мир", ["привет", "мир"]),
        ("😀 smile", ["smile"]),
    ],
)
def test_words_are_folded_letters_and_digits(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_the_words_of_words_are_the_words(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(words)


@given(st.text())
def test_folding_keeps_every_place(text: str) -> None:
    assert len(folded(text)) == len(text)
    assert folded(folded(text)) == folded(text)


@given(PHRASES, PHRASES)
def test_a_firm_phrase_is_a_run_of_the_words(words: list[str], phrase: list[str]) -> None:
    inside = f" {' '.join(phrase)} " in f" {' '.join(words)} "
    assert has_phrase(words, phrase, is_open=False) is (inside or not phrase)


@given(PHRASES, PHRASES)
def test_an_open_phrase_may_go_on_in_its_last_word(words: list[str], phrase: list[str]) -> None:
    inside = f" {' '.join(phrase)}" in f" {' '.join(words)} "
    assert has_phrase(words, phrase, is_open=True) is (inside or not phrase)


@pytest.mark.parametrize("is_open", [True, False])
@given(MIXED, MIXED)
def test_the_pattern_finds_a_phrase_where_the_words_have_it(
    is_open: bool, words: list[str], phrase: list[str]
) -> None:
    pattern = pattern_of([(tuple(phrase), is_open)] if phrase else [])
    if pattern is None:
        assert not phrase
        return
    found = pattern.search(folded("-".join(words))) is not None
    assert found is has_phrase(words, phrase, is_open=is_open)


@pytest.mark.parametrize(
    ("text", "phrase", "is_found"),
    [
        ("東京都庁", "京都", True),
        ("x東y", "x東y", True),
        ("ab", "a b", False),
        ("a_b", "a b", True),
    ],
)
def test_a_phrase_is_shown_where_it_stands(text: str, phrase: str, is_found: bool) -> None:
    pattern = pattern_of([(tuple(words_of(phrase)), False)])
    assert pattern is not None
    assert (pattern.search(folded(text)) is not None) is is_found
