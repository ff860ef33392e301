"""Whether a reply has the form that was asked for, and where it has not."""

import json
from functools import lru_cache
from typing import Any

from replyscope.domain.json_text import read_json

_MOST = 5


@lru_cache(maxsize=64)
def check_reply(text: str, schema: str) -> tuple[str, ...]:
    """Sentences that point at each place which does not fit; none when all does."""
    try:
        value = read_json(text)
    except ValueError as error:
        return (f"the reply is not JSON, as its schema wants: {error}",)
    return find_faults(value, schema)


def find_faults(value: Any, schema: str) -> tuple[str, ...]:
    """Sentences that point at each place of a JSON value which does not fit."""
    from jsonschema import SchemaError, validators  # only where a schema was given
    from referencing.exceptions import Unresolvable

    try:
        kind = validators.validator_for(json.loads(schema))
        kind.check_schema(json.loads(schema))
        faults = list(kind(json.loads(schema)).iter_errors(value))
    except SchemaError as error:
        return (f"the schema itself is wrong: {error.message}",)
    except (Unresolvable, RecursionError) as error:
        return (f"the schema itself can't be followed: {error}",)
    faults.sort(key=lambda fault: [str(step) for step in fault.absolute_path])
    sentences = [f"{fault.json_path}: {fault.message}"[:300] for fault in faults[:_MOST]]
    if len(faults) > _MOST:
        sentences.append(f"and {len(faults) - _MOST} more places that do not fit the schema")
    return tuple(sentences)
