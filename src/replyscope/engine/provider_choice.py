"""The kinds of providers that the first run offers, and the providers that are known."""

from enum import Enum

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.settings import Settings
from replyscope.domain.values import dataclass
from replyscope.engine.new_endpoints import OPENAI_URL


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


def is_lasting(endpoint: Endpoint, settings: Settings, environment: Endpoint | None) -> bool:
    """Whether later runs know an endpoint by its name: one of the settings, or the one of
    OPENAI_API_KEY. OPENAI_BASE_URL may be set in one terminal only.
    """
    if settings.endpoint(endpoint.name) is not None:
        return True
    return endpoint == environment and endpoint.base_url == OPENAI_URL


def known_providers(
    settings: Settings, environment: Endpoint | None
) -> tuple[tuple[str, str], ...]:
    """The providers of the settings and of the environment: the name and the origin of each."""
    rows = {one.name: "from settings.toml" for one in settings.endpoints}
    if environment is not None:
        rows.setdefault(environment.name, f"from the environment, {environment.public_url}")
    return tuple(rows.items())
