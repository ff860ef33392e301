"""Whether a model's arguments fit a tool's schema, and where they do not. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from replyscope.domain.json_text import read_json
from replyscope.inspection.schema_check import find_faults


@dataclass(frozen=True, slots=True)
class Checked:
    """Arguments as they were understood, and what is wrong with them, in sentences."""

    value: dict[str, Any]
    problems: tuple[str, ...] = ()


def check_arguments(arguments: str, schema: str) -> Checked:
    """Arguments against a JSON schema, both as text. No text at all is no arguments."""
    try:
        value = read_json(arguments or "{}")
    except ValueError as error:
        return Checked({}, (f"the arguments are not JSON: {error}",))
    if not isinstance(value, dict):
        return Checked({}, ("the arguments are not a JSON object",))
    return Checked(value, find_faults(value, schema))


def as_texts(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Each argument as text, as patterns see it: strings as they are, the rest as JSON."""
    return [
        (name, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))
        for name, given in value.items()
    ]


def defaults_of(schema: str) -> dict[str, Any]:
    """What a tool uses for arguments that a call leaves out, as far as its schema says."""
    try:
        properties = read_json(schema).get("properties", {})
        return {
            name: entry["default"]
            for name, entry in properties.items()
            if isinstance(entry, dict) and "default" in entry
        }
    except (ValueError, AttributeError):
        return {}
