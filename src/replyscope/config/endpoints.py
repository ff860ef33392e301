"""Selects the endpoint from the command line, the settings or the environment."""

import os
from dataclasses import replace

from replyscope.domain.address import AddressError, read_base_url
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, default_api
from replyscope.domain.errors import SettingsError
from replyscope.domain.model_names import LOCAL
from replyscope.domain.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"


def environment_endpoint() -> Endpoint:
    """The endpoint of OPENAI_API_KEY and OPENAI_BASE_URL. Raises SettingsError."""
    variable = "OPENAI_BASE_URL"
    return _endpoint_at("openai", os.environ.get(variable) or OPENAI_URL, variable)


def _endpoint_at(name: str, base_url: str, source: str) -> Endpoint:
    try:
        address = read_base_url(base_url)
    except AddressError as error:
        raise SettingsError(f"{error} It comes from {source}.", error.next_step) from error
    return Endpoint(
        name=name,
        base_url=address.base_url,
        api=default_api(address.base_url),
        key_source=KeySource(KeySourceKind.ENVIRONMENT, "OPENAI_API_KEY"),
        model=address.model,
        azure_api_version=address.azure_api_version,
    )


def named_in_environment(settings: Settings) -> Endpoint | None:
    """The endpoint of the environment; None if neither variable is set. Raises SettingsError.

    It is the one of the settings for the same server, if there is one. Its name is `openai`,
    unless the settings have another server of that name.
    """
    if not os.environ.get("OPENAI_BASE_URL"):
        if not os.environ.get("OPENAI_API_KEY"):
            return None
        return settings.endpoint("openai") or environment_endpoint()
    given = environment_endpoint()
    if (known := _at_same_url(settings, given)) is not None:
        return known
    names = (name for name in ("openai", "environment") if settings.endpoint(name) is None)
    return replace(given, name=next(names, "custom"))


def chooses_local(
    settings: Settings, *, base_url: str | None = None, provider: str | None = None
) -> bool:
    """Whether the options, or else the settings, choose the embedded model."""
    if base_url is not None or provider is not None:
        return base_url is None and provider == LOCAL
    return settings.provider == LOCAL and not os.environ.get("OPENAI_BASE_URL")


def _at_same_url(settings: Settings, given: Endpoint) -> Endpoint | None:
    return next((e for e in settings.endpoints if e.base_url == given.base_url), None)


def choose_endpoint(
    settings: Settings,
    *,
    base_url: str | None = None,
    provider: str | None = None,
    source: str = "--base-url",
) -> Endpoint | None:
    """The endpoint to start with; None if none is configured, as on a first run.

    Precedence: an explicit URL, a named provider, OPENAI_BASE_URL, the provider of the settings,
    OPENAI_API_KEY, the only provider in the settings. A key alone names no server: many have one
    in every terminal, so it does not replace a choice. `source` is the option with the URL.
    """
    if base_url is not None:
        given = _endpoint_at("custom", base_url, source)
        return _at_same_url(settings, given) or given
    if provider is not None:
        return _endpoint_named(settings, provider)
    in_environment = named_in_environment(settings)
    if settings.provider is not None and not os.environ.get("OPENAI_BASE_URL"):
        named = settings.endpoint(settings.provider)
        return in_environment if named is None and settings.provider == "openai" else named
    if in_environment is not None:
        return in_environment
    return settings.endpoints[0] if len(settings.endpoints) == 1 else None


def _endpoint_named(settings: Settings, name: str) -> Endpoint:
    """The endpoint of the settings or of the environment. Raises SettingsError."""
    if (named := settings.endpoint(name)) is not None:
        return named
    in_environment = named_in_environment(settings)
    if in_environment is not None and in_environment.name == name:
        return in_environment
    known = (*settings.endpoints, *([in_environment] if in_environment is not None else []))
    names = ", ".join(dict.fromkeys(e.name for e in known)) or "none are set"
    raise SettingsError(f"There is no provider {name!r}.", f"The providers are: {names}.")
