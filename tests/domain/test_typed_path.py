"""Typed paths: the home folder is expanded, and nothing raises."""

import re
from pathlib import Path

import pytest

from replyscope.domain.typed_path import typed_path

SOURCE = Path(__file__).parents[2] / "src" / "replyscope"
NO_HOME = ("~nobodyx", "~nobodyx/", "~nobodyx/f", "~no\0body/f", "~no\0body")


def test_the_home_folder_is_expanded() -> None:
    assert typed_path("~/a.txt") == Path.home() / "a.txt"
    assert typed_path("a/~b") == Path("a/~b")


@pytest.mark.parametrize("text", NO_HOME)
def test_a_user_without_a_home_folder_stays_as_typed(text: str) -> None:
    assert typed_path(text) == Path(text)


def test_no_other_module_expands_typed_paths() -> None:
    """Path.expanduser raises RuntimeError, which no caller expects."""
    for path in SOURCE.rglob("*.py"):
        assert not re.search(r"\)?\.expanduser\(\)", path.read_text("utf-8")), path
