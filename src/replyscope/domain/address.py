"""Parses and normalises the base URLs of servers. Pure functions.

`read_base_url` removes quotes, spaces and an API path at the end, and adds a missing scheme
and the missing path of a known server. It rejects an invalid URL with a sentence that shows
no password.
"""

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from replyscope.domain.values import dataclass

_AROUND = " \t\r\n\v\f\"'`<>,;“”‘’«»\u00a0\u00ad\u200b\u200c\u200d\u2060\ufeff"
_NOWHERE = "is not an address that a request can go to"
_HTTP = re.compile(r"(https?)(?::[/\\]*|[/\\]{2,})(?=[^/\\])", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):[/\\]{2}", re.IGNORECASE)
_API_PATH = re.compile(
    r"(?:/(?:chat/completions|completions|responses|embeddings|models)"
    r"|/responses/resp_[^/]*|(?<=/v\d)/chat|(?<=/v\d)/models/.+)$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?|_[\w-]{0,62}|\w[\w-]{0,61}_")
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com")
_AZURE_MODELS = ".services.ai.azure.com"  # its base URL does end in /models
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)", re.IGNORECASE)
_HOME_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")

PATHS = {
    "api.openai.com": "/v1",
    "api.anthropic.com": "/v1",
    "api.cerebras.ai": "/v1",
    "api.cohere.ai": "/compatibility/v1",
    "api.cohere.com": "/compatibility/v1",
    "api.deepinfra.com": "/v1/openai",
    "api.fireworks.ai": "/inference/v1",
    "api.groq.com": "/openai/v1",
    "api.hyperbolic.xyz": "/v1",
    "api.mistral.ai": "/v1",
    "api.moonshot.ai": "/v1",
    "api.moonshot.cn": "/v1",
    "api.novita.ai": "/v3/openai",
    "api.sambanova.ai": "/v1",
    "api.studio.nebius.com": "/v1",
    "api.together.ai": "/v1",
    "api.together.xyz": "/v1",
    "api.x.ai": "/v1",
    "api.z.ai": "/api/paas/v4",
    "ai-gateway.vercel.sh": "/v1",
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "dashscope-intl.aliyuncs.com": "/compatible-mode/v1",
    "generativelanguage.googleapis.com": "/v1beta/openai",
    "integrate.api.nvidia.com": "/v1",
    "models.github.ai": "/inference",
    "openrouter.ai": "/api/v1",
    "router.huggingface.co": "/v1",
}
"""The paths of the OpenAI-compatible APIs of known servers."""
_OLLAMA, _LM_STUDIO = 11434, 1234
_OLLAMAS_OWN = re.compile(r"/api(?:/(?:chat|generate|tags|embed|embeddings))?$", re.IGNORECASE)


