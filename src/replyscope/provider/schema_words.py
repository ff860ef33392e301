"""Removes JSON schema keywords from tools, for servers that support only some. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

_NEEDED = ("type", "properties", "required", "items", "enum", "description")
_BY_NAME = ("properties", "$defs", "definitions", "patternProperties")
"""Keywords whose members are named by the tool, not by JSON schema."""


def schema_words(schema: Any) -> Iterator[str]:
    """The optional keywords in a schema, at any depth."""
    if isinstance(schema, list):
        for one in schema:
            yield from schema_words(one)
    if not isinstance(schema, Mapping):
        return
    for name, value in schema.items():
        if name not in _NEEDED:
            yield name
        inner = value.values() if name in _BY_NAME and isinstance(value, Mapping) else [value]
        for one in inner:
            yield from schema_words(one)


def adapt_schema(schema: Any, adaptations: Mapping[str, str]) -> Any:
    """The schema without the rejected keywords, whose adaptation `schema.KEYWORD` is "drop"."""
    if not any(name.startswith("schema.") for name in adaptations):
        return schema
    if isinstance(schema, list):
        return [adapt_schema(one, adaptations) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    adapted = {}
    for name, value in schema.items():
        if adaptations.get(f"schema.{name}") == "drop":
            continue
        if name in _BY_NAME and isinstance(value, Mapping):
            adapted[name] = {n: adapt_schema(one, adaptations) for n, one in value.items()}
        else:
            adapted[name] = adapt_schema(value, adaptations)
    return adapted
