"""Whether a reply has the form that was asked for, and where it has not."""

import json
from functools import lru_cache

_MOST = 5


@lru_cache(maxsize=64)
def check_reply(text: str, schema: str) -> tuple[str, ...]:
    """Sentences that point at each place which does not fit; none when all does."""
    from jsonschema import SchemaError, validators  # only where a schema was given

    try:
        value = json.loads(text)
    except ValueError as error:
        return (f"the reply is not JSON, as its schema wants: {error}",)
    try:
        kind = validators.validator_for(json.loads(schema))
        kind.check_schema(json.loads(schema))
        faults = list(kind(json.loads(schema)).iter_errors(value))
    except SchemaError as error:
        return (f"the schema itself is wrong: {error.message}",)
    faults.sort(key=lambda fault: [str(step) for step in fault.absolute_path])
    sentences = [f"{fault.json_path}: {fault.message}"[:300] for fault in faults[:_MOST]]
    if len(faults) > _MOST:
        sentences.append(f"and {len(faults) - _MOST} more places that do not fit the schema")
    return tuple(sentences)
