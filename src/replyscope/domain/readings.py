"""The readings of a tool's argument: every text that a consent rule has to check.

A value can name one file or page in many ways. `exact` are the names that the tool will use: a
rule that allows must match every one. `loose` are further names: a rule that
forbids applies when it matches any reading, or a folder or page above one, in capital or
small letters.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from replyscope.domain.glob import escaped, glob_of
from replyscope.domain.unicode_text import sound_values
from replyscope.domain.values import dataclass
from replyscope.domain.web_address import (
    address_forms,
    is_web_address,
    normal_address,
    normal_pattern,
    without_dots,
)
from replyscope.domain.working_folder import LONGEST_PATH, WorkingFolder

_LONGEST = 100_000
"""In characters. No rule allows a longer argument."""
_ESCAPES = re.compile("(?:%[0-9A-F]{2})+")
_FILE_ADDRESS = re.compile(r"\s*file:(?://[^/]*)?(/.*)", re.IGNORECASE | re.DOTALL)


class Kind(StrEnum):
    """The use of an argument by its tool. With ANY, an unknown use, every reading is made."""

    PATH = "path"
    ADDRESS = "address"
    ANY = "any"


_KINDS = {
    ("shipped/read_file", "path"): Kind.PATH,
    ("shipped/list_files", "path"): Kind.PATH,
    ("shipped/http_get", "url"): Kind.ADDRESS,
}
"""The arguments with a known use: the tool gets them in their normal form."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of one argument. No rule allows an argument without an exact reading.
    `composed` is the JSON of a list or an object, None for any other value.
    """

    exact: frozenset[str]
    loose: frozenset[str]
    folder: WorkingFolder
    composed: str | None = None

    def all_fit(self, pattern: str) -> bool:
        """Whether a rule that allows matches: its pattern matches every exact reading, or, for a
        list or object, equals its text without wildcards.
        """
        if self.composed is not None and glob_of(pattern).literal == self.composed:
            return True
        forms = [glob_of(form) for form in _forms_of(pattern, self.folder)]
        return bool(self.exact) and all(
            len(reading) <= _LONGEST and any(form.matches(reading) for form in forms)
            for reading in self.exact
        )

    def any_fits(self, pattern: str) -> bool:
        """Whether a rule that forbids matches."""
        written = _forms_of(pattern, self.folder)
        paths = [form for form in written if "://" not in form]
        forms = {*written, *(self.folder.real_pattern(form) for form in paths)}
        readings = self.exact | self.loose
        return any(_meets(form, reading) for form in forms for reading in readings)


def _meets(pattern: str, reading: str) -> bool:
    """Whether a pattern matches a reading or a folder or page above it, ignoring case."""
    if glob_of(pattern, crosses=True).matches(reading, above=True):
        return True
    try:
        glob = glob_of(pattern.lower(), crosses=True)
    except ValueError:
        return False  # a range from a capital to a small letter
    return glob.matches(reading.lower(), above=True)


def _forms_of(pattern: str, folder: WorkingFolder) -> set[str]:
    """A pattern in its original form and in the normal forms of readings."""
    if "://" in pattern:
        normal = normal_pattern(pattern)
        # A decoded character is literal: %2A is a star, not a wildcard.
        decoded = _ESCAPES.sub(lambda match: escaped(unquote(match[0])), normal)
        forms = {pattern, normal, decoded}
    else:
        forms = {pattern, folder.normal_pattern(pattern)}
    return {form for form in forms if _is_pattern(form)}


def _is_pattern(text: str) -> bool:
    try:
        glob_of(text)
    except ValueError:
        return False
    return True


def read_arguments(
    full_name: str, arguments: Mapping[str, Any], folder: WorkingFolder
) -> dict[str, Readings]:
    """The readings of each argument of a call."""
    return {
        name: _read(value, _KINDS.get((full_name, name), Kind.ANY), folder)
        for name, value in arguments.items()
    }


def normal_arguments(
    full_name: str, arguments: Mapping[str, Any], folder: WorkingFolder
) -> dict[str, Any]:
    """The arguments for the tool, with paths and addresses in their normal form.

    A value without a normal form is unchanged, and the tool rejects it. Lone surrogates, which
    programs reject, become U+FFFD.
    """
    return {
        name: _normal(value, _KINDS.get((full_name, name), Kind.ANY), folder)
        for name, value in sound_values(dict(arguments)).items()
    }


def _normal(value: Any, kind: Kind, folder: WorkingFolder) -> Any:
    if not isinstance(value, str):
        return value
    if kind is Kind.PATH and _can_be_path(value):
        real = folder.real(value)
        return value if real.startswith("/") else real
    if kind is Kind.ADDRESS:
        try:
            return normal_address(value)
        except ValueError:
            return value
    return value


def _read(value: Any, kind: Kind, folder: WorkingFolder) -> Readings:
    composed = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else None
    read = _READERS[kind]
    exact: set[str] = set()
    loose: set[str] = set()
    for leaf in _leaves(value):
        sure, perhaps = read(leaf, folder)
        exact |= sure
        loose |= perhaps
    if composed is not None:
        exact = exact or {composed}
        loose |= {composed, " ".join(_leaves(value))}  # a command line
    if isinstance(value, float) and value.is_integer():
        loose.add(str(int(value)))
    return Readings(frozenset(exact), frozenset(loose), folder, composed)


def _leaves(value: Any) -> Iterator[str]:
    """Every text and number within a value, including the keys of objects."""
    waiting = [value]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        else:
            yield one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)


_Forms = tuple[set[str], set[str]]


def _can_be_path(text: str) -> bool:
    return bool(text) and len(text) <= LONGEST_PATH and "\0" not in text


def _read_path(text: str, folder: WorkingFolder) -> _Forms:
    if not _can_be_path(text):
        return set(), {text}
    return {folder.real(text)}, {folder.normal(text)}


def _read_address(text: str, _folder: WorkingFolder) -> _Forms:
    exact, loose = address_forms(text)
    return set(exact), set(loose)


def _read_any(text: str, folder: WorkingFolder) -> _Forms:
    """Every reading that a tool may use: the text, a path, an address, decoded."""
    exact = {text}
    loose = {text.strip()}
    for _ in range(3):
        exact |= {unquote(form) for form in exact}
    match = _FILE_ADDRESS.match(text)
    if is_web_address(text) and not match:
        sure, perhaps = address_forms(text)
        loose |= perhaps
        if sure:
            return exact | sure, loose
    if "://" in text:
        scheme = text.partition("://")[0]
        exact |= {f"{scheme}://{without_dots(form.partition('://')[2])}" for form in exact}
    paths = {match[1], unquote(match[1])} if match else set(exact)
    if text.lstrip().startswith("~/"):
        loose |= {folder.normal(f"{folder.home}/{text.lstrip()[2:]}")}
    for path in [*paths, *(path.strip() for path in paths)]:
        for slashed in {path, path.replace("\\", "/")}:
            if not _can_be_path(slashed):
                continue
            forms = {folder.normal(slashed), folder.real(slashed)}
            (loose if match else exact).update(forms)
    return exact, loose


_READERS: Mapping[Kind, Callable[[str, WorkingFolder], _Forms]] = {
    Kind.PATH: _read_path,
    Kind.ADDRESS: _read_address,
    Kind.ANY: _read_any,
}
