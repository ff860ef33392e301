"""Converts the SDK's objects to plain mappings, with declared and undeclared fields.

Compatible servers omit fields and send other types, so every value is checked. Null is the
same as absent.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from replyscope.domain.json_text import dump_json
from replyscope.domain.sound_numbers import MOST

Fields = Mapping[str, Any]


def fields_of(value: object) -> Fields:
    """The fields of an SDK object or a mapping that are not null; empty for other values.

    Nested objects are not converted.
    """
    if isinstance(value, BaseModel):
        given = {name: field for name, field in value.__dict__.items() if field is not None}
        if extra := value.model_extra:
            given |= {name: field for name, field in extra.items() if field is not None}
        return given
    if isinstance(value, Mapping):
        return {name: field for name, field in value.items() if field is not None}
    return {}


def other_fields_of(value: object) -> Fields:
    """The undeclared fields of an SDK object; all fields of a mapping."""
    return (value.model_extra or {}) if isinstance(value, BaseModel) else fields_of(value)


def to_plain(value: Any) -> Any:
    """The JSON value that an SDK object was built from."""
    if isinstance(value, BaseModel):
        given = {name: to_plain(value.__dict__[name]) for name in value.model_fields_set}
        return {**given, **(value.model_extra or {})}
    if isinstance(value, list):
        return [to_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: to_plain(one) for name, one in value.items()}
    return value


def text_of(value: object) -> str | None:
    """A text that is not empty; None for other values."""
    return value if isinstance(value, str) and value else None


def mapping_of(value: object) -> Fields:
    """A mapping with its nulls; empty for other values."""
    return value if isinstance(value, Mapping) else {}


def first_text(*values: object) -> str:
    """The first value that is a text and not empty; "" if there is none."""
    return next((value for value in values if isinstance(value, str) and value), "")


def list_of(value: object) -> list[Any]:
    """A list; empty for other values."""
    return value if isinstance(value, list) else []


def number_of(value: object) -> int | None:
    """An integer that SQLite can store, or digits in a text; None for other values."""
    if type(value) is int:
        return value if -MOST <= value <= MOST else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return None


def as_text(value: object) -> str:
    """A text unchanged, null as an empty text, other values as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_json(value)
