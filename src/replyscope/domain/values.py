"""A dataclass for immutable values whose methods are compiled when they are first used.

The standard decorator compiles seven functions for each class. That is 0.5 ms, and the start of
the chat has 250 such classes: it was half of the CPU time of its imports. Here only `__init__`
is compiled, when the first value is created; all other methods are shared. A value has the same
fields, methods and errors as with `dataclasses.dataclass(frozen=True, slots=True)`, and works
with `fields`, `replace` and `asdict`.
"""

import dataclasses
import inspect
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, Literal, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")
_MISSING = dataclasses.MISSING
_FIELDS = "__dataclass_fields__"


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(*, frozen: Literal[True], slots: Literal[True]) -> Callable[[type[T]], type[T]]:
    """Make a class of immutable values, without a base class that has fields.

    The parameters are those of the standard decorator; mutable classes and other options use
    that one.
    """
    return _made


def _made(cls: type[T]) -> type[T]:
    """The class with slots for its fields. It replaces `cls`: slots can't be added later."""
    if hasattr(cls, _FIELDS):
        raise TypeError(f"{cls.__name__} inherits fields: use the standard dataclass")
    known = {name: _field(cls, name) for name in inspect.get_annotations(cls)}
    content = {name: value for name, value in cls.__dict__.items() if name not in known}
    for name in ("__dict__", "__weakref__"):
        content.pop(name, None)
    compared = [name for name, one in known.items() if one.compare]
    content |= _comparison(compared) | {
        "__slots__": tuple(known),
        "__match_args__": tuple(name for name, one in known.items() if one.init),
        "__init__": _late_init(known),
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_change,
        "__getstate__": _state,
        "__setstate__": _restore,
        "__replace__": dataclasses.replace,  # for `copy.replace` of Python 3.13
        _FIELDS: _LateFields(cls),
    }
    content.setdefault("__repr__", _representation(known))
    metaclass: Callable[[str, tuple[type, ...], dict[str, Any]], type[T]] = type(cls)
    made = metaclass(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _field(cls: type[Any], name: str) -> "dataclasses.Field[Any]":
    """The options of a field: its `field()`, or its default value."""
    default = cls.__dict__.get(name, _MISSING)
    if isinstance(default, dataclasses.Field):
        return default
    if default is not _MISSING and default.__class__.__hash__ is None:
        raise ValueError(f"{cls.__name__}.{name}: use default_factory for a mutable default")
    made: dataclasses.Field[Any] = dataclasses.field(default=default)
    return made


def _late_init(known: "dict[str, dataclasses.Field[Any]]") -> Callable[..., None]:
    """An `__init__` that compiles the real one and takes its own place with it."""

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        cls: Any = type(self)
        cls.__init__ = _compiled_init(cls, known)
        cls.__init__(self, *arguments, **named)

    return __init__


def _compiled_init(
    cls: type[Any], known: "dict[str, dataclasses.Field[Any]]"
) -> Callable[..., None]:
    """An `__init__` that sets each slot. Its names outside of the fields begin with `_`."""
    names: dict[str, Any] = {"_made_by_factory": _MISSING}
    parameters, lines = [], []
    for name, one in known.items():
        names[f"_set_{name}"] = getattr(cls, name).__set__
        value = name if one.init else f"_default_{name}"
        parameter = name
        if one.default is not _MISSING:
            names[f"_default_{name}"] = one.default
            parameter += f"=_default_{name}"
        elif one.default_factory is not _MISSING:
            names[f"_factory_{name}"] = one.default_factory
            parameter += "=_made_by_factory"
            made = f"_factory_{name}()"
            value = f"{made} if {name} is _made_by_factory else {name}" if one.init else made
        elif not one.init:
            continue  # `__post_init__` sets it
        parameters += [parameter] if one.init else []
        lines.append(f" _set_{name}(self, {value})")
    lines += [" self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    source = f"def __init__(self, {', '.join(parameters)}):\n" + ("\n".join(lines) or " pass")
    exec(source, names)
    made_init: Callable[..., None] = names["__init__"]
    made_init.__qualname__ = f"{cls.__qualname__}.__init__"
    return made_init


def _comparison(compared: list[str]) -> dict[str, Any]:
    """`__eq__` and `__hash__` of the fields that are compared."""
    key: Callable[[Any], Any] = attrgetter(*compared) if len(compared) > 1 else _few(compared)

    def __eq__(self: Any, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(key(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _few(compared: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: tuple(getattr(value, name) for name in compared)


def _representation(known: "dict[str, dataclasses.Field[Any]]") -> Callable[[Any], str]:
    shown = [name for name, one in known.items() if one.repr]

    @recursive_repr()
    def __repr__(self: Any) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({fields})"

    return __repr__


def _refuse_change(self: object, name: str, *_: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__slots__]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__slots__, state, strict=True):
        object.__setattr__(self, name, value)


class _LateFields:
    """The fields as the standard library describes them, made when they are first read."""

    def __init__(self, plain: type[Any]) -> None:
        self._plain = plain

    def __get__(self, _instance: object, owner: type[Any]) -> Any:
        plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(self._plain)
        fields = getattr(plain, _FIELDS)
        setattr(owner, _FIELDS, fields)
        return fields
