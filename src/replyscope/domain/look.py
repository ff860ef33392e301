"""How the app looks and which keys it hears: all that its first paint needs."""

from dataclasses import dataclass, field

DEFAULT_THEME = "midnight"


@dataclass(frozen=True, slots=True)
class Look:
    """`keys` maps a binding's id to the keys that replace it."""

    theme: str = DEFAULT_THEME
    ascii_only: bool = False
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThemeSource:
    """A theme as its file says it; `place` is the file, for messages."""

    name: str
    title: str
    is_dark: bool
    colors: dict[str, str]
    place: str
