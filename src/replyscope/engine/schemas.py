"""Reads a JSON schema for replies from a file."""

import re
from pathlib import Path

from replyscope.domain.errors import SettingsError
from replyscope.domain.json_text import read_json
from replyscope.domain.regular_file import read_text
from replyscope.domain.session import Schema
from replyscope.domain.system_words import system_words

_NAME = re.compile(r"[^a-zA-Z0-9_-]+")


def read_schema(path: Path) -> Schema:
    """The schema in a file. Its name is its title or the file's name. Raises SettingsError."""
    try:
        text = read_text(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The schema {path} can't be read ({system_words(error)}).", "Check it."
        ) from error
    return parse_schema(text, str(path), path.stem)


def parse_schema(text: str, source: str, name: str) -> Schema:
    """The schema of a text. Its name is its title or `name`. Raises SettingsError."""
    try:
        value = read_json(text)
    except ValueError as error:
        raise SettingsError(f"The schema {source} is not JSON: {error}.", "Correct it.") from error
    if not isinstance(value, dict):
        raise SettingsError(f"The schema {source} is not a JSON object.", "Correct the file.")
    title = value.get("title")
    name = _NAME.sub("_", title if isinstance(title, str) else name).strip("_")
    return Schema(name[:64] or "reply", text)
