"""Formats prompts of the library, for the command line and the chats. Pure."""

from collections.abc import Iterator
from typing import Any

from replyscope.domain.prompt import Prompt, Variable, VariableType

_WORDS = {
    VariableType.TEXT: "text",
    VariableType.CHOICE: "choice",
    VariableType.FILE: "path of a file",
    VariableType.NUMBER: "number",
    VariableType.YES_NO: "yes or no",
}


def prompt_object(prompt: Prompt) -> dict[str, Any]:
    """The object that `prompts list --json` prints for a prompt."""
    return {
        "name": prompt.name,
        "version": prompt.version,
        "title": prompt.title,
        "model": prompt.model,
        "preset": prompt.preset,
        "system": prompt.system,
        "tools": list(prompt.tools) if prompt.tools is not None else None,
        "schema": prompt.schema,
        "parameters": prompt.parameters.given(),
        "takes_input": prompt.takes_input,
        "variables": [
            {
                "name": one.name,
                "type": one.type.value,
                "default": one.default,
                "choices": list(one.choices),
                "description": one.description,
            }
            for one in prompt.variables
        ],
        "text": prompt.text,
    }


def prompt_lines(prompt: Prompt) -> Iterator[str]:
    """The name, the version, the settings and the variables of a prompt, one a line."""
    yield f"{prompt.part.short_name}{f': {prompt.title}' if prompt.title else ''}"
    for name, value in (("model", prompt.model), ("preset", prompt.preset)):
        if value is not None:
            yield f"{name}: {value}"
    for key, one in prompt.parameters.given().items():
        yield f"{key}: {one}"
    if prompt.tools is not None:
        yield f"tools: {', '.join(prompt.tools) or 'none'}"
    for variable in prompt.variables:
        yield f"{variable.name}: {about_variable(variable)}"


def about_variable(variable: Variable) -> str:
    """The type, the choices, the default and the description of a variable, in one line."""
    words = ", ".join(variable.choices) or _WORDS[variable.type]
    default = f"default {variable.default}" if variable.default else ""
    default = "may be empty" if variable.default == "" else default
    said = variable.description if variable.is_described else "not described under [variables]"
    return " · ".join(filter(None, (words, default, said)))
