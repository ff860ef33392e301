"""The contrast of a theme: derived colours that can be read on each background in use.

Text has a contrast of at least 4.5:1 and hints at least 3:1, as WCAG 2.2 defines them. A colour
of the theme that has less is blended with black or white until it has enough.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from textual.color import BLACK, WHITE, Color
from textual.theme import Theme

TEXT = 4.5
HINT = 3.0
_ROLES = ("primary", "secondary", "accent", "warning", "error", "success")
_STEPS = 25
_STRONGEST_HIGHLIGHT = 0.25
_DIFF = 0.2
_MUTED = 60
_ROUNDING = 0.1
_SEEN = 1.02
_GROUNDS = ("background", "surface", "panel", "foreground")


def contrast(first: Color, second: Color) -> float:
    """The contrast ratio of two opaque colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=1_024)
def _luminance(color: Color) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(value) for value in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def make_readable(theme: Theme) -> None:
    """Add the variables to a theme, once: they are computed only for themes in use."""
    if "quiet" not in theme.variables:
        theme.variables.update(_readable_variables(theme.to_color_system().generate()))


def _readable_variables(colors: Mapping[str, str]) -> dict[str, str]:
    """The theme variables that depend on contrast, for a theme's generated `colors`."""
    named = {name: Color.parse(colors[name]) for name in (*_ROLES, *_GROUNDS)}
    # A foreground of the theme's own may be too faint already.
    plain = [named[name] for name in _GROUNDS if name != "foreground"]
    foreground = _readable(named["foreground"], plain, TEXT)
    highlight = _highlight(named["background"], named["primary"], foreground)
    grounds = [*plain, highlight, *(_tinted(named, role) for role in ("error", "success"))]
    foreground = _readable(foreground, grounds, TEXT)
    muted = f"{foreground.hex} {_alpha(foreground, plain[:2], grounds)}%"
    return {
        "foreground": foreground.hex,
        **{
            f"text-{role}": _readable(Color.parse(colors[f"text-{role}"]), grounds, TEXT).hex
            for role in _ROLES
        },
        "text-muted": muted,
        "text-disabled": muted,
        "quiet": _quiet(foreground, plain[:2], grounds).hex,
        "highlight": highlight.hex,
        "pane-line": _pane_line(plain[0], plain[1], foreground).hex,
        "block-cursor-background": highlight.hex,
        "block-cursor-foreground": foreground.hex,
        "block-cursor-blurred-background": highlight.hex,
        "block-cursor-blurred-foreground": foreground.hex,
        "footer-key-foreground": _readable(named["accent"], grounds, TEXT).hex,
        "input-selection-background": foreground.hex,
        "input-selection-foreground": plain[0].hex,
        "screen-selection-background": foreground.hex,
        "screen-selection-foreground": plain[0].hex,
        "match-background": named["warning"].hex,
        "match-foreground": _readable(plain[0], [named["warning"]], TEXT).hex,
    }


def _tinted(named: Mapping[str, Color], role: str) -> Color:
    return named["background"].blend(named[role], _DIFF)


def _highlight(background: Color, tint: Color, text: Color) -> Color:
    """The background of a highlighted row: tinted as far as text on it stays readable."""
    for step in range(_STEPS):
        share = _STRONGEST_HIGHLIGHT * (1 - step / _STEPS)
        color = background.blend(tint, share)
        if contrast(text, color) >= TEXT + 1.5:
            return color
    return background


def _pane_line(background: Color, surface: Color, text: Color) -> Color:
    """The line between panes. It is the surface's colour, and so not seen, where the colours of
    the panes differ.
    """
    if contrast(background, surface) > _SEEN:
        return surface
    steps = (_over(text, background, percent) for percent in range(20, 101, 5))
    return next((line for line in steps if contrast(line, background) >= HINT), text)


def _readable(color: Color, grounds: Sequence[Color], least: float) -> Color:
    """The colour, blended with white or black as little as the contrast on all grounds needs."""
    is_dark = sum(map(_luminance, grounds)) / len(grounds) < 0.18
    away = WHITE if is_dark else BLACK
    blended = color
    for step in range(_STEPS + 1):
        blended = color.blend(away, step / _STEPS)
        if all(contrast(blended, ground) >= least for ground in grounds):
            break
    return blended


def _alpha(text: Color, usual: Sequence[Color], grounds: Sequence[Color]) -> int:
    """The least opacity of muted text in percent: read as text on the usual backgrounds, and as
    a hint on all.
    """
    for percent in range(_MUTED, 100):
        over = [_over(text, ground, percent) for ground in (*usual, *grounds)]
        if _is_muted_readable(over, usual, grounds):
            return percent
    return 100


def _quiet(text: Color, usual: Sequence[Color], grounds: Sequence[Color]) -> Color:
    """The opaque colour of muted text, with the same contrasts."""
    for percent in range(_MUTED, 100):
        color = _over(text, usual[0], percent)
        if _is_muted_readable([color] * (len(usual) + len(grounds)), usual, grounds):
            return color
    return text


def _is_muted_readable(
    drawn: Sequence[Color], usual: Sequence[Color], grounds: Sequence[Color]
) -> bool:
    least = [TEXT] * len(usual) + [HINT] * len(grounds)
    pairs = zip(drawn, (*usual, *grounds), least, strict=True)
    return all(contrast(color, ground) >= wanted + _ROUNDING for color, ground, wanted in pairs)


def _over(text: Color, ground: Color, percent: int) -> Color:
    return ground.blend(text, percent / 100)
