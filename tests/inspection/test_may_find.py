"""The quick check before a redaction: it may be wrong only in one direction."""

import pytest

from replyscope.domain.secret_shapes import KEY_SHAPES
from replyscope.inspection.sharing.redaction import Redactor

NEEDS = sorted({need for needs, _ in KEY_SHAPES for need in needs})


@pytest.mark.parametrize("need", [*NEEDS, "bearer ", "api_key", "api-key", "apikey", "passw"])
def test_every_sign_of_a_key_is_found_wherever_it_is(need: str) -> None:
    keys = Redactor(keys_only=True)
    for text in (need, f"before {need}", f"{need} after", f"_-_{need}-_-", need.upper()):
        assert keys.may_find(text)
        assert Redactor().may_find(text)


@pytest.mark.parametrize(
    "text", ["", "message_id", "a-b_c-d", "https://example.org/a", "gh_ sk_ _"]
)
def test_a_text_without_one_is_left_alone(text: str) -> None:
    assert not Redactor(keys_only=True).may_find(text)


def test_a_login_in_a_url_is_found() -> None:
    assert Redactor(keys_only=True).may_find("see http://me:word@example.org/")
