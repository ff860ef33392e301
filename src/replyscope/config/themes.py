"""Reads theme files: the built-in themes and the user's own."""

from pathlib import Path

import replyscope
from replyscope.config.checks import Table
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import SettingsError
from replyscope.domain.look import ThemeSource
from replyscope.domain.regular_file import read_text
from replyscope.domain.system_words import system_words

COLOR_NAMES = (
    "primary",
    "secondary",
    "accent",
    "warning",
    "error",
    "success",
    "foreground",
    "background",
    "surface",
    "panel",
)


def shipped_folder() -> Path:
    """The folder of the built-in themes: in the package, or in the checkout if editable."""
    package = Path(replyscope.__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parents[1] / "themes"


def read_themes(own: Path) -> tuple[list[ThemeSource], list[str]]:
    """Every readable theme, and an error sentence for each other file. An own theme
    replaces a built-in theme of the same name.
    """
    found: dict[str, ThemeSource] = {}
    faults: list[str] = []
    for folder in (shipped_folder(), own):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                theme = read_theme(path)
                found[theme.name] = theme
            except SettingsError as error:
                faults.append(error.message)
    return list(found.values()), faults


def find_theme(name: str, own: Path) -> ThemeSource | None:
    """The theme of a name, or None if it is missing or unreadable."""
    for folder in (own, shipped_folder()):
        path = folder / f"{name}.toml"
        if path.is_file():
            try:
                return read_theme(path)
            except SettingsError:
                continue
    return None


def read_theme(path: Path) -> ThemeSource:
    """Parse a theme file. Raises SettingsError that names file, line and key."""
    try:
        text = read_text(path)
        values = read_toml(text)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} can't be read ({system_words(error)}).") from error
    root = Table(values, path, text)
    title = root.text("title") or path.stem
    is_dark = root.flag("dark")
    table = root.table("colors")
    colors = {name: value for name in COLOR_NAMES if (value := table.text(name)) is not None}
    if "primary" not in colors:
        raise table.reject("primary", "is missing; a theme needs at least this colour")
    table.finish()
    root.finish()
    return ThemeSource(path.stem, title, is_dark is not False, colors, str(path))
