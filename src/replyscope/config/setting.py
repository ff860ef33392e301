"""The definition of a setting: its type, its line in the template, and its description.

The types read a value from a table of the file and describe it for the JSON schema, so that
both accept the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from replyscope.config.checks import Table
from replyscope.domain.limits import Limits

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
JsonSchema = dict[str, Any]


class SettingType(Protocol[T_co]):
    """The type of a setting."""

    def read(self, table: Table, key: str) -> T_co:
        """The value of a key. Raises SettingsError naming file, line and key."""
        ...

    def schema(self) -> JsonSchema:
        """The JSON schema of a value."""
        ...


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


Section = type
"""A class whose attributes are settings. `rules` is added to its JSON schema."""


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


@dataclass(frozen=True, slots=True)
class TextType:
    """A string."""

    rules: tuple[tuple[str, object], ...] = ()

    def read(self, table: Table, key: str) -> str | None:
        return table.text(key)

    def schema(self) -> JsonSchema:
        return {"type": "string", **dict(self.rules)}


class FlagType:
    """A boolean."""

    def read(self, table: Table, key: str) -> bool | None:
        return table.flag(key)

    def schema(self) -> JsonSchema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class WholeType:
    """An integer within limits."""

    limits: Limits

    def read(self, table: Table, key: str) -> int | None:
        return table.whole(key, self.limits)

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.limits.least, "maximum": self.limits.most}


@dataclass(frozen=True, slots=True)
class NumberType:
    """A number within limits."""

    limits: Limits

    def read(self, table: Table, key: str) -> float | None:
        return table.number(key, self.limits)

    def schema(self) -> JsonSchema:
        return {"type": "number", "minimum": self.limits.least, "maximum": self.limits.most}


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """One of the allowed strings."""

    words: tuple[str, ...]

    def read(self, table: Table, key: str) -> str | None:
        return table.one_of(key, self.words)

    def schema(self) -> JsonSchema:
        return {"enum": [str(word) for word in self.words]}


@dataclass(frozen=True, slots=True)
class TextsType:
    """A list of strings."""

    least: int = 0

    def read(self, table: Table, key: str) -> tuple[str, ...] | None:
        return table.texts(key)

    def schema(self) -> JsonSchema:
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": {"type": "string"}, **least}


class PairsType:
    """A table of strings with arbitrary keys."""

    def read(self, table: Table, key: str) -> dict[str, str]:
        return table.pairs(key)

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class TableType:
    """A table of settings."""

    section: Section

    def read(self, table: Table, key: str) -> Table:
        return table.table(key)

    def schema(self) -> JsonSchema:
        return section_schema(self.section)


@dataclass(frozen=True, slots=True)
class NamedTablesType:
    """A table of named tables."""

    section: Section

    def read(self, table: Table, key: str) -> Table:
        return table.table(key)

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": section_schema(self.section)}


@dataclass(frozen=True, slots=True)
class TablesType:
    """An array of tables."""

    section: Section

    def read(self, table: Table, key: str) -> list[Table]:
        return table.tables(key)

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": section_schema(self.section)}
