"""Builds Textual themes from theme files. An invalid theme is reported and not used."""

from collections.abc import Iterable

from textual.color import ColorParseError
from textual.theme import Theme

from replyscope.domain.look import ThemeSource


def build_themes(sources: Iterable[ThemeSource]) -> tuple[list[Theme], list[str]]:
    """The valid themes, and an error sentence for each theme with an invalid colour."""
    themes: list[Theme] = []
    faults: list[str] = []
    for source in sources:
        theme = _theme(source)
        try:
            # A bad colour would otherwise end the app at its first use.
            theme.to_color_system()
        except (ColorParseError, ValueError) as error:
            reason = str(error).splitlines()[0]
            faults.append(f"{source.place}: {reason}; the theme is skipped.")
            continue
        themes.append(theme)
    return themes, faults


def _theme(source: ThemeSource) -> Theme:
    colors = source.colors
    return Theme(
        name=source.name,
        dark=source.is_dark,
        primary=colors["primary"],
        secondary=colors.get("secondary"),
        accent=colors.get("accent"),
        warning=colors.get("warning"),
        error=colors.get("error"),
        success=colors.get("success"),
        foreground=colors.get("foreground"),
        background=colors.get("background"),
        surface=colors.get("surface"),
        panel=colors.get("panel"),
    )
