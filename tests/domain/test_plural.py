import pytest

from replyscope.domain.plural import plural


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "session", "0 sessions"),
        (1, "reply", "1 reply"),
        (2, "reply", "2 replies"),
        (2_000, "day", "2,000 days"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    assert plural(number, noun) == text
