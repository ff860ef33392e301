"""An endpoint is a server that speaks an OpenAI-compatible API, and how to reach it."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from replyscope.domain.exchange import Api
from replyscope.domain.session import Parameters


class KeySourceKind(StrEnum):
    """Where an API key comes from; never the settings file itself."""

    NONE = "none"
    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    COMMAND = "command"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class KeySource:
    """`value` is a variable's name, a keyring entry, or empty; `command` an argument list."""

    kind: KeySourceKind
    value: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server by name. Never holds the key itself."""

    name: str
    base_url: str
    api: Api = Api.CHAT
    key_source: KeySource = field(default_factory=lambda: KeySource(KeySourceKind.NONE))
    model: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    organization: str | None = None
    project: str | None = None
    proxy: str | None = None
    ca_bundle: str | None = None
    azure_api_version: str | None = None
    timeout_s: float = 600.0
    max_retries: int = 2
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def public_url(self) -> str:
        """The base URL as it may be stored and shown."""
        return public_url(self.base_url)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def default_api(base_url: str) -> Api:
    """Responses for OpenAI's own hosts, Chat Completions for whoever is compatible with it."""
    is_openai = urlsplit(base_url).hostname == "api.openai.com"
    return Api.RESPONSES if is_openai else Api.CHAT


def public_url(url: str) -> str:
    """The URL without a user name, password or query, which may be secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as the server lists it; the window is in tokens, None when not said."""

    id: str
    owner: str | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that answered on this machine."""

    product: str
    base_url: str
    models: tuple[str, ...]
