"""Values against schemas that others wrote: foreign patterns, references, wrong schemas."""

import json
import socket
import time
from typing import Any

import pytest

from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.schema_check import find_faults

FOREIGN = [
    r"(?<year>\d{4})\z[",
    r"[\w-.]+[",
    r"^\u{1F600}(?",
    r"(?i",
    "*",
    r"(",
    r"a{2,1}",
    r"\p{NoSuchScript}",
]


@pytest.mark.parametrize("pattern", FOREIGN)
@pytest.mark.parametrize("keyword", ["pattern", "patternProperties", "names", "unevaluated"])
def test_a_pattern_that_cannot_be_read_is_skipped(pattern: str, keyword: str) -> None:
    schemas: dict[str, Any] = {
        "pattern": {"properties": {"a": {"type": "string", "pattern": pattern}}},
        "patternProperties": {"patternProperties": {pattern: {}}, "additionalProperties": False},
        "names": {"propertyNames": {"pattern": pattern}},
        "unevaluated": {"patternProperties": {pattern: {}}, "unevaluatedProperties": False},
    }
    assert check_arguments('{"a": "x"}', json.dumps(schemas[keyword])).problems == ()


def test_the_rest_of_a_schema_with_such_a_pattern_still_counts() -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": "["}}, "required": ["b"]}
    problems = check_arguments('{"a": 1}', json.dumps(schema)).problems
    assert len(problems) == 2
    assert "$.a: 1 is not of type 'string'" in problems


@pytest.mark.parametrize(
    ("value", "fits"),
    [("größe", True), ("12", False)],
)
def test_a_pattern_of_another_language_that_can_be_read_is_used(value: str, fits: bool) -> None:
    schema = json.dumps({"properties": {"a": {"pattern": r"^\p{L}+$"}}})
    assert (find_faults({"a": value}, schema) == ()) is fits


def test_a_pattern_that_takes_for_ever_is_given_up() -> None:
    schema = json.dumps({"properties": {"a": {"pattern": r"^(\w+\s?)*\1?$"}}})
    before = time.monotonic()
    find_faults({"a": "aaaa " * 200 + "!"}, schema)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        ({"b": 1}, {"patternProperties": {"^a": {}}, "additionalProperties": False}, "'b'"),
        ({"a": 1}, {"patternProperties": {"^a": {"type": "string"}}}, "$.a"),
        ({"b": 1}, {"additionalProperties": {"type": "string"}}, "$.b"),
        ({"b": 1}, {"patternProperties": {"^a": {}}, "unevaluatedProperties": False}, "'b'"),
        ("b", {"pattern": "^a"}, "does not match"),
    ],
)
def test_readable_patterns_are_checked(value: Any, schema: Any, words: str) -> None:
    assert words in " ".join(find_faults(value, json.dumps(schema)))


def test_no_reference_of_a_schema_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        problems = find_faults({"a": 1}, json.dumps({"properties": {"a": {"$ref": address}}}))
        assert "can't be applied" in problems[0]
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "schema",
    [{"$schema": ["x"]}, {"type": "int"}, {"$ref": "#/none"}, {"required": True}, [], 1, "x"],
)
def test_a_schema_that_is_wrong_is_said_to_be_wrong(schema: Any) -> None:
    assert "the schema itself" in find_faults({"a": 1}, json.dumps(schema))[0]
