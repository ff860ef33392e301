"""Prompts: templates of messages with variables, each a Markdown file of the prompt library."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from replyscope.domain.message import PromptPart
from replyscope.domain.session import Parameters
from replyscope.domain.typed_number import shortened

INPUT = "input"
"""The variable that gets the text of the message."""
_LONGEST_NAME = 80
_NAME = re.compile(r"[^\W_](?:[\w.+-]*\w)?")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), "yes"),
    **dict.fromkeys(("no", "n", "false", "off", "0"), "no"),
}
_BRACES = r"\{\{\s*([^\W\d][\w-]*)\s*\}\}"
_VARIABLE = re.compile(rf"(\\?)({_BRACES})")
_NAMED = re.compile(rf"{_BRACES}")


class VariableType(StrEnum):
    """The type of a variable's values. A file is attached, and its name is inserted."""

    TEXT = "text"
    CHOICE = "choice"
    FILE = "file"
    NUMBER = "number"
    YES_NO = "yes/no"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a prompt. A default of None means that a value is required.

    `is_described` is false for a variable that is only in the text.
    """

    name: str
    type: VariableType = VariableType.TEXT
    default: str | None = None
    choices: tuple[str, ...] = ()
    description: str = ""
    is_described: bool = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: the text of a message, and the settings that it is sent with.

    `text` is the normalised content of its file, which its version identifies; `body` is the
    part after the front matter. None is not part of the prompt: a session keeps its own value.
    `schema` is a JSON schema, or the absolute path of a file with one. `described` are the
    variables of the front matter; `names` are the variables of the text and the system prompt, in
    order.
    """

    name: str
    text: str
    body: str
    title: str = ""
    model: str | None = None
    preset: str | None = None
    system: str | None = None
    tools: tuple[str, ...] | None = None
    schema: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    described: tuple[Variable, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The SHA-256 of the text, as 64 hex digits."""
        return version_of(self.text)

    @property
    def part(self) -> PromptPart:
        """The record of the prompt in a message that it made."""
        return PromptPart(self.name, self.version, self.text)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All variables but the input: first the described ones, then the others of the text."""
        known = {one.name for one in self.described}
        others = (name for name in self.names if name not in known and name != INPUT)
        return (*self.described, *(Variable(name, is_described=False) for name in others))

    @property
    def takes_input(self) -> bool:
        """Whether the text of the message has its own place in the prompt."""
        return INPUT in self.names


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of the library by name, and a sentence about each file that is not used."""

    by_name: Mapping[str, Prompt] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[str, Any], None]
"""Checks the value of a parameter, by name. Raises ParameterFault."""


def accept_any(_name: str, _value: Any) -> None:
    """Accept each parameter: the catalogue of parameters loads with the SDK, after the start."""


class PromptLibrary(Protocol):
    """The prompt library: a folder with one file per prompt. All methods block."""

    def read(self) -> Prompts:
        """All prompts, in the order of their names. Files that did not change are not read again.

        Raises SettingsError if the folder can't be read.
        """

    def read_source(self, name: str) -> str | None:
        """The text of a prompt's file; None without a file. Raises SettingsError."""

    def check_writing(self, name: str) -> None:
        """Raise SettingsError if a prompt can't be saved. Called before its text is edited."""

    def write(self, name: str, text: str) -> Path:
        """Save the text of a prompt, and return its file. Raises SettingsError."""

    def keep(self, text: str) -> Path | None:
        """Write a text that can't be saved into a temporary file, and return it; None if that
        fails too.
        """

    def parse(self, name: str, text: str, check: Check = accept_any) -> Prompt:
        """The prompt of a text. `check` checks its parameters.

        Raises SettingsError with file, line and what is allowed.
        """


def is_prompt_name(name: str) -> bool:
    """Whether a prompt may have a name: letters, digits and `. + - _` inside."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def normalised(text: str) -> str:
    """The content of a file without its byte order mark, with `\\n` as line ends, and without
    white space at the end. Editors change these, people do not.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip()


def version_of(text: str) -> str:
    """The version of a normalised text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def names_in(text: str) -> Iterator[str]:
    """The names of the variables in a text, in order."""
    for found in _NAMED.finditer(text):
        if text[found.start() - 1 : found.start()] != "\\":
            yield found[1]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of its variables; `\\{{` becomes `{{`. A variable without a value
    is kept. Values are not searched for variables.
    """
    return _VARIABLE.sub(
        lambda found: found[2] if found[1] else values.get(found[3], found[2]), text
    )


def escaped(text: str) -> str:
    """The text of a prompt that is filled to exactly this text."""
    return _NAMED.sub(r"\\\g<0>", text)


def value_fault(variable: Variable, value: str) -> str | None:
    """The reason that a variable can't have a value, as the rest of a sentence; None if it can."""
    match variable.type:
        case VariableType.CHOICE if value not in variable.choices:
            return f"is {shortened(value)!r}; allowed: {', '.join(variable.choices)}"
        case VariableType.NUMBER if _NUMBER.fullmatch(value) is None:
            return f"is {shortened(value)!r}; allowed: a number such as 3 or 0.5"
        case VariableType.YES_NO if value.lower() not in _YES_NO:
            return f"is {shortened(value)!r}; allowed: yes, no"
    return None


def as_inserted(variable: Variable, value: str) -> str:
    """The text that is inserted for a valid value: yes and no in one spelling."""
    return _YES_NO[value.lower()] if variable.type is VariableType.YES_NO else value
