"""Fills prompts of the library, and applies them to the settings of a session."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

from replyscope.domain.errors import SettingsError
from replyscope.domain.message import Part, PromptPart, TextPart
from replyscope.domain.preset import Preset
from replyscope.domain.prompt import (
    INPUT,
    Prompt,
    PromptLibrary,
    Prompts,
    Variable,
    VariableType,
    as_inserted,
    escaped,
    filled,
    names_in,
    value_fault,
)
from replyscope.domain.session import SessionSettings
from replyscope.domain.settings import Settings
from replyscope.engine.presets import find_preset, with_preset

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue

_ARGUMENT = re.compile(r"\s*([^\W\d][\w-]*)=(?:\"([^\"]*)\"|'([^']*)'|(\S*))(?=\s|$)")
_MOST_CHARACTERS = 20_000_000
_MOST_NAMED = 5
TEMPLATE = """\
+++
title = ""
# model = "PROVIDER/MODEL"
# system = "Answer in one sentence."

# [parameters]
# temperature = 0.2

# [variables.language]
# type = "choice"                # text, choice, file, number, yes/no
# choices = ["English", "German"]
# default = "English"
# description = "the language of the answer"
+++
{{input}}
"""
"""The text of a new prompt."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A message that prompts made. `files` are the paths to attach, as typed."""

    text: str
    system: str | None
    files: tuple[str, ...]
    prompts: tuple[Prompt, ...]

    @property
    def parts(self) -> tuple[PromptPart, ...]:
        """The records of the prompts."""
        return tuple(prompt.part for prompt in self.prompts)


def find_prompt(prompts: Prompts, name: str) -> Prompt:
    """The prompt with a name. Raises SettingsError with its fault, or with the names."""
    found = prompts.by_name.get(name)
    if found is not None:
        return found
    if name in prompts.faults:
        raise SettingsError(f"The prompt {name} is not used: {prompts.faults[name]}")
    near = get_close_matches(name, prompts.by_name, n=1)
    names = ", ".join([*prompts.by_name][:20]) + (", …" if len(prompts.by_name) > 20 else "")
    advice = f"The prompts are: {names}." if names else "There are none yet."
    raise SettingsError(
        f"There is no prompt {name}.", f"Did you mean {near[0]}?" if near else advice
    )


def read_arguments(prompt: Prompt, text: str) -> tuple[dict[str, str], str]:
    """The values and the input in the text after a prompt's name: `language=German "a b"`.

    Values come first; a value with spaces is in quotes. The rest is the input.
    """
    names = {one.name for one in prompt.variables}
    given: dict[str, str] = {}
    at = 0
    while (found := _ARGUMENT.match(text, at)) and found[1] in names:
        given[found[1]] = next(one for one in found.groups()[1:] if one is not None)
        at = found.end()
    return given, text[at:].strip()


def check_value(prompt: Prompt, variable: Variable, value: str) -> None:
    """Raise SettingsError if a variable can't have a value."""
    if why := value_fault(variable, value):
        raise SettingsError(f"The prompt {prompt.name}: {variable.name} {why}.")


