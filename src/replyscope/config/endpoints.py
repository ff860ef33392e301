"""Selects the endpoint from the command line, the settings or the environment."""

import os

from replyscope.domain.address import AddressError, read_base_url
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, default_api
from replyscope.domain.errors import SettingsError
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


def named_in_environment() -> Endpoint | None:
    """The endpoint `openai` of the environment; None if neither variable is set.

    Raises SettingsError.
    """
    has_one = os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")
    return environment_endpoint() if has_one else None


def choose_endpoint(
    settings: Settings,
    *,
    base_url: str | None = None,
    provider: str | None = None,
    source: str = "--base-url",
) -> Endpoint | None:
    """The endpoint to start with; None if none is configured, as on a first run.

    Precedence: an explicit URL, a named provider, the provider of the settings, the
    environment, the only provider in the settings. `source` is the option with the URL.
    """
    if base_url is not None:
        given = _endpoint_at("custom", base_url, source)
        return next((e for e in settings.endpoints if e.base_url == given.base_url), given)
    if provider is not None:
        named = settings.endpoint(provider)
        if named is None and provider == "openai":
            named = named_in_environment()
        if named is None:
            names = ", ".join(e.name for e in settings.endpoints) or "none are set"
            raise SettingsError(
                f"There is no provider {provider!r}.", f"The providers are: {names}."
            )
        return named
    if settings.provider is not None:
        return settings.endpoint(settings.provider)
    in_environment = named_in_environment()
    if in_environment is not None:
        return settings.endpoint("openai") or in_environment
    return settings.endpoints[0] if len(settings.endpoints) == 1 else None
