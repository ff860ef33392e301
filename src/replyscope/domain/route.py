"""The route to a server: the proxy of its requests, and the certificate authorities for TLS.

Only this module reads the environment for it, so that a fault can name its variable.
"""

import os
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replyscope.domain.authorities import (
    Authorities,
    authority_faults,
    context_of,
    find_authorities,
    unused_context,
)
from replyscope.domain.proxies import VARIABLES, Proxy, find_proxy, proxy_faults

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Route:
    """The proxy and the TLS context for a server. `authorities` are those of the context, None
    for the system's.
    """

    tls: ssl.SSLContext
    proxy: Proxy | None = None
    authorities: Authorities | None = None

    @property
    def trusted_by(self) -> str | None:
        """The name of the setting or variable with the authorities; None for the system's."""
        return None if self.authorities is None else self.authorities.source

    @property
    def through(self) -> str:
        """A phrase that names the proxy; empty for a direct connection."""
        return f" through the proxy {self.proxy.name}" if self.proxy is not None else ""


def find_route(
    endpoint: "Endpoint", environment: Mapping[str, str], system: Callable[[], ssl.SSLContext]
) -> Route:
    """The route of an endpoint's requests; `system` builds the TLS context with the system's
    authorities. Reads certificates. Raises RouteFault.
    """
    proxy = find_proxy(endpoint, environment)
    urls = [endpoint.base_url.lower(), *([proxy.url] if proxy is not None else [])]
    if not any(url.startswith("https:") for url in urls):
        return Route(unused_context(), proxy)
    authorities = find_authorities(endpoint, environment)
    tls = system() if authorities is None else context_of(authorities)
    return Route(tls, proxy, authorities)


def environment_faults(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each invalid variable for proxies or certificates."""
    return [*proxy_faults(environment), *authority_faults(environment)]


def system_environment() -> dict[str, str]:
    """The environment; on macOS and Windows with the system's proxies if it has none."""
    environment = dict(os.environ)
    names_one = any(environment.get(n) or environment.get(n.upper()) for n in VARIABLES)
    if sys.platform in ("darwin", "win32") and not names_one:
        from urllib.request import getproxies  # loads 25 modules that nothing else needs here

        named = {f"{scheme}_proxy": url for scheme, url in getproxies().items()}
        environment |= {name: url for name, url in named.items() if name in VARIABLES}
    return environment
