"""Short keys are masked as whole names, long ones everywhere."""

import pytest

from replyscope.domain.mask import Mask
from replyscope.domain.secret_shapes import find_keys, without_keys

KEY = "mini"
NAMES = [
    "gpt-4o-mini",
    "mini-7b",
    "openai/mini",
    "mini/chat",
    "phi.mini.v2",
    "minimal",
    "a_mini",
    '{"model": "o4-mini", "object": "list"}',
]
ECHOES = [
    ("Incorrect API key: mini.", "Incorrect API key: •••."),
    ('{"key": "mini"}', '{"key": "•••"}'),
    ("?key=mini&n=1", "?key=•••&n=1"),
    ("Bearer mini", "Bearer •••"),
    ("(mini)", "(•••)"),
    ("mini", "•••"),
]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_that_contains_a_short_key_stays(text: str) -> None:
    mask = Mask([KEY])
    assert mask.text(text) == text
    assert mask.body(text.encode()) == text.encode()
    assert find_keys(text, [KEY]) == []
    assert without_keys(text, [KEY]) == text


@pytest.mark.parametrize(("text", "masked"), ECHOES)
def test_a_short_key_by_itself_is_masked(text: str, masked: str) -> None:
    mask = Mask([KEY])
    assert mask.text(text) == masked
    assert mask.body(text.encode()) == masked.encode()
    assert without_keys(f"{text} gpt-4o-mini", [KEY]) == f"{masked} gpt-4o-mini"


def test_a_long_key_is_masked_within_a_word() -> None:
    assert Mask(["s3cretkey"]).text("xs3cretkeyx") == "x•••x"


LONG, OTHER = "sk-proj-0123456789", "hf_abcdefghijkl"


@pytest.mark.parametrize(
    ("original", "edit", "sent"),
    [
        (f"use {LONG} now", ("now", "later"), f"use {LONG} later"),
        (f"{LONG} and {OTHER}, mini", ("and", "or"), f"{LONG} or {OTHER}, mini"),
        (f"{LONG} and {LONG}", (" and •••", ""), LONG),
        (f"{LONG}", ("•••", "••• •••"), f"{LONG} {LONG}"),
        (f"{LONG} and {OTHER}", ("••• and •••", "nothing"), "nothing"),
        (f"{LONG} and {OTHER}", (" and •••", ""), None),
        (f"••• is {LONG}", ("is", "was"), f"••• was {LONG}"),
        ("no key", ("no", "•••"), "••• key"),
    ],
)
def test_what_was_masked_is_put_back_after_an_edit(
    original: str, edit: tuple[str, str], sent: str | None
) -> None:
    mask = Mask([LONG, OTHER, KEY])
    edited = mask.body(original.encode()).decode().replace(*edit)
    unmasked = mask.unmasked(original.encode(), edited.encode())
    assert (None if unmasked is None else unmasked.decode()) == sent
