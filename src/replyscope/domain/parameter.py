"""The catalogue of request parameters: their names, types and documentation, for both APIs.

A parameter has one name here, even if the APIs have two: `max_tokens` is sent as
`max_output_tokens` in Responses.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from replyscope.domain.errors import ParameterFault
from replyscope.domain.exchange import Api
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.typed_number import shortened
from replyscope.domain.value_type import (
    MapOf,
    Plain,
    TypeFault,
    ValueType,
    find_fault,
    phrase_of,
    words_of,
)

EXTRA = "extra"
EXTRA_HEADERS = "extra_headers"
_YES_NO = {"yes": True, "no": False, "y": True, "n": False}
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SHORT_SENTENCE = 40
_LONGEST_NAME = 60
_LONGEST_SHOWN = 20
"""A typed value that is repeated is no key."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `types` has its type in each API that has it, `sent_as` where its value is
    in the request. `documentation` is the SDK's text, in Markdown; empty without one.
    """

    name: str
    types: Mapping[Api, ValueType]
    sent_as: Mapping[Api, str]
    documentation: str = ""
    rule: Callable[[Any], TypeFault | None] | None = None
    """Returns the fault of a value that has the type, but not a valid content."""

    @property
    def help(self) -> str:
        """The first sentences of the documentation, without Markdown links."""
        text = _LINK.sub(r"\1", " ".join(self.documentation.split("\n\n- ")[0].split()))
        first, *rest = text.split(". ")
        said = f"{first}. {rest[0]}" if rest and len(first) < _SHORT_SENTENCE else first
        return said if not said or said.endswith((".", ":")) else f"{said}."

    def type_in(self, api: Api | None) -> ValueType:
        """The type in an API; in any, if that API does not have the parameter."""
        some = next(iter(self.types.values()))
        return some if api is None else self.types.get(api, some)

    def phrase(self, api: Api | None = None) -> str:
        """The allowed values in a few words."""
        return phrase_of(self.type_in(api))

    def words(self, api: Api | None = None) -> tuple[str, ...]:
        """The words that a value may be; empty when it may be any text."""
        return words_of(self.type_in(api))

    def read(self, text: str, api: Api | None = None) -> Any:
        """The JSON value of a typed text: as JSON if that fits, else as a text. Pairs may be
        written as `name=value, name=value`.

        Raises ParameterFault.
        """
        candidates: list[Any] = []
        with suppress(ValueError):
            candidates.append(read_bounded_json(text))
        if text.lower() in _YES_NO:
            candidates.append(_YES_NO[text.lower()])
        if self.type_in(api) == MapOf(Plain.TEXT) and (pairs := _read_pairs(text)):
            candidates.append(pairs)
        candidates.append(text)
        faults = []
        for value in candidates:
            fault = self._fault(value, api)
            if fault is None:
                return value
            faults.append(fault)
            if fault.depth:  # JSON of the right kind, with a fault inside
                break
        raise self._refusal(faults[-1] if faults[-1].depth else faults[0])

    def check(self, value: Any, api: Api | None = None) -> None:
        """Raise ParameterFault unless a JSON value fits."""
        fault = self._fault(value, api)
        if fault is not None:
            raise self._refusal(fault)

    def _fault(self, value: Any, api: Api | None) -> TypeFault | None:
        own = self.types.get(api) if api is not None else None
        types = list(self.types.values()) if own is None else [own]
        faults = [find_fault(type_, value) for type_ in types]
        if None not in faults:
            return faults[0]
        return self.rule(value) if self.rule is not None else None

    def _refusal(self, fault: TypeFault) -> ParameterFault:
        dot = "" if not fault.place or fault.place.startswith("[") else "."
        return ParameterFault(self.name, fault.why, place=f"{dot}{fault.place}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All parameters by name, in the order of the SDK. `elsewhere` has, for each name that is
    not a parameter here, the sentence that says where its value comes from.
    """

    parameters: Mapping[str, Parameter]
    elsewhere: Mapping[str, str]

    def find(self, name: str, text: str = "1") -> Parameter:
        """The parameter with a name. Raises ParameterFault with the nearest names, and with the
        setting of `extra` that sends a typed value.
        """
        found = self.parameters.get(name)
        if found is not None:
            return found
        shown = shortened(name)
        if name in self.elsewhere:
            raise ParameterFault(shown, f"can't be set here: {self.elsewhere[name]}")
        import difflib  # only for a mistake: it is loaded with the settings, before the first paint

        near = difflib.get_close_matches(name[:_LONGEST_NAME], self.parameters, n=3, cutoff=0.5)
        near += [one for one in self.parameters if name and name in one and one not in near][:3]
        meant = f"The nearest are: {', '.join(near)}. " if near else ""
        example = json.dumps({shown: _shown_value(text)}, ensure_ascii=False)
        raise ParameterFault(
            shown,
            "is not a parameter",
            f"{meant}To send it all the same, set extra to {example}.",
        )

    def read(self, name: str, text: str, api: Api | None = None) -> Any:
        """The value of a typed text for a parameter. Raises ParameterFault."""
        return self.find(name, text).read(text, api)

    def check(self, name: str, value: Any, api: Api | None = None) -> None:
        """Raise ParameterFault unless there is such a parameter, and the value fits."""
        self.find(name).check(value, api)


def _read_pairs(text: str) -> dict[str, str]:
    """The pairs of a list `name=value, name=value`; empty for any other text."""
    pairs = [piece.partition("=") for piece in text.split(",") if piece.strip()]
    if not all(equals and name.strip() for name, equals, _ in pairs):
        return {}
    return {name.strip(): value.strip() for name, _, value in pairs}


def _shown_value(text: str) -> Any:
    """A typed value as JSON, or as text; 1 without one, or for a long one."""
    if not text or len(text) > _LONGEST_SHOWN:
        return 1
    with suppress(ValueError):
        return read_bounded_json(text)
    return text
