"""The route to a server: the proxy of its requests, and the certificate authorities for TLS.

Only this module reads the environment for it, so that a fault can name its variable.
"""

import os
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.request import getproxies

from replyscope.domain.authorities import (
    authority_faults,
    tls_context,
    trusted_by,
    unused_context,
)
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.proxies import VARIABLES, Proxy, find_proxy, proxy_faults


@dataclass(frozen=True, slots=True)
class Route:
    """The proxy and the TLS context for a server. `trusted_by` names the setting or variable
    with the authorities, None for the system's.
    """

    tls: ssl.SSLContext
    proxy: Proxy | None = None
    trusted_by: str | None = None

    @property
    def through(self) -> str:
        """A phrase that names the proxy; empty for a direct connection."""
        return f" through the proxy {self.proxy.name}" if self.proxy is not None else ""


def find_route(
    endpoint: Endpoint, environment: Mapping[str, str], system: Callable[[], ssl.SSLContext]
) -> Route:
    """The route of an endpoint's requests; `system` builds the TLS context with the system's
    authorities. Reads certificates. Raises RouteFault.
    """
    proxy = find_proxy(endpoint, environment)
    urls = [endpoint.base_url.lower(), *([proxy.url] if proxy is not None else [])]
    if not any(url.startswith("https:") for url in urls):
        return Route(unused_context(), proxy)
    tls = tls_context(endpoint, environment, system)
    return Route(tls, proxy, trusted_by(endpoint, environment))


def environment_faults(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each invalid variable for proxies or certificates."""
    return [*proxy_faults(environment), *authority_faults(environment)]


def system_environment() -> dict[str, str]:
    """The environment; on macOS and Windows with the system's proxies if it has none."""
    environment = dict(os.environ)
    names_one = any(environment.get(n) or environment.get(n.upper()) for n in VARIABLES)
    if sys.platform in ("darwin", "win32") and not names_one:
        named = {f"{scheme}_proxy": url for scheme, url in getproxies().items()}
        environment |= {name: url for name, url in named.items() if name in VARIABLES}
    return environment
