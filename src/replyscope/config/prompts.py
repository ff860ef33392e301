"""The prompt library in a folder: one Markdown file per prompt, with TOML front matter."""

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from replyscope.config.checks import Table
from replyscope.config.entries import Entries, placed_schema
from replyscope.config.replacing import replace_file
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import SettingsError
from replyscope.domain.prompt import (
    INPUT,
    Check,
    Prompt,
    Prompts,
    Variable,
    VariableType,
    accept_any,
    is_prompt_name,
    names_in,
    normalised,
    value_fault,
)
from replyscope.domain.regular_file import NotRegularError, read_regular
from replyscope.domain.session import Parameters
from replyscope.domain.system_words import system_words
from replyscope.domain.unicode_text import REPLACE

_FENCE = "+++"
_SUFFIX = ".md"
_MOST_BYTES = 400_000
_MOST_FILES = 2_000
_MOST_READ = 50_000_000
_MOST_VARIABLES = 100
_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_YES_NO = {True: "yes", False: "no"}


class PromptFolder:
    """The prompt library. Implements PromptLibrary. Without `is_saving` nothing is written."""

    def __init__(self, folder: Path, *, is_saving: bool = False) -> None:
        self._folder = folder
        self._is_saving = is_saving
        self._stamps: dict[str, tuple[int, int]] = {}
        self._reading = Lock()
        self._read: dict[str, Prompt | str] = {}
        """The prompts, and the faults of files that are not used, by name."""

    def read(self) -> Prompts:
        """See PromptLibrary."""
        with self._reading:
            return self._read_changes()

    def _read_changes(self) -> Prompts:
        stamps = self._find()
        for name in [*self._read]:
            if stamps.get(name) != self._stamps.get(name):
                del self._read[name]
        for name in stamps:
            if name not in self._read:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    self._read[name] = self._read_one(name)
        self._stamps = stamps
        read = [(name, self._read[name]) for name in stamps if name in self._read]
        return Prompts(
            {name: one for name, one in read if isinstance(one, Prompt)},
            {name: one for name, one in read if isinstance(one, str)},
        )

    def _find(self) -> dict[str, tuple[int, int]]:
        """The names of the files, each with the time of its last change and its size."""
        found = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                        with suppress(OSError):  # deleted meanwhile
                            status = entry.stat()
                            stamp = (status.st_mtime_ns, status.st_size)
                            found[entry.name.removesuffix(_SUFFIX)] = stamp
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(f"The prompts can't be read ({system_words(error)}).") from error
        read = sum(size for _, size in found.values() if size <= _MOST_BYTES)
        if len(found) > _MOST_FILES or read > _MOST_READ:
            raise SettingsError(
                f"{self._folder} has more than {_MOST_FILES:,} prompts, or more than "
                f"{_MOST_READ // 1_000_000} MB."
            )
        return dict(sorted(found.items()))

    def _read_one(self, name: str) -> Prompt | str:
        try:
            return self.parse(name, self._text_of(name))
        except SettingsError as error:
            return error.message

    def _text_of(self, name: str) -> str:
        path = self._path(name)
        try:
            return read_regular(path, _MOST_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path}: it is not text in UTF-8.") from error
        except FileNotFoundError:
            raise
        except OSError as error:
            why = error if isinstance(error, NotRegularError) else error.strerror
            raise SettingsError(f"{path}: {why}.") from error

    def read_source(self, name: str) -> str | None:
        """See PromptLibrary."""
        try:
            return self._text_of(name) if is_prompt_name(name) else None
        except FileNotFoundError:
            return None

    def parse(self, name: str, text: str, check: Check = accept_any) -> Prompt:
        """See PromptLibrary."""
        try:
            return parse_prompt(name, text, self._path(name), check)
        except SettingsError as error:  # the next step is that of the settings file
            raise SettingsError(error.message) from error

    def check_writing(self, name: str) -> None:
        """See PromptLibrary."""
        check_name(name)
        if not self._is_saving:
            raise SettingsError(
                "Prompts can't be saved: this chat saves nothing.", "Start it without --no-save."
            )

    def write(self, name: str, text: str) -> Path:
        """See PromptLibrary."""
        self.check_writing(name)
        path = self._path(name)
        if len(text.encode("utf-8", REPLACE)) > _MOST_BYTES:
            raise SettingsError(f"A prompt has at most {_MOST_BYTES:,} bytes.")
        _replace(path, f"{normalised(text)}\n")
        return path

    def keep(self, text: str) -> Path | None:
        """See PromptLibrary."""
        try:
            number, name = tempfile.mkstemp(".md", "replyscope-")
            with os.fdopen(number, "w", encoding="utf-8", errors=REPLACE) as file:
                file.write(text)
        except OSError:
            return None
        return Path(name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def check_name(name: str) -> None:
    """Raise SettingsError unless a prompt may have a name."""
    if not is_prompt_name(name):
        raise SettingsError(
            f"{name!r} can't be the name of a prompt.",
            "Allowed are letters, digits, and . + - _ inside.",
        )


def parse_prompt(name: str, text: str, path: Path, check: Check = accept_any) -> Prompt:
    """The prompt of a file. Raises SettingsError with file, line and what is allowed."""
    if not is_prompt_name(name):
        raise SettingsError(
            f"{path}: {name!r} can't be the name of a prompt; allowed: letters, digits, and "
            ". + - _ inside."
        )
    text = normalised(text)
    front, body = _split(text, path)
    root = Table(_read_front(front, path), path, front)
    prompt = Prompt(
        name,
        text,
        body,
        title=root.text("title") or "",
        model=root.text("model"),
        preset=root.text("preset"),
        system=root.text("system"),
        tools=root.texts("tools"),
        schema=placed_schema(root.text("schema"), root),
        parameters=_read_parameters(root, check),
        described=_read_variables(root.table("variables")),
    )
    root.finish()
    names = dict.fromkeys(names_in(f"{prompt.system or ''}\n{body}"))
    return replace(prompt, names=tuple(names))


def prompt_text(front: Mapping[str, Any], body: str) -> str:
    """The text of a prompt's file; empty values are left out.

    Raises SettingsError for a value that TOML does not have.
    """
    import tomlkit  # only when something is imported

    given = {key: one for key, one in front.items() if one not in ("", {}, [], None)}
    document = tomlkit.document()
    for key, one in given.items():
        is_long = isinstance(one, str) and "\n" in one
        try:
            document[key] = tomlkit.string(one, multiline=True) if is_long else one
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{key} can't be written in TOML ({error}).") from error
    starts_like_front = body.lstrip().startswith((_FENCE, "---"))
    if not given and not starts_like_front:
        return f"{body}\n"
    return f"{_FENCE}\n{tomlkit.dumps(document).rstrip()}\n{_FENCE}\n{body}\n"


def _split(text: str, path: Path) -> tuple[str, str]:
    """The front matter and the body. The lines of the front matter have the numbers that they
    have in the file.
    """
    lines = text.split("\n")
    if lines[0].rstrip() == "---" and any(line.rstrip() == "---" for line in lines[1:]):
        raise SettingsError(
            f"{path}:1: front matter between --- lines is not read; allowed: TOML between "
            f"{_FENCE} lines."
        )
    if lines[0].rstrip() != _FENCE:
        return "", text
    for at, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return "\n".join(("", *lines[1:at], "")), "\n".join(lines[at + 1 :]).strip("\n")
    raise SettingsError(f"{path}:1: the front matter has no end; allowed: a second {_FENCE} line.")


def _read_front(front: str, path: Path) -> dict[str, Any]:
    try:
        return read_toml(front)
    except ValueError as error:
        found = _LINE.search(str(error))
        last = front.count("\n")  # an open bracket or quote is noticed at the end
        place = f"{path}:{found[1] or last}" if found else str(path)
        why = _LINE.sub("", str(error))
        raise SettingsError(f"{place}: the front matter is not valid TOML: {why}.") from error


def _read_parameters(root: Table, check: Check) -> Parameters:
    entries = Entries(lambda _place, name, value: check(name, value), lambda _place: True)
    return entries.parameters(root.table("parameters"), "parameters")


def _read_variables(described: Table) -> tuple[Variable, ...]:
    names = described.names()
    if len(names) > _MOST_VARIABLES:
        raise described.reject(names[0], f"is one of more than {_MOST_VARIABLES} variables")
    return tuple(_read_variable(name, described) for name in names)


def _read_variable(name: str, outer: Table) -> Variable:
    if name == INPUT:
        raise outer.reject(name, "is the text of the message; choose another name")
    if not re.fullmatch(r"[^\W\d][\w-]*", name):
        raise outer.reject(name, "can't be a variable; allowed: letters, digits, - and _")
    described = outer.table(name)
    kind = VariableType(described.one_of("type", [*VariableType]) or VariableType.TEXT)
    choices = described.texts("choices") or ()
    if (kind is VariableType.CHOICE) != bool(choices):
        words = 'needs choices, as in ["a", "b"]' if not choices else 'is only for type = "choice"'
        raise described.reject("choices" if choices else "type", words)
    default = _read_default(described, kind)
    variable = Variable(name, kind, default, choices, described.text("description") or "")
    if default is not None and (why := value_fault(variable, default)):
        raise described.reject("default", why)
    described.finish()
    return variable


def _read_default(described: Table, kind: VariableType) -> str | None:
    """The default as a text. Numbers and truth values may be written as such."""
    raw = described.raw("default")
    if isinstance(raw, bool) and kind is VariableType.YES_NO:
        return _YES_NO[raw]
    if isinstance(raw, int | float) and not isinstance(raw, bool) and kind is VariableType.NUMBER:
        return f"{raw}"
    return described.text("default")


def _replace(path: Path, text: str) -> None:
    """Write a file at once, private to its owner. Raises SettingsError."""
    try:
        path = path.resolve()
        replace_file(path, text)
    except OSError as error:
        raise SettingsError(f"{path} can't be written ({error.strerror}).") from error
