"""The definition of a setting: its type, its line in the template, and its description.

The types read a value from a table of the file and describe it for the JSON schema, so that
both accept the same.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from replyscope.config.checks import Table
from replyscope.domain.limits import Limits
from replyscope.domain.values import dataclass

T = TypeVar("T")
JsonSchema = dict[str, Any]
Section = type
"""A class whose attributes are settings. `rules` is added to its JSON schema."""


@dataclass(frozen=True, slots=True)
class SettingType(Generic[T]):
    """The type of a setting. `section` has the settings of a table.

    `read` returns the value of a key in a table, and raises SettingsError naming file, line
    and key. `schema` returns the JSON schema of a value.
    """

    read: Callable[[Table, str], T]
    schema: Callable[[], JsonSchema]
    section: Section | None = None


class Setting(Generic[T]):
    """A setting. Its key is its attribute name in the section.

    `example` is the value in the template, as TOML; a setting without one is not in the
    template. `comment` follows the value. `help` is the description; the default is the
    comment. A setting with a `header` is a table, which is a separate block of the template.
    """

    def __init__(
        self,
        type_: SettingType[T],
        example: str = "",
        comment: str = "",
        *,
        help: str = "",
        header: str = "",
        starts_block: bool = False,
    ) -> None:
        self.type = type_
        self.example = example
        self.comment = comment
        self.help = help or comment.replace("\n", " ")
        self.header = header
        self.starts_block = starts_block
        self.key = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = name

    def read(self, table: Table) -> T:
        """The value in a table. Raises SettingsError naming file, line and key."""
        return self.type.read(table, self.key)


def settings_of(section: Section) -> Iterator[Setting[Any]]:
    """The settings of a section, in the order of definition."""
    return (value for value in vars(section).values() if isinstance(value, Setting))


def section_schema(section: Section) -> JsonSchema:
    """The JSON schema of a table. Unknown keys are rejected, unless the rules allow them."""
    properties = {setting.key: _described(setting) for setting in settings_of(section)}
    rules: JsonSchema = getattr(section, "rules", {})
    return {"type": "object", "properties": properties, "additionalProperties": False, **rules}


def _described(setting: Setting[Any]) -> JsonSchema:
    schema = setting.type.schema()
    return {"description": setting.help, **schema} if setting.help else schema


def text(**rules: object) -> SettingType[str | None]:
    """A string. `rules` are keywords of its JSON schema."""
    return SettingType(Table.text, lambda: {"type": "string", **rules})


def flag() -> SettingType[bool | None]:
    """A boolean."""
    return SettingType(Table.flag, lambda: {"type": "boolean"})


def whole(limits: Limits) -> SettingType[int | None]:
    """An integer within limits."""
    return SettingType(
        lambda table, key: table.whole(key, limits), lambda: _bounded("integer", limits)
    )


def number(limits: Limits) -> SettingType[float | None]:
    """A number within limits."""
    return SettingType(
        lambda table, key: table.number(key, limits), lambda: _bounded("number", limits)
    )


def _bounded(kind: str, limits: Limits) -> JsonSchema:
    return {"type": kind, "minimum": limits.least, "maximum": limits.most}


def choice(*words: str) -> SettingType[str | None]:
    """The type of a setting with a fixed set of strings."""
    return SettingType(
        lambda table, key: table.one_of(key, words),
        lambda: {"enum": [str(word) for word in words]},
    )


def texts(least: int = 0) -> SettingType[tuple[str, ...] | None]:
    """A list of at least that many strings."""
    items = {"minItems": least} if least else {}
    return SettingType(Table.texts, lambda: {"type": "array", "items": {"type": "string"}, **items})


def pairs() -> SettingType[dict[str, str]]:
    """A table of strings with arbitrary keys."""
    return SettingType(
        Table.pairs, lambda: {"type": "object", "additionalProperties": {"type": "string"}}
    )


def json_table() -> SettingType[dict[str, Any]]:
    """A table of any values that JSON has."""
    return SettingType(Table.json, lambda: {"type": "object"})


def table(section: Section) -> SettingType[Table]:
    """A table of settings."""
    return SettingType(Table.table, lambda: section_schema(section), section)


def named_tables(section: Section) -> SettingType[Table]:
    """A table of named tables."""
    return SettingType(
        Table.table,
        lambda: {"type": "object", "additionalProperties": section_schema(section)},
        section,
    )


def texts_or_tables(section: Section) -> SettingType[Table]:
    """A table whose entries are strings, or tables of settings."""

    def schema() -> JsonSchema:
        entry = {"anyOf": [{"type": "string", "pattern": r"\S"}, section_schema(section)]}
        return {"type": "object", "additionalProperties": entry}

    return SettingType(Table.table, schema)


def tables(section: Section) -> SettingType[list[Table]]:
    """An array of tables."""
    return SettingType(
        Table.tables, lambda: {"type": "array", "items": section_schema(section)}, section
    )
