"""Presets: named bundles of a model, a system prompt, parameters, tools and a schema."""

from dataclasses import field

from replyscope.domain.session import Parameters
from replyscope.domain.values import dataclass

_COMMANDS = ("save", "off")
"""The words of /preset that cannot be names."""


def is_preset_name(name: str) -> bool:
    """Whether a preset may have a name: /preset NAME must mean this preset."""
    first = name.partition(" ")[0]
    return (
        name.isprintable()
        and bool(name)
        and name == name.strip()
        and (first != "save" and name not in _COMMANDS)
    )


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset of the settings. None is not part of the preset: a session keeps its own value.

    `model` is an alias, MODEL or PROVIDER/MODEL; `schema` is a JSON schema, or the absolute path
    of a file with one.
    """

    name: str
    model: str | None = None
    system: str | None = None
    tools: tuple[str, ...] | None = None
    schema: str | None = None
    schema_name: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
