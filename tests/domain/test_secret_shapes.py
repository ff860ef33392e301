"""Keys in texts: the known ones and the well-known shapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.secret_shapes import find_keys, masked_key, without_keys

KEYS = [
    "sk-proj-abcDEF123456ghiJKL789",
    "sk-ant-api03-abcdef123456789",
    "sk-or-v1-0123456789abcdef0123",
    "ghp_0123456789abcdefABCDEF0123456789abcd",
    "github_pat_11ABCDEFG0123456789",
    "glpat-0123456789abcdefghij",
    "xoxb-123456789012-abcdefghijkl",
    "hf_abcdefghijklmnopqrstuvwx",
    "gsk_0123456789abcdefghijklmn",
    "xai-0123456789abcdefghijklmnop",
    "nvapi-0123456789abcdefghijklmnop",
    "pplx-0123456789abcdefghijklmnop",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "sk_live_0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghij",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("around", ["{}", "my key is {}.", "KEY='{}'", '{{"key": "{}"}}', "\n{}\n"])
def test_a_key_of_a_well_known_shape_is_found(key: str, around: str) -> None:
    text = around.format(key)
    assert find_keys(text) == [key]
    assert key not in without_keys(text)
    assert key not in masked_key(key)


@pytest.mark.parametrize("known", ["odd+key/1", "abc12", "k3y!", "a longer phrase"])
def test_a_known_key_is_found_whatever_its_shape(known: str) -> None:
    assert find_keys(f"it is {known}, yes", [known]) == [known]
    assert find_keys("it is something else", [known]) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("the sk-learn library and pk-fields", []),
        ("a task-oriented-programming-style", []),
        ("the token is none, an empty test", ["none", "empty", "test", "token"]),
        ("abc123 is another word", ["abc12"]),
        ("a b c", ["a", "", "abc"]),
        ("AKIA and AIza and ghp_ alone", []),
    ],
)
def test_what_is_no_key_is_none(text: str, known: list[str]) -> None:
    assert find_keys(text, known) == []


@given(st.text(max_size=200), st.lists(st.sampled_from(KEYS), max_size=3))
def test_no_key_stays_in_a_masked_text(text: str, keys: list[str]) -> None:
    masked = without_keys(" ".join([text, *keys, text]))
    assert not any(key in masked for key in keys)


def test_a_key_after_an_escape_sequence_of_json_is_found() -> None:
    key = "sk-planted4key4of4a4person"
    for before in ("\\n", "\\t", "\\u000a", '"', " "):
        assert find_keys(f'{{"content": "my key{before}{key}"}}') == [key]
    assert find_keys(f"ask{key}") == []
