"""Long texts are encoded piece by piece, with the result of one encoding."""

import json

from hypothesis import given
from hypothesis import strategies as st

from replyscope.store.packing import _LONG, dumps, texts_of

_TEXTS = st.text(st.characters()) | st.sampled_from(("\ud83d", "\ude00", '"\\\n', "é😀"))
_LEAVES = st.none() | st.booleans() | st.integers() | _TEXTS
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=20
)


def with_long_texts(value: object, long: str) -> object:
    """The value with a long text in place of each integer."""
    if isinstance(value, dict):
        return {name: with_long_texts(one, long) for name, one in value.items()}
    if isinstance(value, list):
        return [with_long_texts(one, long) for one in value]
    return long if type(value) is int else value


@given(_VALUES, st.sampled_from(("\ud83d", "\ude00", "é", '"', "😀")))
def test_pieces_are_the_json_of_the_whole(value: object, at_the_cut: str) -> None:
    long = "x" * (_LONG - 1) + at_the_cut * 2
    whole = with_long_texts(value, long)
    assert "".join(texts_of(whole)) == dumps(whole)


def test_no_piece_of_a_long_text_is_long() -> None:
    text = "lorem 😀 " * 500_000
    for value in (text, [1, text], {"a": {"b": [text, text]}, "c": text}):
        pieces = list(texts_of(value))
        assert max(map(len, pieces)) <= 12 * _LONG
        assert json.loads("".join(pieces)) == value
