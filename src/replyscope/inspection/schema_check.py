"""Validates JSON values against a JSON schema. Pure."""

from functools import lru_cache
from typing import Any

from replyscope.domain.json_text import read_json
from replyscope.domain.plural import plural

_MOST = 5


@lru_cache(maxsize=64)
def check_reply(text: str, schema: str) -> tuple[str, ...]:
    """Validate a reply. Returns a sentence with the path of each error."""
    try:
        value = read_json(text)
    except ValueError as error:
        return (f"the reply is not JSON, but its schema requires JSON: {error}",)
    return find_faults(value, schema)


def find_faults(value: Any, schema: str) -> tuple[str, ...]:
    """Validate a JSON value. Returns a sentence with the path of each error, up to a limit.

    References to other documents are errors: validation opens no connection.
    """
    from jsonschema import FormatChecker, SchemaError, validators  # only where a schema was given
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    from replyscope.inspection.schema_patterns import without_patterns

    try:
        read = read_json(schema)
        kind = validators.validator_for(read)
        kind.check_schema(read, format_checker=FormatChecker(formats=()))  # type: ignore[call-arg]
        faults = list(without_patterns(kind)(read, registry=Registry()).iter_errors(value))
    except SchemaError as error:
        return (f"the schema itself is invalid: {error.message}",)
    except (Unresolvable, RecursionError, ArithmeticError, TypeError, ValueError) as error:
        return (f"the schema itself can't be applied: {error}",)
    faults.sort(key=lambda fault: [str(step) for step in fault.absolute_path])
    sentences = [f"{fault.json_path}: {fault.message}"[:300] for fault in faults[:_MOST]]
    if len(faults) > _MOST:
        sentences.append(f"and {plural(len(faults) - _MOST, 'more error')}")
    return tuple(sentences)
