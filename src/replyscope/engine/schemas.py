"""Reads a JSON schema for replies from a file."""

import re
from pathlib import Path

from replyscope.domain.errors import SettingsError
from replyscope.domain.json_text import read_json
from replyscope.domain.regular_file import read_text
from replyscope.domain.session import Schema

_NAME = re.compile(r"[^a-zA-Z0-9_-]+")


def read_schema(path: Path) -> Schema:
    """The schema in a file. Its name is its title or the file's name. Raises SettingsError."""
    try:
        text = read_text(path, encoding="utf-8-sig")
        value = read_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The schema {path} can't be read ({error}).", "Check it.") from error
    except ValueError as error:
        raise SettingsError(f"The schema {path} is not JSON: {error}.", "Correct it.") from error
    if not isinstance(value, dict):
        raise SettingsError(f"The schema {path} is not a JSON object.", "Correct the file.")
    title = value.get("title")
    name = _NAME.sub("_", title if isinstance(title, str) else path.stem).strip("_")
    return Schema(name[:64] or "reply", text)
