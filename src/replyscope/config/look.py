"""Reads the settings of the look (theme, ASCII, keys), which the first paint needs."""

from pathlib import Path

from replyscope.config.checks import Table
from replyscope.config.setting import FlagType, PairsType, Setting, TextType
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import SettingsError
from replyscope.domain.look import DEFAULT_THEME, Look
from replyscope.domain.regular_file import read_text


class LookSection:
    """The settings of the look: part of the root in `config.setting_table`.

    They are defined here so that the first paint imports no others.
    """

    theme = Setting(TextType(), '"midnight"', "replyscope themes are listed by Ctrl+T in the app")
    ascii_only = Setting(FlagType(), "false", "draw without box and symbol characters")
    keys = Setting(
        PairsType(),
        '"chat.send" = "enter"         # F1 in the app lists all ids',
        "other keys for an action: its id, then the keys",
        header="[keys]",
    )


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
        theme=LookSection.theme.read(root) or DEFAULT_THEME,
        ascii_only=LookSection.ascii_only.read(root) or False,
        keys=LookSection.keys.read(root),
    )
