"""The styles for rendering, resolved once from the theme."""

from dataclasses import field

from rich.style import Style
from textual.widget import Widget

from replyscope.domain.look import Look
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Rich styles by role. Equal palettes render equal strips."""

    text: Style = field(default_factory=Style)
    heading: Style = field(default_factory=lambda: Style(bold=True))
    marker: Style = field(default_factory=Style)
    quote: Style = field(default_factory=lambda: Style(italic=True))
    link: Style = field(default_factory=lambda: Style(underline=True))
    inline_code: Style = field(default_factory=lambda: Style(bold=True))
    code: Style = field(default_factory=Style)
    muted: Style = field(default_factory=lambda: Style(dim=True))
    keyword: Style = field(default_factory=Style)
    string: Style = field(default_factory=Style)
    comment: Style = field(default_factory=lambda: Style(italic=True))
    number: Style = field(default_factory=Style)
    name: Style = field(default_factory=Style)
    you: Style = field(default_factory=lambda: Style(bold=True))
    model: Style = field(default_factory=lambda: Style(bold=True))
    good: Style = field(default_factory=Style)
    note: Style = field(default_factory=Style)
    bad: Style = field(default_factory=Style)
    live: Style = field(default_factory=Style)
    cursor: Style = field(default_factory=lambda: Style(bold=True))
    match: Style = field(default_factory=lambda: Style(reverse=True))
    ascii_only: bool = False
    """Whether to draw without symbols: a formula is then shown as source."""


_ROLES = tuple(role for role in Palette.__annotations__ if role != "ascii_only")


def component_classes(name: str) -> set[str]:
    """The component classes by which a theme styles the roles in a widget."""
    return {_component(name, role) for role in _ROLES}


def palette_of(widget: Widget, name: str) -> Palette:
    """The palette of a widget with these component classes, in the current theme."""
    return Palette(
        **{
            role: widget.get_component_rich_style(_component(name, role), partial=True)
            for role in _ROLES
        },
        ascii_only=look_of(widget).ascii_only,
    )


def look_of(widget: Widget) -> Look:
    """The appearance settings of the app of a widget; the defaults for another app."""
    look = getattr(widget.app, "look", None)
    return look if isinstance(look, Look) else Look()


def _component(name: str, role: str) -> str:
    return f"{name}--{role.replace('_', '-')}"
