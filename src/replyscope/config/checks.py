"""Typed access to a TOML table. Errors name the file, the line and the key."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from replyscope.config.toml_place import Place, line_of
from replyscope.domain.errors import SettingsError
from replyscope.domain.limits import Limits

T = TypeVar("T")
_LARGEST = 1 << 1_000
"""Close to the largest float; a larger integer counts as infinite."""

_KINDS: dict[type[object], str] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


class Table:
    """One table of a settings file. `finish` rejects every key that was not read."""

    def __init__(self, values: Mapping[str, Any], file: Path, text: str, path: Place = ()) -> None:
        self._values = values
        self._file = file
        self._text = text
        self._path = path
        self._known: list[str] = []

    def reject(self, key: str, why: str) -> SettingsError:
        """Return an error that names file, line and key."""
        path = (*self._path, key)
        line = line_of(self._text, path)
        place = f"{self._file}:{line}" if line else str(self._file)
        return SettingsError(f"{place}: {_dotted(path)} {why}.", "Nothing was changed.")

    def text(self, key: str) -> str | None:
        """A string, or None if the key is not set."""
        return self._typed(key, str)

    def flag(self, key: str) -> bool | None:
        """A boolean, or None."""
        return self._typed(key, bool)

    def whole(self, key: str, limits: Limits) -> int | None:
        """An integer within limits, or None."""
        value = self._typed(key, int)
        if value is not None and value not in limits:
            raise self.reject(key, f"is {_short(value)}; it must be {limits}")
        return value

    def number(self, key: str, limits: Limits) -> float | None:
        """A finite number within limits, or None."""
        value = self._typed(key, float)
        if value is not None and value not in limits:
            raise self.reject(key, f"is {value:g}; it must be {limits}")
        return value

    def one_of(self, key: str, allowed: Sequence[str]) -> str | None:
        """The string of a key, which must be an allowed one; None without the key."""
        value = self.text(key)
        if value is not None and value not in allowed:
            raise self.reject(key, f"is {value!r}; allowed: {', '.join(allowed)}")
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, or None."""
        value = self._get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.reject(key, "must be a list of strings")
        return tuple(value)

    def pairs(self, key: str) -> dict[str, str]:
        """A table of strings; empty if the key is not set."""
        value = self._get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise self.reject(key, "must be a table of strings")
        return dict(value)

    def json(self, key: str) -> dict[str, Any]:
        """A table of values that JSON has; empty if the key is not set."""
        value = self._get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.reject(key, "must be a table")
        self.check_json(key, value)
        return value

    def check_json(self, key: str, value: Any) -> None:
        """Raise SettingsError if a value is a date or a number that JSON can't express."""
        import json

        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self.reject(key, f"can't be sent as JSON ({error})") from error

    def table(self, key: str) -> "Table":
        """A nested table; empty if the key is not set."""
        value = self._get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.reject(key, "must be a table")
        return Table(value, self._file, self._text, (*self._path, key))

    def tables(self, key: str) -> "list[Table]":
        """An array of tables; empty if the key is not set."""
        value = self._get(key)
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.reject(key, f"must be tables: [[{_dotted((*self._path, key))}]]")
        return [
            Table(item, self._file, self._text, (*self._path, key, index))
            for index, item in enumerate(value)
        ]

    def values(self, key: str) -> dict[str, Any]:
        """The raw values of a nested table; empty if the key is not set."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self.reject(key, "must be a table")
        return value

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self._file.absolute().parent

    def raw(self, key: str) -> Any:
        """The raw value of a key, None if it is not set."""
        return self._get(key)

    def is_table(self, key: str) -> bool:
        """Whether the value of a key is a table."""
        return isinstance(self._values.get(key), dict)

    def is_text(self, key: str) -> bool:
        """Whether the value of a key is a string."""
        return isinstance(self._values.get(key), str)

    def rest(self) -> dict[str, Any]:
        """The raw values of the keys that were not read. They count as read now."""
        found = {key: value for key, value in self._values.items() if key not in self._known}
        self._known += found
        return found

    def names(self) -> tuple[str, ...]:
        """The keys that are set."""
        return tuple(self._values)

    def finish(self) -> None:
        """Reject unknown keys. Raises SettingsError with the allowed keys."""
        for key in self._values:
            if key not in self._known:
                raise self.reject(key, f"is not a setting; allowed: {', '.join(self._known)}")

    def _get(self, key: str) -> Any:
        if key not in self._known:
            self._known.append(key)
        return self._values.get(key)

    def _typed(self, key: str, kind: type[T]) -> T | None:
        value = self._get(key)
        if value is None:
            return None
        if kind is float and type(value) is int:
            value = float(value) if abs(value) < _LARGEST else math.inf
        if type(value) is not kind:
            raise self.reject(key, f"must be {_KINDS[kind]}")
        return value


def _dotted(path: Place) -> str:
    """The path in TOML, which has no indexes."""
    return ".".join(name for name in path if isinstance(name, str))


def _short(value: int) -> str:
    """An integer for an error message. TOML integers can have thousands of digits."""
    return str(value) if abs(value) < 10**30 else "a number of more than 30 digits"
