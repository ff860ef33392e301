"""Values behave as standard frozen dataclasses with slots do."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.values import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A place."""

    name: str
    row: int = 0
    tags: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class StandardPlace:
    """The same with the standard decorator."""

    name: str
    row: int = 0
    tags: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Single:
    text: str


@dataclass(frozen=True, slots=True)
class Empty:
    pass


@dataclass(frozen=True, slots=True)
class Range:
    """Two numbers, and what follows from them."""

    first: int
    last: int
    count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", self.last - self.first)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    content: T


_ARGUMENTS = st.fixed_dictionaries(
    {"name": st.text(max_size=3)},
    optional={
        "row": st.integers(0, 2),
        "tags": st.tuples(st.text(max_size=2)),
        "seen": st.lists(st.text(max_size=2), max_size=2),
        "note": st.text(max_size=2),
    },
)


@given(_ARGUMENTS, _ARGUMENTS)
def test_a_value_equals_what_the_standard_dataclass_equals(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    ours, theirs = Place(**one), StandardPlace(**one)
    assert (ours == Place(**other)) == (theirs == StandardPlace(**other))
    assert repr(ours) == repr(theirs).removeprefix("Standard")
    assert asdict(ours) == asdict(theirs)
    assert astuple(ours) == astuple(theirs)
    assert astuple(replace(ours, row=7)) == astuple(replace(theirs, row=7))
    assert pickle.loads(pickle.dumps(ours)) == ours
    assert copy.deepcopy(ours) == ours
    other_kind: object = theirs
    assert ours != other_kind


def test_the_fields_are_those_of_the_standard_dataclass() -> None:
    parts = ("name", "type", "default", "init", "repr", "compare")
    ours = [[getattr(one, part) for part in parts] for one in fields(Place)]
    assert ours == [[getattr(one, part) for part in parts] for one in fields(StandardPlace)]
    assert fields(Place)[3].default_factory is list
    assert Place.__match_args__ == StandardPlace.__match_args__
    assert Place.__doc__ == "A place."
    assert dataclasses.is_dataclass(Place)


def test_a_value_cannot_change_and_has_only_its_fields() -> None:
    place: Any = Place("here")
    with pytest.raises(FrozenInstanceError, match="'row'"):
        place.row = 1
    with pytest.raises(FrozenInstanceError, match="'row'"):
        del place.row
    assert not hasattr(place, "__dict__")


def test_equal_values_have_equal_hashes() -> None:
    assert len({Single("a"), Single("a"), Single("b")}) == 2
    assert len({Empty(), Empty()}) == 1
    assert hash(Box((1, 2))) == hash(Box((1, 2)))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Place("here"))


def test_each_value_gets_a_default_of_its_own() -> None:
    assert Place("a").seen is not Place("b").seen


def test_wrong_arguments_are_reported_as_by_any_function() -> None:
    make: Any = Single
    for _ in range(2):  # the first call compiles
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'text'"):
            make()
        with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
            make("a", other=1)


def test_a_field_that_is_set_afterwards_is_no_argument() -> None:
    made = Range(2, 5)
    assert (made.count, str(made)) == (3, "2-5")
    assert repr(made) == "Range(first=2, last=5, count=3)"
    with pytest.raises((TypeError, ValueError), match="init=False"):
        replace(made, count=1)
    assert replace(made, last=9).count == 7


def test_a_value_matches_by_position() -> None:
    match Place("here", 3):
        case Place(name, row):
            assert (name, row) == ("here", 3)


def test_a_class_that_inherits_fields_or_has_a_mutable_default_is_refused() -> None:
    with pytest.raises(TypeError, match="inherits fields"):

        @dataclass(frozen=True, slots=True)
        class Deeper(Place):
            more: int = 0

    with pytest.raises(ValueError, match="default_factory"):

        @dataclass(frozen=True, slots=True)
        class Shared:
            names: list[str] = []  # noqa: RUF012
