"""Reads the parameters of an API from the SDK's request types: names, types, documentation."""

import ast
import collections.abc
import inspect
import re
import types
import typing
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import typing_extensions

from replyscope.domain.limits import Limits
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

_PLAIN: dict[Any, ValueType] = {
    str: Plain.TEXT,
    bool: Plain.FLAG,
    int: Plain.WHOLE,
    float: Plain.NUMBER,
    type(None): Plain.NULL,
}
_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
_QUALIFIERS = (typing.Required, typing.NotRequired, typing.Annotated)
_QUALIFIERS_OF_EXTENSIONS = (typing_extensions.Required, typing_extensions.NotRequired)
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BOUNDS = re.compile(rf"[^.]*?\bbetween {_NUMBER} and {_NUMBER}\b")


def read_fields(request: type) -> dict[str, tuple[ValueType, str]]:
    """The fields of a request type with their types and documentation, in order."""
    documents = _documents(request)
    return {
        name: (_bounded(value_type(hint), documents.get(name, "")), documents.get(name, ""))
        for name, hint in _hints(request).items()
    }


def _hints(record: type) -> dict[str, Any]:
    return typing_extensions.get_type_hints(record, include_extras=True)


def value_type(hint: Any) -> ValueType:
    """The type of JSON values that a type hint of the SDK describes."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if typing_extensions.is_typeddict(hint):
        fields = tuple((name, value_type(one)) for name, one in _hints(hint).items())
        return Record(fields, frozenset(hint.__required_keys__))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (*_QUALIFIERS, *_QUALIFIERS_OF_EXTENSIONS):
        return value_type(arguments[0])
    if origin in (typing.Literal, typing_extensions.Literal):
        return OneOf(arguments)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin in _LISTS:
        return ListOf(value_type(arguments[0]))
    if origin in (dict, collections.abc.Mapping):
        return MapOf(value_type(arguments[1]))
    return Plain.ANY  # `object`, and whatever a later SDK adds


def _union(arguments: tuple[Any, ...]) -> ValueType:
    """The alternatives, without null: an unset parameter is not sent."""
    found = [value_type(one) for one in arguments if one is not type(None)]
    if Plain.TEXT in found:  # the SDK names some known words of an open set
        found = [one for one in found if not isinstance(one, OneOf)]
    flat = [inner for one in found for inner in (one.types if isinstance(one, AnyOf) else (one,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _bounded(type_: ValueType, document: str) -> ValueType:
    """A number's type with the bounds that the first sentence of its documentation states."""
    stated = _BOUNDS.match(" ".join(document.split()))
    if stated is None or type_ not in (Plain.WHOLE, Plain.NUMBER):
        return type_
    assert isinstance(type_, Plain)
    return Range(type_, Limits(float(stated[1]), float(stated[2])))


def _documents(request: type) -> Mapping[str, str]:
    """The docstrings of the fields; empty where the SDK is installed without its source."""
    found: dict[str, str] = {}
    for base in (*getattr(request, "__orig_bases__", ()), request):
        try:
            tree = ast.parse(inspect.getsource(base))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for field, text in pairwise(body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value)):
                    found[name] = inspect.cleandoc(str(value))
    return found
