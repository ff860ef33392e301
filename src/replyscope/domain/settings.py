"""What a person has set, once read and checked. Plain values; the file is config's."""

from dataclasses import dataclass, field

from replyscope.domain.endpoint import Endpoint

DEFAULT_THEME = "midnight"


@dataclass(frozen=True, slots=True)
class Settings:
    """`provider` names the endpoint to start with, None when none was chosen.

    "local" is the embedded model, then `local_model` says which. `keys` maps a
    binding's id to the keys that replace it.
    """

    endpoints: tuple[Endpoint, ...] = ()
    provider: str | None = None
    local_model: str | None = None
    theme: str = DEFAULT_THEME
    bell: bool = False
    desktop_notification: bool = False
    ascii_only: bool = False
    keys: dict[str, str] = field(default_factory=dict)

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of that name."""
        return next((e for e in self.endpoints if e.name == name), None)


@dataclass(frozen=True, slots=True)
class ThemeSource:
    """A theme as its file says it; `place` is the file, for messages."""

    name: str
    title: str
    is_dark: bool
    colors: dict[str, str]
    place: str
