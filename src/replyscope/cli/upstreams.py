"""Chooses the upstreams of `replyscope watch`, with their routes and keys."""

import argparse
import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from replyscope.cli.target import means_local, start_installed, start_local
from replyscope.cli.wiring import Wiring
from replyscope.config.endpoints import choose_endpoint, environment_endpoint
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import SettingsError
from replyscope.domain.mask import secrets_of
from replyscope.domain.model_names import LOCAL
from replyscope.domain.proxies import RouteFault
from replyscope.domain.route import Route, find_route, system_environment
from replyscope.domain.settings import Settings
from replyscope.serving.watch.upstream import Access, Upstream, with_names

_CUSTOM = "custom"
StartLocal = Callable[[argparse.Namespace, Wiring, Settings], Awaitable[Endpoint]]
"""Starts the embedded model."""


async def find_upstreams(
    arguments: argparse.Namespace,
    settings: Settings,
    wiring: Wiring,
    *,
    may_install: bool = True,
) -> list[tuple[Upstream, Endpoint]]:
    """The upstreams of the options, each with its endpoint. An embedded model that the options name
    is installed if needed, with progress on stderr, unless `may_install` is False.

    Raises ReplyscopeError.
    """
    is_named = arguments.local or LOCAL in (arguments.provider, *(arguments.to or ()))
    start = start_local if may_install and is_named else start_installed
    wanted: Sequence[str | None] = arguments.to or [None]
    endpoints = [await _endpoint(arguments, settings, wiring, one, start) for one in wanted]
    is_local = arguments.local or arguments.gguf
    if is_local and arguments.to and not any(one.name == LOCAL for one in endpoints):
        endpoints.append(await start(arguments, wiring, settings))
    return await upstreams_of(endpoints, wiring, uses_key=arguments.key)


async def upstreams_of(
    endpoints: Sequence[Endpoint], wiring: Wiring, *, uses_key: bool
) -> list[tuple[Upstream, Endpoint]]:
    """The upstreams of some endpoints, each with its endpoint under the name of the upstream.

    Raises ReplyscopeError.
    """
    named = [("" if one.name == _CUSTOM else one.name, one.base_url) for one in endpoints]
    return [
        (
            await _upstream(name, one, wiring, uses_key=uses_key or one.name == LOCAL),
            replace(one, name=name),
        )
        for name, one in zip(with_names(named), endpoints, strict=True)
    ]


async def _endpoint(
    arguments: argparse.Namespace,
    settings: Settings,
    wiring: Wiring,
    wanted: str | None,
    start: StartLocal,
) -> Endpoint:
    """The endpoint of a `--to`; without one that of the other options, or the default one."""
    if wanted is None:
        if means_local(arguments, settings) or arguments.local or arguments.gguf:
            return await start(arguments, wiring, settings)
        chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
        return chosen or environment_endpoint()
    if wanted == LOCAL:
        return await start(arguments, wiring, settings)
    if settings.endpoint(wanted) is None and wanted == "openai":
        return environment_endpoint()  # the program may have the key
    is_url = settings.endpoint(wanted) is None and any(mark in wanted for mark in "./:")
    chosen = choose_endpoint(
        settings,
        base_url=wanted if is_url else None,
        provider=None if is_url else wanted,
        source="--to",
    )
    assert chosen is not None  # a name or a URL was given
    return chosen


async def _upstream(name: str, endpoint: Endpoint, wiring: Wiring, *, uses_key: bool) -> Upstream:
    route = await asyncio.to_thread(_route, endpoint)
    secrets = secrets_of(endpoint, route.proxy)
    access = None
    if uses_key:
        key = await wiring.providers.find_key(endpoint)
        secrets += [key] if key is not None else []
        access = Access(key, _own_headers(endpoint), endpoint.azure_api_version is not None)
    return Upstream(name, endpoint.base_url, route, tuple(secrets), access)


def _own_headers(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The headers of the settings, as the SDK sends them."""
    account = (
        ("OpenAI-Organization", endpoint.organization),
        ("OpenAI-Project", endpoint.project),
    )
    return (*endpoint.headers, *((name, value) for name, value in account if value))


def _route(endpoint: Endpoint) -> Route:
    """The route of an endpoint. Blocks: it may load certificates and the HTTP client."""

    def system_context() -> object:
        return importlib.import_module("replyscope.provider.client").system_context()

    try:
        return find_route(endpoint, system_environment(), system_context)  # type: ignore[arg-type]
    except RouteFault as fault:
        raise SettingsError(str(fault), "Correct it, or unset it.") from fault
