"""The line that an error of the settings file names."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replyscope.config.settings import parse_settings
from replyscope.config.toml_place import Place, line_of
from replyscope.domain.errors import SettingsError

TEXT = """\
theme = "MARK 1"
[[rule]]
when = "MARK 3"
[[rule]]
[rule.more]
deep = "MARK 6"
[[rule]]
when = "MARK 8"  # another
"quoted.name" = "MARK 9"
[tools]
a.b = "MARK 11"
[[tools.allow]]
tool = "MARK 13"
[tools.allow.arguments]
path = "MARK 15"
[[tools.allow]] # a comment
[[tools.allow.nested]]
x = "MARK 18"
[[tools.allow.nested]]
'x' = "MARK 20"
[tools.allow.arguments]
path = "MARK 22"
[ providers . "my.server" ]
base_url = "MARK 24"
"""


def marks(value: Any, path: Place = ()) -> Iterator[tuple[Place, int]]:
    """Each text of the parsed file with its path, and the line that it names."""
    if isinstance(value, str):
        yield path, int(value.removeprefix("MARK "))
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs if isinstance(value, dict | list) else ():
        yield from marks(inner, (*path, key))


def test_every_key_is_found_in_its_own_table_of_an_array() -> None:
    wanted = dict(marks(tomllib.loads(TEXT)))
    assert len(wanted) == TEXT.count("MARK")
    assert {path: line_of(TEXT, path) for path in wanted} == wanted


def test_a_missing_key_is_placed_at_its_own_table() -> None:
    assert line_of(TEXT, ("rule", 1, "when")) == 4
    assert line_of(TEXT, ("rule", 2, "do")) == 7
    assert line_of(TEXT, ("tools", "allow", 1, "tool")) == 16
    assert line_of(TEXT, ("absent",)) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "[[rule]]\nwhen = 'x'\ndo = 'flag'\n\n[[rule]]\nwhen = '(('\ndo = 'flag'",
            ":6: rule.when",
        ),
        ("[[rule]]\nwhen = 'x'\ndo = 'flag'\n\n[[rule]]\ndo = 'flag'", ":5: rule.when"),
        ("[[tools.deny]]\ntool='a/b'\n[[tools.deny]]\ntool='x/y'\nto=1", ":5: tools.deny.to"),
    ],
)
def test_a_fault_in_a_later_table_names_its_line(text: str, place: str) -> None:
    try:
        said = " ".join(parse_settings(text, Path("s.toml")).rule_faults)
    except SettingsError as error:
        said = str(error)
    assert f"s.toml{place}" in said