def starting_values(
    prompt: Prompt, last: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The values that a form begins with: those given, else the last ones if they are still
    allowed, else the defaults.
    """
    values = {}
    for one in prompt.variables:
        value = last.get(one.name)
        if value is None or value_fault(one, value):
            value = one.default
        values[one.name] = given.get(one.name, value or "")
    return values


def is_complete(prompt: Prompt, given: Mapping[str, str], text: str) -> bool:
    """Whether a prompt can be filled without asking for anything."""
    has_input = bool(text.strip()) or not prompt.takes_input
    return has_input and all(one.name in given for one in prompt.variables)


async def check_prompts(
    prompts: Iterable[Prompt], library: PromptLibrary, load: Callable[[], "Catalogue"]
) -> None:
    """Check the parameters that only the catalogue knows, which is loaded if there are any.

    Raises SettingsError.
    """
    unchecked = [prompt for prompt in prompts if needs_check(prompt)]
    if unchecked:
        catalogue = await asyncio.to_thread(load)
        for prompt in unchecked:
            library.parse(prompt.name, prompt.text, catalogue.check)


def without_value(prompt: Prompt, given: Mapping[str, str]) -> tuple[Variable, ...]:
    """The variables that have neither a value nor a default."""
    return tuple(one for one in prompt.variables if one.default is None and not given.get(one.name))


def fill(prompts: Sequence[Prompt], given: Mapping[str, str], text: str = "") -> Filled:
    """The message of one or several prompts, in order. `text` is the input; without a place for
    it, it is appended. Raises SettingsError for a wrong, unknown or missing value.
    """
    _check_names(prompts, given)
    bodies, systems, files = [], [], []
    for prompt in prompts:
        values = dict(_values(prompt, given))
        files += [values[one.name] for one in prompt.variables if one.type is VariableType.FILE]
        if prompt.takes_input and not text.strip():
            raise SettingsError(f"The prompt {prompt.name} needs a text for {{{{{INPUT}}}}}.")
        shown = {one.name: _inserted(one, values[one.name]) for one in prompt.variables} | {
            INPUT: text
        }
        own = prompt.system or ""
        _check_size(prompt, f"{own}\n{prompt.body}", shown)
        bodies.append(filled(prompt.body, shown))
        systems.append(filled(own, shown))
    if text.strip() and not any(prompt.takes_input for prompt in prompts):
        bodies.append(text)
    whole = "\n\n".join(body for body in bodies if body.strip())
    if not whole.strip():
        raise SettingsError(
            f"The prompt {prompts[-1].name} has no text of its own, so it needs one."
        )
    system = "\n\n".join(filter(str.strip, systems)) or None
    return Filled(whole, system, tuple(files), tuple(prompts))


def _check_size(prompt: Prompt, text: str, values: Mapping[str, str]) -> None:
    """Raise SettingsError if the text would be too large with its values."""
    size = len(text) + sum(len(values.get(name, "")) for name in names_in(text))
    if size > _MOST_CHARACTERS:
        raise SettingsError(
            f"The prompt {prompt.name} makes a message of more than {_MOST_CHARACTERS:,} "
            "characters."
        )


def _check_names(prompts: Sequence[Prompt], given: Mapping[str, str]) -> None:
    known = dict.fromkeys(one.name for prompt in prompts for one in prompt.variables)
    for name in given:
        if name not in known:
            who = " and ".join(prompt.name for prompt in prompts)
            has = f"Its variables are: {', '.join(known)}." if known else "It has none."
            raise SettingsError(f"The prompt {who} has no variable {name}.", has)


def _values(prompt: Prompt, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The values of a prompt's variables. Raises SettingsError."""
    missing = without_value(prompt, given)
    if missing:
        names = ", ".join(map(_about, missing[:_MOST_NAMED]))
        more = len(missing) - _MOST_NAMED
        names += f" and {more} more" if more > 0 else ""
        raise SettingsError(f"The prompt {prompt.name} needs a value for {names}.")
    for one in prompt.variables:
        value = given.get(one.name) or one.default or ""
        check_value(prompt, one, value)
        yield one.name, value


def _about(variable: Variable) -> str:
    if not variable.is_described:
        return f"{variable.name} (which is not described under [variables])"
    words = variable.description or ", ".join(variable.choices)
    return f"{variable.name} ({words})" if words else variable.name


def _inserted(variable: Variable, value: str) -> str:
    if variable.type is VariableType.FILE:
        return PurePath(value).name or value
    return as_inserted(variable, value)


def model_of(prompts: Iterable[Prompt], known: Settings) -> str | None:
    """The model of prompts: of the last that has one, or whose preset has one.

    Raises SettingsError for an unknown preset.
    """
    model: str | None = None
    for prompt in prompts:
        own = find_preset(known, prompt.preset).model if prompt.preset is not None else None
        model = prompt.model or own or model
    return model


def with_filled(settings: SessionSettings, used: Filled, known: Settings) -> SessionSettings:
    """The settings of a session, changed by the settings of prompts. Other settings are kept.

    Raises SettingsError for an unknown preset or an unreadable schema.
    """
    for prompt in used.prompts:
        if prompt.preset is not None:
            settings = with_preset(settings, find_preset(known, prompt.preset))
        own = Preset(prompt.name, tools=prompt.tools, schema=prompt.schema)
        parameters = prompt.parameters.merged_over(settings.parameters)
        made = with_preset(settings, own)
        settings = replace(made, preset=settings.preset, parameters=parameters)
    return replace(settings, system=used.system if used.system is not None else settings.system)


def needs_check(prompt: Prompt) -> bool:
    """Whether a prompt has parameters that only the catalogue can check."""
    given = prompt.parameters
    return bool(given.others or given.extra or given.extra_headers)


def prompt_of_message(name: str, parts: Iterable[Part], library: PromptLibrary) -> str:
    """The text of a prompt that is filled to the text of a message.

    Raises SettingsError if there is no text.
    """
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    if not text.strip():
        raise SettingsError("The message has no text to make a prompt of.")
    made = escaped(text)
    if made.lstrip().startswith(("+++", "---")):  # it would be read as front matter
        made = f"+++\n+++\n{made}"
    library.parse(name, made)
    return made


def describe_prompt(prompt: Prompt) -> str:
    """The parts of a prompt in one line."""
    names = ", ".join(one.name for one in prompt.variables)
    title = prompt.title or prompt.body.lstrip().partition("\n")[0]
    parts = [title, prompt.model or prompt.preset or ""]
    parts.append(f"asks for {names}" if names else "")
    return " · ".join(filter(None, parts))[:200]
