"""The columns and rows of the search index for the query fields of a reply.

Some fields have a column in `fact`. The names of every other field are in the reply's set of names
(`cell`), and its numbers, as texts, in rows of `fact_name`, so that a new field needs no migration.
"""

import unicodedata

from replyscope.domain.facts import Facts
from replyscope.domain.query_fields import FIELDS, Names, Number

NUMBERS = {
    "tokens": "tokens",
    "in": "input",
    "out": "output",
    "cost": "cost",
    "ttft": "ttft",
    "duration": "duration",
    "tps": "tps",
}
NAMES = {"model": ("model", "answered"), "asked": ("model",), "api": ("api",)}
ASKED = "asked"
ANSWERED = "answered"
"""The fields of the requested and of the answering model in a set of names."""
_FIRST_ROWS = ("finish", "tool")  # fields that were in fact_name from the start


def index_version() -> str:
    """The version of the index: when it differs from the stored one, the index is rebuilt.

    Words depend on the Unicode tables of Python, and rows on the query fields.
    """
    kept = {*NUMBERS, *NAMES, *_FIRST_ROWS}
    added = sorted(
        name
        for name, field in FIELDS.items()
        if isinstance(field.type, Number | Names) and name not in kept
    )
    return "/".join(("2", unicodedata.unidata_version, *added))


def columns_of(facts: Facts) -> dict[str, object]:
    """The columns of `fact` that hold query fields."""
    names = facts.names
    return {
        "model": names["asked"][0],
        "answered": names["model"][-1],
        "api": names["api"][0],
        "finish": next(iter(names["finish"]), ""),
        **{column: facts.numbers.get(name) for name, column in NUMBERS.items()},
    }


def names_of(facts: Facts) -> list[tuple[str, str]]:
    """The names of the fields without a column, as (field, value)."""
    return [(n, one) for n, found in facts.names.items() if n not in NAMES for one in found]


def rows_of(facts: Facts) -> list[tuple[str, str]]:
    """The rows of `fact_name`: the numbers of the fields without a column, as (field, value)."""
    return [(n, repr(one)) for n, one in facts.numbers.items() if n not in NUMBERS]