class AddressError(ValueError):
    """An invalid base URL. The message is a sentence; `shown` is the URL without passwords."""

    next_step = "Give the complete URL, such as http://127.0.0.1:8080/v1."

    def __init__(self, text: str, why: str) -> None:
        self.shown, self.why = without_login(text), why
        super().__init__(f"The base URL {self.shown!r} {why}.")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A base URL. For an Azure deployment also the API version and the model in its path."""

    base_url: str
    azure_api_version: str | None = None
    model: str | None = None


def read_base_url(text: str, *, is_azure: bool = False) -> BaseUrl:
    """Parse a pasted base URL. `is_azure` means that the settings have an API version.

    Raises AddressError.
    """
    parts = _split(text)
    host, port = _host_of(parts, text), parts.port
    parts = parts._replace(path=_without_api_path(parts.path, host), fragment="")
    deployment = _DEPLOYMENT.match(parts.path)
    query = dict(parse_qsl(parts.query))
    version = query.pop("api-version", None)
    if is_azure or (host.endswith(_AZURE) and deployment is not None and version):
        path = re.sub(r"/openai(?:/v1|/deployments/.*)?$", "", parts.path)
        model = unquote(deployment[1]) if deployment is not None else None
        url = urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))
        return BaseUrl(url, version, model)
    path = _whole_path(host, port, parts.path)
    return BaseUrl(urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")))


def without_login(text: str) -> str:
    """A URL without user name, password and query. In an invalid URL, everything up to the
    last @ is removed.
    """
    shown = re.split(r"[?#]", text, maxsplit=1)[0]
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if is_url:
        netloc = parts.netloc
        return shown.replace(netloc, netloc.rpartition("@")[2], 1)
    scheme = re.match(r"\s*[\"']?([a-z][a-z0-9+.-]*:)?[/\\]*", text, re.IGNORECASE)
    head, at, tail = text.rpartition("@")
    if not at:
        return shown
    start = scheme[0] if scheme is not None and scheme[1] and len(scheme[0]) < len(head) else ""
    is_only_a_user = start.endswith(":")  # me:password@host has no scheme
    return ("" if is_only_a_user else start) + re.split(r"[?#]", tail, maxsplit=1)[0]


def _split(text: str) -> SplitResult:
    """The parts of the text, with a scheme. Raises AddressError."""
    url = text.strip(_AROUND)
    if not url:
        raise AddressError(url, "is empty")
    if any(char.isspace() or not char.isprintable() for char in url):
        raise AddressError(url, "has a space or an invisible character in it")
    while (scheme := _HTTP.match(url)) is not None and _HTTP.match(url, scheme.end()) is not None:
        url = url[scheme.end() :]  # http://https://…
    if scheme is not None:
        url = f"{scheme[1].lower()}://{url[scheme.end() :]}"
    elif (other := _OTHER_SCHEME.match(url)) is not None:
        raise AddressError(url, f"begins with {other[1]}://; it must be http or https")
    else:
        url = url.lstrip(":/\\")
        url = f"{'http' if _is_at_home(url) else 'https'}://{url}"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for an invalid port number
    except ValueError as error:
        raise AddressError(url, f"{_NOWHERE}: its host or port is wrong") from error
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname or "")
    if here is not None:  # the address that servers print when they listen on all interfaces
        port = f":{parts.port}" if parts.port is not None else ""
        parts = parts._replace(netloc=here + port)
    return parts._replace(path=re.sub(r"/{2,}", "/", parts.path))


def _host_of(parts: SplitResult, text: str) -> str:
    host = parts.hostname or ""
    if parts.netloc.rpartition("@")[2].startswith("["):
        is_host = True  # urlsplit has read the address
    else:
        labels = host.removesuffix(".").split(".")
        is_host = all(_LABEL.fullmatch(label) for label in labels) and len(host) < 254
    if not is_host or parts.port == 0:
        raise AddressError(text.strip(_AROUND), f"{_NOWHERE}: it has no valid host")
    return host.removesuffix(".")


def _is_at_home(url: str) -> bool:
    """Whether a URL without a scheme is on this machine or its local network: plain HTTP."""
    host = re.split(r"[/?#]", url, maxsplit=1)[0].rpartition("@")[2]
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return "." not in name or name.lower().endswith(_HOME_SUFFIXES)


def _without_api_path(path: str, host: str) -> str:
    path = path.rstrip("/")
    if host.endswith(_AZURE_MODELS):
        return re.sub(r"/chat/completions$", "", path, flags=re.IGNORECASE)
    while (shorter := _API_PATH.sub("", path).rstrip("/")) != path:
        path = shorter
    return path


def _whole_path(host: str, port: int | None, path: str) -> str:
    """The path, completed when the server is known and the path is the beginning of its own."""
    if port == _OLLAMA and _OLLAMAS_OWN.fullmatch(path):
        path = ""
    if not path and (port == _OLLAMA or (port == _LM_STUDIO and _is_at_home(host))):
        return "/v1"
    whole = "/openai/v1" if host.endswith(_AZURE) else PATHS.get(host, "")
    if f"{whole}/".startswith(f"{path}/") or (path and whole.endswith(path)):
        return whole
    return path
