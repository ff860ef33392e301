"""Values of parameters by their types: one example, and a strategy for any."""

from typing import Any

from hypothesis import strategies as st

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

_EXAMPLES: dict[Plain, Any] = {
    Plain.TEXT: "some text",
    Plain.FLAG: True,
    Plain.WHOLE: 3,
    Plain.NUMBER: 0.25,
    Plain.NULL: None,
    Plain.ANY: {"any": ["thing", 1]},
}


def example_of(type_: ValueType) -> Any:
    """A value that fits a type."""
    match type_:
        case Plain():
            return _EXAMPLES[type_]
        case OneOf(allowed):
            return allowed[0]
        case Range(Plain.WHOLE):
            return 7
        case Range():
            return 0.5
        case ListOf(item):
            return [example_of(item)]
        case MapOf(value):
            return {"X-Name": example_of(value)}
        case Record(fields):
            return {name: example_of(one) for name, one in fields}
        case AnyOf(types):
            return example_of(types[-1])


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_STRATEGIES: dict[Plain, st.SearchStrategy[Any]] = {
    Plain.TEXT: _TEXTS,
    Plain.FLAG: st.booleans(),
    Plain.WHOLE: st.integers(-(10**12), 10**12),
    Plain.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    Plain.NULL: st.none(),
    Plain.ANY: _JSON,
}


def values_of(type_: ValueType) -> st.SearchStrategy[Any]:
    """Any value that fits a type."""
    match type_:
        case Plain():
            return _STRATEGIES[type_]
        case OneOf(allowed):
            return st.sampled_from(allowed)
        case Range(Plain.WHOLE, bounds):
            return st.integers(int(bounds.least), int(bounds.most))
        case Range(_, bounds):
            return st.floats(bounds.least, bounds.most)
        case ListOf(item):
            return st.lists(values_of(item), max_size=3)
        case MapOf(value):
            return st.dictionaries(_TEXTS, values_of(value), max_size=3)
        case Record(fields, required):
            strategies = {name: values_of(one) for name, one in fields}
            return st.fixed_dictionaries(
                {name: one for name, one in strategies.items() if name in required},
                optional={name: one for name, one in strategies.items() if name not in required},
            )
        case AnyOf(types):
            return st.one_of(*map(values_of, types))
