"""Generates the JSON schema of the settings file, for editors that complete and check TOML."""

from collections.abc import Iterator
from typing import Any

from replyscope.config.setting import JsonSchema, section_schema
from replyscope.config.setting_table import ParametersSection, RootSection
from replyscope.domain.parameter import Catalogue, Parameter
from replyscope.domain.value_type import (
    AnyOf,
    ListOf,
    MapOf,
    OneOf,
    Plain,
    Range,
    Record,
    ValueType,
)

_PLAIN: dict[Plain, JsonSchema] = {
    Plain.TEXT: {"type": "string"},
    Plain.FLAG: {"type": "boolean"},
    Plain.WHOLE: {"type": "integer"},
    Plain.NUMBER: {"type": "number"},
    Plain.NULL: {"type": "null"},
    Plain.ANY: {},
}


def settings_schema(catalogue: Catalogue | None = None) -> JsonSchema:
    """The JSON schema of the settings file, in the 2020-12 dialect. With the catalogue it
    describes every parameter, and rejects unknown ones.
    """
    root = section_schema(RootSection)
    if catalogue is not None:
        own = section_schema(ParametersSection)["properties"]
        for schema in list(_objects_with(own, root)):
            others = {name: _described(one) for name, one in catalogue.parameters.items()}
            schema["properties"] = {**others, **own}
            schema["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "replyscope settings",
        **root,
    }


def _objects_with(properties: Any, schema: Any) -> Iterator[JsonSchema]:
    """The objects in a schema that have these properties."""
    if isinstance(schema, list):
        for item in schema:
            yield from _objects_with(properties, item)
    elif isinstance(schema, dict):
        if schema.get("properties") == properties:
            yield schema
        else:
            for value in schema.values():
                yield from _objects_with(properties, value)


def _described(parameter: Parameter) -> JsonSchema:
    types = tuple(dict.fromkeys(parameter.types.values()))
    schema = value_schema(types[0] if len(types) == 1 else AnyOf(types))
    return {"description": parameter.help, **schema} if parameter.help else schema


def value_schema(type_: ValueType) -> JsonSchema:
    """The JSON schema of a value of a parameter's type."""
    match type_:
        case Plain():
            return _PLAIN[type_]
        case OneOf(allowed):
            return {"enum": list(allowed)}
        case Range(number, limits):
            return {**_PLAIN[number], "minimum": limits.least, "maximum": limits.most}
        case ListOf(item):
            return {"type": "array", "items": value_schema(item)}
        case MapOf(value):
            return {"type": "object", "additionalProperties": value_schema(value)}
        case Record(fields, required):
            properties = {name: value_schema(one) for name, one in fields}
            needed = {"required": sorted(required)} if required else {}
            return {"type": "object", "properties": properties, **needed}
        case AnyOf(types):
            return {"anyOf": [value_schema(one) for one in types]}
