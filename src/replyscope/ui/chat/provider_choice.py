"""The kinds of providers that the first-run screen offers."""

from dataclasses import dataclass
from enum import Enum


class ProviderKind(Enum):
    """How a model is reached, and where its API key is kept."""

    LOCAL = "local"
    KEY_STORED = "key stored"
    KEY_HELD = "key held"
    SERVER = "server"
    URL = "url"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """The chosen kind, with the name of a model or provider, or a URL, and an API key."""

    way: ProviderKind
    value: str = ""
    product: str = ""
    key: str = ""
