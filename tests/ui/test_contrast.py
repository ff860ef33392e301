"""The contrast of the colours that our styles use, in every built-in theme."""

import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

import replyscope.ui
from replyscope.config.themes import read_themes, shipped_folder
from replyscope.domain.look import ThemeSource
from replyscope.ui.styles.contrast import HINT, TEXT, contrast, make_readable
from replyscope.ui.theming import build_themes

_THEMES, _FAULTS = build_themes(read_themes(shipped_folder())[0])
_UI = Path(replyscope.ui.__file__).parent
_SOURCES = sorted([*_UI.rglob("*.tcss"), *_UI.rglob("*.py")])
_PLAIN = ("background", "surface", "panel")
_TEXTS = (
    "foreground",
    *(f"text-{role}" for role in ("primary", "secondary", "accent", "warning", "error", "success")),
)
_HINTS = ("text-muted", "text-disabled", "quiet")
_NO_TEXT = {"primary", "secondary", "accent", "warning", "error", "success", "panel-lighten-2"}
"""Colours of borders, bars, plots and marks, which are no text."""
_IN_PAIRS = {"match-foreground": "match-background"}


def _colors(theme: Theme) -> dict[str, str]:
    make_readable(theme)
    return {**theme.to_color_system().generate(), **theme.variables}


def _grounds(colors: dict[str, str]) -> dict[str, Color]:
    """Every background that the styles use under text."""
    plain = {name: Color.parse(colors[name]) for name in (*_PLAIN, "highlight")}
    tints = {
        f"{role} 20%": plain["background"].blend(Color.parse(colors[role]), 0.2)
        for role in ("error", "success")
    }
    return {**plain, **tints}


def _drawn(text: str, ground: Color) -> Color:
    """A text colour on a background; "#rrggbb 60%" is blended with it."""
    color, _, share = text.partition(" ")
    return ground.blend(Color.parse(color), int(share.rstrip("%")) / 100 if share else 1.0)


@pytest.mark.parametrize("theme", _THEMES, ids=lambda theme: theme.name)
def test_every_text_can_be_read_on_every_background(theme: Theme) -> None:
    colors = _colors(theme)
    faint = [
        f"{name} on {where}: {ratio:.2f}"
        for where, ground in _grounds(colors).items()
        for name, least in [*((n, TEXT) for n in _TEXTS), *((n, HINT) for n in _HINTS)]
        if (ratio := contrast(_drawn(colors[name], ground), ground)) < least
    ]
    assert not faint


@pytest.mark.parametrize("theme", _THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("kind", ["screen-selection", "input-selection", "match", "block-cursor"])
def test_selected_and_found_text_can_be_read(theme: Theme, kind: str) -> None:
    colors = _colors(theme)
    pair = Color.parse(colors[f"{kind}-foreground"]), Color.parse(colors[f"{kind}-background"])
    assert contrast(*pair) >= TEXT


def test_text_has_no_other_colours_than_those_computed() -> None:
    """A style with another text colour has to be added to the colours above."""
    known = {*_TEXTS, *_HINTS, *_IN_PAIRS, "background"}
    used = {
        (path.name, name)
        for path in _SOURCES
        if path.suffix == ".tcss"
        for name in re.findall(r"(?<![-\w])color: \$([\w-]+)", path.read_text())
    }
    assert {(file, name) for file, name in used if name not in known | _NO_TEXT} == set()
    texts = {name for _, name in used if name not in _NO_TEXT}
    assert "quiet" in texts


def test_muted_text_in_a_styled_text_is_opaque() -> None:
    """Textual draws a translucent colour there as if it were opaque."""
    translucent = re.compile(r"text-(muted|disabled)")
    code = [path for path in _SOURCES if path.suffix == ".py" and path.parent.name != "styles"]
    assert [path.name for path in code if translucent.search(path.read_text())] == []


@pytest.mark.parametrize("theme", _THEMES, ids=lambda theme: theme.name)
def test_muted_text_is_read_as_text_on_the_usual_backgrounds(theme: Theme) -> None:
    colors = _colors(theme)
    for name in ("background", "surface"):
        assert contrast(Color.parse(colors["quiet"]), Color.parse(colors[name])) >= TEXT


def test_backgrounds_are_those_computed() -> None:
    known = {*_PLAIN, "highlight", *_IN_PAIRS.values()}
    used = {
        (path.name, name, share)
        for path in _SOURCES
        if path.suffix == ".tcss"
        for name, share in re.findall(r"(?<![-\w])background: \$([\w-]+)( \d+%)?", path.read_text())
    }
    tinted = {("error", " 20%"), ("success", " 20%")}
    other = {
        (f, n, s) for f, n, s in used if (s and (n, s) not in tinted) or (not s and n not in known)
    }
    assert other == set()


def test_panes_of_one_colour_have_a_line_between_them() -> None:
    for theme in _THEMES:
        colors = _colors(theme)
        background, surface = Color.parse(colors["background"]), Color.parse(colors["surface"])
        line = Color.parse(colors["pane-line"])
        if contrast(background, surface) <= 1.02:
            assert contrast(line, background) >= HINT, theme.name


def test_a_theme_with_faint_colours_becomes_readable() -> None:
    faint = {"primary": "#333355", "foreground": "#555555", "background": "#222222"}
    themes, faults = build_themes([ThemeSource("faint", "Faint", True, faint, "faint.toml")])
    assert not faults
    colors = _colors(themes[0])
    for ground in _grounds(colors).values():
        for name in _TEXTS:
            assert contrast(_drawn(colors[name], ground), ground) >= TEXT
