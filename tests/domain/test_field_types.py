"""Validation of imported values: a wrong type, number, year or id is found anywhere."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.field_types import check_fields, check_shared
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.shared import Shared
from tests.sharing.sessions import rich_session

_SHARED = rich_session()
_VALUES = (
    _SHARED.session,
    *_SHARED.messages,
    *_SHARED.exchanges.values(),
    *_SHARED.records.values(),
)


def _changed(value: Any, change: Any) -> Iterator[Any]:
    """The value with one field changed, or one item of a tuple, for every such place."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for inner in _changed(getattr(value, field.name), change):
                yield replace(value, **{field.name: inner})
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            for inner in _changed(item, change):
                yield (*value[:at], inner, *value[at + 1 :])
    else:
        yield from ()
    yield change(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_a_whole_session_is_sound() -> None:
    check_shared(_SHARED)


@pytest.mark.parametrize("value", _VALUES, ids=lambda value: type(value).__name__)
def test_a_wrong_type_is_found_in_every_place(value: Any) -> None:
    odd = object()
    places = [one for one in _changed(value, lambda _: odd) if one is not odd]
    assert len(places) >= len(fields(value))
    for wrong in places:
        with pytest.raises(TypeError, match="is of the type object"):
            check_fields(wrong)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e301, 2**63, True])
def test_a_number_out_of_range_is_found_in_every_place(number: float) -> None:
    for exchange in _SHARED.exchanges.values():
        wrongs = _changed(exchange, lambda old: number if _is_number(old) else old)
        found = [wrong for wrong in wrongs if wrong != exchange and type(wrong) is type(exchange)]
        for wrong in found:
            if number == 2**63 and _only_floats_differ(exchange, wrong):
                continue  # a measure may be that large, a count may not
            with pytest.raises((TypeError, ValueError)):
                check_fields(wrong)
        assert found


def _only_floats_differ(old: Any, new: Any) -> bool:
    if isinstance(old, tuple):
        return all(_only_floats_differ(a, b) for a, b in zip(old, new, strict=True))
    if is_dataclass(old):
        pairs = ((getattr(old, f.name), getattr(new, f.name)) for f in fields(old))
        return all(_only_floats_differ(a, b) for a, b in pairs)
    return bool(old == new) or isinstance(old, float)


@pytest.mark.parametrize("year", [1, 1969, 9000])
def test_a_year_out_of_range_is_found(year: int) -> None:
    message = Message("m", Role.USER, (TextPart("a"),), datetime(year, 6, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match=f"in the year {year}"):
        check_fields(message)


def test_a_tuple_of_the_wrong_length_is_found() -> None:
    exchange = replace(_SHARED.exchanges["x1"], headers=(("a", "b", "c"),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Exchange\.headers has 3 values, not 2"):
        check_fields(exchange)


def _with_id(key: str) -> Shared:
    exchange = replace(_SHARED.exchanges["x1"], id=key)
    message = Message(key, Role.ASSISTANT, (), _SHARED.session.created_at, None)
    message = replace(message, sources=(ReplySource(key),))
    return Shared(replace(_SHARED.session, id=key), (message,), {key: exchange}, ())


@given(
    st.from_regex(r"[A-Za-z0-9_.:-]{1,80}", fullmatch=True)
    | st.from_regex(r"[A-Za-z0-9_.-]{1,100}(-calls)?", fullmatch=True)
)
def test_every_id_that_earlier_versions_read_is_an_id(key: str) -> None:
    check_shared(_with_id(key))


@pytest.mark.parametrize("key", ["", " a", "a\n", "é", "a/b", "\x1b[31m", "x" * 129])
def test_other_ids_are_rejected(key: str) -> None:
    with pytest.raises(ValueError, match="is not a valid id"):
        check_shared(_with_id(key))


def test_two_messages_of_one_id_are_rejected() -> None:
    shared = replace(_SHARED, messages=(*_SHARED.messages, _SHARED.messages[0]))
    with pytest.raises(ValueError, match="two messages have the same id"):
        check_shared(shared)
