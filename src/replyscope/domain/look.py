"""The look of the app: theme and keys, everything that the first paint needs."""

from dataclasses import field

from replyscope.domain.values import dataclass

DEFAULT_THEME = "midnight"


@dataclass(frozen=True, slots=True)
class Look:
    """The theme and the keys. `keys` maps a binding's id to the keys that replace it.

    `is_linear` is whether to chat line by line instead of in the app. `keeps_breaks` is whether
    single line breaks of a reply are kept, or joined as in Markdown. `has_vim_keys` is whether the
    composer has vim keys.
    """

    theme: str = DEFAULT_THEME
    ascii_only: bool = False
    is_linear: bool = False
    has_motion: bool = True
    keeps_breaks: bool = True
    has_vim_keys: bool = False
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThemeSource:
    """The contents of a theme file; `place` is the file, for messages."""

    name: str
    title: str
    is_dark: bool
    colors: dict[str, str]
    place: str
