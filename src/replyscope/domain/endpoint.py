"""An endpoint: a server with an OpenAI-compatible API, and the settings to reach it."""

from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from replyscope.domain.address import without_login
from replyscope.domain.exchange import Api
from replyscope.domain.session import Parameters
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.values import dataclass
from replyscope.domain.web_address import is_loopback_host


class KeySourceKind(StrEnum):
    """The kind of place that holds an API key; never the settings file itself."""

    NONE = "none"
    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    COMMAND = "command"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class KeySource:
    """The source of an API key. `value` is a variable's name, a keyring entry, or empty;
    `command` is an argument list.
    """

    kind: KeySourceKind
    value: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A named server and its settings. It never contains the key itself."""

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
    think_tags: ThinkTags = ThinkTags.AUTO

    @property
    def public_url(self) -> str:
        """The base URL without secrets, to store and show."""
        return public_url(self.base_url)


def host_of(url: str) -> str:
    """The host name of a URL; empty for an invalid URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    return is_loopback_host(host_of(url))


_FILE_HOSTS = ("api.openai.com", ".openai.azure.com", ".azure.com", "openrouter.ai")


def keeps_responses(base_url: str) -> bool:
    """Whether to trust a server that reports a response as stored: OpenAI's and Azure's.
    Gateways forward that field from their upstream and store nothing.
    """
    return host_of(base_url).endswith(("api.openai.com", ".openai.azure.com", ".azure.com"))


def default_api(base_url: str) -> Api:
    """Responses for OpenAI's own hosts, Chat Completions for every other server."""
    return Api.RESPONSES if host_of(base_url) == "api.openai.com" else Api.CHAT


def takes_files(base_url: str, api: Api) -> bool:
    """Whether a server is known to accept PDF files in messages. The Responses API has them; of
    the servers with Chat Completions only some do. An adaptation corrects a wrong guess.
    """
    return api is Api.RESPONSES or host_of(base_url).endswith(_FILE_HOSTS)


def limit_name(base_url: str) -> str:
    """The name of a host's parameter for the limit on output tokens.

    The reasoning models of OpenAI and Azure accept only the new name, most compatible servers
    only the old one. An adaptation corrects a wrong guess.
    """
    host = host_of(base_url)
    is_openai = host == "api.openai.com" or host.endswith((".openai.com", ".azure.com"))
    return "max_completion_tokens" if is_openai else "max_tokens"


@lru_cache(maxsize=64)  # each reply of a branch is compared with it
def public_url(url: str) -> str:
    """The URL without a user name, password, query and fragment, which may be secrets."""
    return without_login(url)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model from the server's list; the context window is in tokens, None when unknown.

    `shutdown_date` is the day on which the server ends the model, as the server wrote it.
    """

    id: str
    owner: str | None = None
    context_window: int | None = None
    shutdown_date: str | None = None


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that was found on this machine."""

    product: str
    base_url: str
    models: tuple[str, ...]
