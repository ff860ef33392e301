"""Reads how the app looks, and nothing else: the first paint waits for it."""

from pathlib import Path

from replyscope.config.checks import Table
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import SettingsError
from replyscope.domain.look import DEFAULT_THEME, Look
from replyscope.domain.regular_file import read_text


def read_look(path: Path) -> Look:
    """The look that a settings file asks for. Where it is wrong, the default: the whole
    file is read and reported after the first paint.
    """
    try:
        text = read_text(path)
        return parse_look(Table(read_toml(text), path, text))
    except (OSError, ValueError, SettingsError):
        return Look()


def parse_look(root: Table) -> Look:
    """The look in a settings file's root. Raises SettingsError naming file, line and key."""
    return Look(
        theme=root.text("theme") or DEFAULT_THEME,
        ascii_only=root.flag("ascii_only") or False,
        keys=root.pairs("keys"),
    )
