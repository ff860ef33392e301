"""The kinds of providers that the first run offers."""

from enum import Enum

from replyscope.domain.values import dataclass


class ProviderKind(Enum):
    """A kind of provider, with the place where its API key is stored."""

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
