"""Validates the tool list of a server entry by entry. Pure.

An invalid entry is skipped, with a note that gives the reason.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from replyscope.domain.typed_number import whole_number

_MOST_SCHEMA = 500_000
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
_COMBINERS = ("anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "$ref", "$dynamicRef")
_DATA = ("enum", "const", "default", "examples", "example")
"""Keywords whose values are data: a `$ref` in them means nothing."""


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A validated entry of a tool list. Its schemas are valid JSON schemas.

    The input schema describes an object. `output_schema` is None if it is absent or invalid.
    """

    name: str
    description: str
    schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None


@dataclass(slots=True)
class Listing:
    """The valid tools, and a note for each entry that was skipped or changed."""

    tools: list[ListedTool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_tools(entries: Any) -> Listing:
    """Validate one page of a tool list."""
    listing = Listing()
    if isinstance(entries, dict):  # some servers send an object with tools by name
        entries = [{"name": name, **e} if isinstance(e, dict) else e for name, e in entries.items()]
    if not isinstance(entries, list):
        if entries is not None:
            listing.notes.append("the list of tools is not a list")
        return listing
    for number, entry in enumerate(entries, start=1):
        try:
            tool, notes = _read_tool(entry, number)
        except ValueError as error:
            listing.notes.append(f"{error}; it is skipped")
        else:
            listing.tools.append(tool)
            listing.notes += notes
    return listing


def _read_tool(entry: Any, number: int) -> tuple[ListedTool, list[str]]:
    """Validate an entry; return the tool and notes. Raises ValueError that names the tool."""
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"tool {number} of the list has no name")
    about = entry.get("description") or entry.get("title")
    try:
        schema = _input_schema(entry.get("inputSchema", entry.get("input_schema")))
    except ValueError as error:
        raise ValueError(f"{name}: its input schema {error}") from error
    notes = []
    output_schema = entry.get("outputSchema")
    if output_schema is not None:
        try:
            output_schema = _checked(output_schema)
        except ValueError as error:
            notes.append(f"{name}: its output schema {error}; results are not checked")
            output_schema = None
    about = about[:4_000] if isinstance(about, str) else ""
    return ListedTool(name, about, schema, output_schema), notes


def _input_schema(schema: Any) -> dict[str, Any]:
    """The schema with the type object, which every API requires. Raises ValueError."""
    if schema is None or schema is True or schema == {}:
        return _NO_ARGUMENTS
    schema = _without_root_reference(_checked(schema))
    kind = schema.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind)
    if is_object or (kind is None and not any(word in schema for word in _COMBINERS)):
        return {"properties": {}, **schema, "type": "object"}  # some APIs require properties
    raise ValueError("does not describe an object")


def _without_root_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a root reference replaced by its target."""
    for _ in range(20):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        target: dict[str, Any] = _resolve(schema, reference) or {}
        schema = {key: value for key, value in schema.items() if key != "$ref"} | target
    return schema


def _checked(schema: Any) -> dict[str, Any]:
    """The schema without nulls at its root. Raises ValueError if an API would reject it."""
    from jsonschema import FormatChecker, SchemaError, validators  # with the first server

    if not isinstance(schema, dict):
        raise ValueError("is not an object")
    schema = {key: value for key, value in schema.items() if value is not None}
    try:
        size = len(json.dumps(schema, allow_nan=False))
        kind = validators.validator_for(schema)
        # Patterns are not checked: they may be in the syntax of another language.
        kind.check_schema(schema, format_checker=FormatChecker(formats=()))  # type: ignore[call-arg]
    except SchemaError as error:
        raise ValueError(f"is invalid ({error.message[:200]})") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"is invalid ({error})") from error
    if size > _MOST_SCHEMA:
        raise ValueError(f"is larger than {_MOST_SCHEMA // 1000} kB")
    for reference in _references(schema):
        if _resolve(schema, reference) is None:
            raise ValueError(f"refers to {reference[:100]}, which it does not have")
    checked: dict[str, Any] = schema
    return checked


def _references(schema: Any) -> Iterator[str]:
    """Every `$ref` of a schema, found without recursion."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"]
            waiting += [value for key, value in one.items() if key not in _DATA]
        elif isinstance(one, list):
            waiting += one


def _resolve(schema: dict[str, Any], reference: str) -> Any:
    """The target of a reference within the document, or None."""
    if reference in ("#", "#/"):
        return schema
    if not reference.startswith("#/"):
        anchors = [one for one in _objects(schema) if f"#{one.get('$anchor')}" == reference]
        return anchors[0] if anchors else None
    found: Any = schema
    for step in unquote(reference[2:]).split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list):
            number = whole_number(step)
            found = found[number] if number is not None and number < len(found) else None
        else:
            return None
    return found


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
