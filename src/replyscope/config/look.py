"""Reads the appearance settings (theme, ASCII, motion, keys), which the first paint needs."""

from enum import StrEnum
from pathlib import Path

from replyscope.config.checks import Table
from replyscope.config.setting import Setting, choice, flag, pairs, text
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import SettingsError
from replyscope.domain.look import DEFAULT_THEME, Look
from replyscope.domain.regular_file import read_text


class Breaks(StrEnum):
    """The drawing of a single line break in a reply."""

    KEEP = "keep"
    MARKDOWN = "markdown"


class Editing(StrEnum):
    """The editing keys of the composer."""

    PLAIN = "plain"
    VIM = "vim"


class LookSection:
    """The appearance settings: part of the root in `config.setting_table`.

    They are defined here so that the first paint does not import the other settings.
    """

    theme = Setting(text(), '"midnight"', "replyscope themes are listed by Ctrl+T in the app")
    ascii_only = Setting(flag(), "false", "draw without box and symbol characters")
    linear = Setting(flag(), "false", "chat line by line, as with --linear")
    motion = Setting(flag(), "true", "animate: cursor, scrolling, progress")
    breaks = Setting(
        choice(*Breaks),
        '"keep"',
        'single line breaks of a reply; "markdown" joins the lines',
    )
    editing = Setting(
        choice(*Editing), '"plain"', 'keys of the message field; "vim" for normal, insert, visual'
    )
    keys = Setting(
        pairs(),
        '"chat.send" = "enter"         # F1 in the app lists all ids',
        "other keys for an action: its id, then the keys",
        header="[keys]",
    )


def read_look(path: Path) -> Look:
    """The appearance settings of a file, or the defaults if it is invalid: the errors of
    the whole file are reported after the first paint.
    """
    try:
        text = read_text(path)
        return parse_look(Table(read_toml(text), path, text))
    except (OSError, ValueError, SettingsError):
        return Look()


def parse_look(root: Table) -> Look:
    """The appearance settings of a root table. Raises SettingsError."""
    return Look(
        theme=LookSection.theme.read(root) or DEFAULT_THEME,
        ascii_only=LookSection.ascii_only.read(root) or False,
        is_linear=LookSection.linear.read(root) or False,
        has_motion=LookSection.motion.read(root) is not False,
        keeps_breaks=LookSection.breaks.read(root) != Breaks.MARKDOWN,
        has_vim_keys=LookSection.editing.read(root) == Editing.VIM,
        keys=LookSection.keys.read(root),
    )
