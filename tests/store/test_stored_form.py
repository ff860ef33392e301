"""The stored form of exchanges, messages and sessions: it is read back, and never drifts."""

import json
import types
import zlib
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.message import Message, Part
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.shared import Shared
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.readers.replyscope_json import session_from_json
from replyscope.store.codec import (
    decode_exchange,
    decode_parts,
    decode_settings,
    encode_exchange,
    encode_parts,
    encode_settings,
)
from tests.sharing.sessions import rich_session
from tests.support.examples import examples

_SAMPLES = json.loads((Path(__file__).parent / "stored_form.json").read_text("ascii"))
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=8) | st.just("\ud800"),
    bytes: st.binary(max_size=8),
    bool: st.booleans(),
    int: st.integers(0, 2**63 - 1) | st.integers(0, 9),
    float: st.floats(0, 1e15),
    datetime: st.integers(0, 2**41).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)),
}
_FULL: dict[Any, Callable[[str], Any]] = {
    str: lambda name: f"{name} \u4eac \ud83d",
    bytes: lambda name: name.encode() + b"\x00\xff",
    bool: lambda _name: True,
    int: lambda name: len(name),
    float: lambda name: len(name) + 0.5,
    datetime: lambda _name: datetime(2026, 11, 20, 9, 30, 1, 250_000, tzinfo=UTC),
}


def _items(hint: Any) -> tuple[Any, ...]:
    return tuple(kind for kind in get_args(hint) if kind not in (type(None), Ellipsis))


@cache
def _any(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type; an empty optional text is stored as None, so it is left out."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = st.one_of([_any(kind) for kind in _items(hint)])
        return kinds if type(None) not in get_args(hint) else st.none() | kinds.filter(_is_kept)
    if get_origin(hint) is tuple and Ellipsis in get_args(hint):
        return st.lists(_any(_items(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is tuple:
        return st.tuples(*map(_any, get_args(hint)))
    if is_dataclass(hint):
        return _changed(hint)
    return st.sampled_from(hint) if issubclass(hint, Enum) else _LEAVES[hint]


@st.composite
def _changed(draw: st.DrawFn, kind: Any) -> Any:
    """A value of a class that has anything in a few of its fields."""
    hints = get_type_hints(kind)
    names = draw(st.lists(st.sampled_from(sorted(hints)), max_size=4, unique=True))
    return replace(_bare(kind), **{name: draw(_any(hints[name])) for name in names})


def _is_kept(value: object) -> bool:
    return value not in ("", ())


def _full(hint: Any, name: str = "") -> Any:
    """The one value of a type that has something in every field."""
    if get_origin(hint) in (Union, types.UnionType):
        return _full(_items(hint)[0], name)
    if get_origin(hint) is tuple:
        return tuple(_full(kind, name) for kind in _items(hint))
    if is_dataclass(hint):
        hints: dict[str, Any] = get_type_hints(hint)
        return hint(**{field: _full(kind, field) for field, kind in hints.items()})  # type: ignore[operator]
    return list(hint)[1] if issubclass(hint, Enum) else _FULL[hint](name)


@cache
def _bare(kind: Any) -> Any:
    """The value of a class that has only what it must have."""
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: _full(hints[field.name], field.name)
            for field in fields(kind)
            if field.default is MISSING and field.default_factory is MISSING
        }
    )


def _image_is_elsewhere(exchange: Exchange) -> Exchange:
    """The bytes of a reply's image are in a file of their own."""
    choices = (
        replace(choice, images=tuple(replace(image, data="") for image in choice.images))
        for choice in exchange.choices
    )
    return replace(exchange, choices=tuple(choices))


def _exchange_text(exchange: Exchange) -> str:
    return zlib.decompress(encode_exchange(exchange)).decode("ascii")


_STORED: dict[str, Callable[[], str]] = {
    "full exchange": lambda: _exchange_text(_full(Exchange)),
    "bare exchange": lambda: _exchange_text(_bare(Exchange)),
    "full parts": lambda: encode_parts([_full(kind) for kind in get_args(Part)]),
    "bare parts": lambda: encode_parts([_bare(kind) for kind in get_args(Part)]),
    "full settings": lambda: encode_settings(_full(SessionSettings)),
    "bare settings": lambda: encode_settings(SessionSettings()),
    "no tools": lambda: encode_settings(SessionSettings(tools=())),
    "exported session": lambda: session_to_json(rich_session()),
}


@pytest.mark.parametrize("name", _STORED)
def test_the_stored_form_stays_byte_for_byte(name: str) -> None:
    assert _STORED[name]() == _SAMPLES[name]


@examples(100)
@given(_any(Exchange))
def test_a_stored_exchange_is_read_back(exchange: Exchange) -> None:
    exchange = _image_is_elsewhere(exchange)
    stored = encode_exchange(exchange)
    assert decode_exchange(stored) == exchange
    assert encode_exchange(decode_exchange(stored)) == stored


@given(_any(tuple[Part, ...]))
def test_stored_parts_are_read_back(parts: tuple[Part, ...]) -> None:
    stored = encode_parts(parts)
    assert decode_parts(stored) == parts
    assert encode_parts(decode_parts(stored)) == stored


@given(_any(SessionSettings))
def test_stored_settings_are_read_back(value: SessionSettings) -> None:
    stored = encode_settings(value)
    assert decode_settings(stored) == value
    assert encode_settings(decode_settings(stored)) == stored


@examples(50)
@given(_any(Session), st.lists(_any(Message), max_size=2), st.lists(_any(Exchange), max_size=1))
def test_an_exported_session_is_read_back(
    session: Session, messages: list[Message], exchanges: list[Exchange]
) -> None:
    # A draft is exported without its attachments, and no stash; a reply that still ran was cut off.
    session = replace(session, id="s", draft_attachments=(), draft_cursor=None, stashed=0)
    ended = [
        replace(_image_is_elsewhere(e), id=f"x{n}", state=ExchangeState.COMPLETED)
        for n, e in enumerate(exchanges)
    ]
    numbered = tuple(replace(m, id=f"m{n}") for n, m in enumerate(messages))
    shared = Shared(session, numbered, {e.id: e for e in ended})
    text = session_to_json(shared)
    again = session_from_json(json.loads(text))
    assert replace(again, records=shared.records) == shared
    assert session_to_json(replace(again, records={})) == text
