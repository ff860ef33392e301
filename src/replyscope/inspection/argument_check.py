"""Validates the arguments of a tool call against the tool's schema. Pure."""

import json
from typing import Any

from replyscope.domain.json_text import read_json
from replyscope.domain.values import dataclass
from replyscope.inspection.schema_check import find_faults


@dataclass(frozen=True, slots=True)
class Checked:
    """The parsed arguments of a call, and a sentence for each validation error."""

    value: dict[str, Any]
    problems: tuple[str, ...] = ()


def check_arguments(arguments: str, schema: str) -> Checked:
    """Validate arguments (JSON text) against a JSON schema. Empty text is an empty object."""
    try:
        value = read_json(arguments or "{}")
    except ValueError as error:
        return Checked({}, (f"the arguments are not JSON: {error}",))
    if not isinstance(value, dict):
        return Checked({}, ("the arguments are not a JSON object",))
    return Checked(value, find_faults(value, schema))


def as_texts(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Each argument as text for pattern matching: strings verbatim, other values as JSON."""
    return [
        (name, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))
        for name, given in value.items()
    ]


def defaults_of(schema: str) -> dict[str, Any]:
    """The default values of a tool's arguments, from its schema; empty for a bad schema."""
    try:
        properties = read_json(schema).get("properties", {})
        return {
            name: entry["default"]
            for name, entry in properties.items()
            if isinstance(entry, dict) and "default" in entry
        }
    except (ValueError, AttributeError):
        return {}
