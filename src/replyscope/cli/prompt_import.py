"""`replyscope prompts import`: imports prompts of Open WebUI, llm and Fabric."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.report import warn
from replyscope.config.prompts import PromptFolder, prompt_text
from replyscope.domain.errors import ImportFault, SettingsError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.prompt import normalised
from replyscope.domain.regular_file import read_regular
from replyscope.domain.typed_path import typed_path
from replyscope.domain.unicode_text import sound
from replyscope.readers.prompts import (
    ForeignPrompt,
    read_llm_template,
    read_open_webui,
    read_pattern,
)

_MOST_BYTES = 20_000_000
_MOST_FILES = 5_000
_SYSTEM, _USER = "system.md", "user.md"
_YAML = (".yaml", ".yml")


@dataclass(slots=True)
class _Result:
    imported: int = 0
    known: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The counts in one sentence."""
        return (
            f"{plural(self.imported, 'prompt')} imported, {self.known:,} known already, "
            f"{len(self.failed):,} failed."
        )


def run_prompt_import(arguments: argparse.Namespace, library: PromptFolder) -> int:
    """Import a file or a folder, and report the result. Returns the exit status.

    An existing prompt of the same name is kept, unless `--replace` is given.
    """
    path = typed_path(arguments.path)
    if not path.exists():
        raise ImportFault(f"{path} does not exist.")
    done = _Result()
    for name, found in _find(path):
        if isinstance(found, str):
            done.failed.append(f"{name}: {found}")
        else:
            _import_one(found, library, done, replaces=arguments.replace)
    if not (done.imported or done.known or done.failed):
        raise ImportFault(
            f"{path} has no prompts.",
            "It may be an export of Open WebUI (JSON), templates of llm (YAML) or a folder of "
            "Fabric patterns (NAME/system.md).",
        )
    for why in done.failed:
        warn(printable_line(f"not imported: {why}"))
    print(done.sentence)
    return EXIT_PARTLY if done.failed else EXIT_OK


def _import_one(
    found: ForeignPrompt, library: PromptFolder, done: _Result, *, replaces: bool
) -> None:
    try:
        text = sound(prompt_text(found.front, found.body))
        library.parse(found.name, text)
        old = library.read_source(found.name)
        if old is not None and normalised(old) == normalised(text):
            done.known += 1
            return
        if old is not None and not replaces:
            done.failed.append(f"{found.name} exists already; --replace replaces it")
            return
        library.write(found.name, text)
    except SettingsError as error:
        done.failed.append(f"{found.name}: {error.message}")
        return
    done.imported += 1
    for note in found.notes:
        warn(printable_line(f"{found.name}: {note}"))


def _find(path: Path) -> Iterator[tuple[str, ForeignPrompt | str]]:
    """The prompts of a file or a folder, and a sentence about each that can't be read."""
    if not path.is_dir():
        yield from _read(path)
        return
    seen = 0
    for parent, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(names) + len(folders)
        if seen > _MOST_FILES:
            raise ImportFault(
                f"{path} has more than {_MOST_FILES:,} files.", "Name one folder in it."
            )
        if _SYSTEM in names:
            yield from _read(Path(parent, _SYSTEM))
            continue
        for name in sorted(names):
            if name.endswith((".json", *_YAML)):
                yield from _read(Path(parent, name))


def _read(path: Path) -> Iterator[tuple[str, ForeignPrompt | str]]:
    try:
        data = read_regular(path, _MOST_BYTES)
        if path.name in (_SYSTEM, _USER):
            user = path.with_name(_USER)
            more = read_regular(user, _MOST_BYTES) if user.is_file() else b""
            yield f"{path}", read_pattern(path.absolute().parent.name, data, more)
        elif path.suffix in _YAML:
            yield f"{path}", read_llm_template(path.stem, data)
        else:
            for found in read_open_webui(data):
                yield f"{path}", found
    except UnicodeDecodeError:
        yield f"{path}", "it is not text in UTF-8"
    except (OSError, ValueError) as error:
        yield f"{path}", f"{error}"
