"""Matches the regular expressions of JSON schemas with a time limit.

Schemas of tool servers are written for JavaScript, Java or Go. A pattern that Python cannot
compile, or that takes too long on a value, is ignored for that value.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

import regex

_MATCH_S = 0.1


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> "regex.Pattern[str] | None":
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError):
        return None


def matches(pattern: Any, text: str) -> bool | None:
    """Whether the pattern matches in the text; None for an invalid or slow pattern."""
    compiled = _compiled(pattern) if isinstance(pattern, str) else None
    if compiled is None:
        return None
    try:
        return compiled.search(text, timeout=_MATCH_S) is not None
    except TimeoutError:
        return None


def without_patterns(kind: Any) -> Any:
    """A copy of a jsonschema validator class with the pattern keywords of this module."""
    from jsonschema import validators  # only where a schema was given

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unevaluated(kind.VALIDATORS.get("unevaluatedProperties")),
    }
    known = {name: check for name, check in own.items() if name in kind.VALIDATORS}
    return validators.extend(kind, known)  # type: ignore[no-untyped-call]


def _unevaluated(standard: Any) -> Any:
    def check(validator: Any, below: Any, instance: Any, schema: Any) -> Iterator[Any]:
        with suppress(re.error):  # an invalid pattern could match any name
            yield from standard(validator, below, instance, schema)

    return check


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and matches(pattern, instance) is False:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, below in patterns.items():
        for name, value in instance.items():
            if matches(pattern, name):
                yield from validator.descend(value, below, path=name, schema_path=pattern)


def _additional_properties(validator: Any, below: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Validate additional properties. A name is allowed if an invalid pattern could match it."""
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    extra = [
        name
        for name in instance
        if name not in schema.get("properties", {})
        and all(matches(pattern, name) is False for pattern in patterns)
    ]
    if validator.is_type(below, "object"):
        for name in extra:
            yield from validator.descend(instance[name], below, path=name)
    elif not below and extra:
        names = ", ".join(repr(name) for name in extra)
        yield ValidationError(f"Additional properties are not allowed ({names} unexpected)")
