"""Renders the commented settings template from the table of settings."""

from collections.abc import Iterator

from replyscope.config.setting import Section, Setting, settings_of
from replyscope.config.setting_table import RootSection

_HEAD = "# replyscope settings. Every line may be left out; what you see are the defaults.\n"
_COLUMN = 32
"""The column at which comments begin, in characters."""


def render_template() -> str:
    """The template, with every setting commented out."""
    return "\n".join([_HEAD, *(f"{block}\n" for block in _blocks(RootSection, []))])


def _blocks(section: Section, head: list[str]) -> Iterator[str]:
    lines = head
    tables: list[Setting[object]] = []
    for setting in settings_of(section):
        if setting.header:
            tables.append(setting)
            continue
        if setting.starts_block:
            yield "\n".join(lines)
            lines = []
        if setting.example:
            lines += _line(f"{setting.key} = {setting.example}", setting.comment)
    yield "\n".join(lines)
    for table in tables:
        head = _line(table.header, table.comment)
        if table.type.section is not None:
            yield from _blocks(table.type.section, head)
        else:
            yield "\n".join([*head, *(f"# {line}" for line in table.example.split("\n"))])


def _line(text: str, comment: str) -> list[str]:
    first, *more = comment.split("\n")
    line = f"# {text}"
    if first:
        room = " " * max(_COLUMN - len(line), 2 if len(line) < _COLUMN else 3)
        line = f"{line}{room}# {first}"
    return [line, *(f"{'#':<{_COLUMN}}# {rest}" for rest in more)]
