"""Which endpoint to use: what the command line says, the settings, or the environment."""

import os
from dataclasses import replace

from replyscope.domain.endpoint import (
    Endpoint,
    KeySource,
    KeySourceKind,
    default_api,
    is_usable_url,
)
from replyscope.domain.errors import SettingsError
from replyscope.domain.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"


def environment_endpoint() -> Endpoint:
    """What OPENAI_API_KEY and OPENAI_BASE_URL describe."""
    base_url = os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    return Endpoint(
        name="openai",
        base_url=base_url,
        api=default_api(base_url),
        key_source=KeySource(KeySourceKind.ENVIRONMENT, "OPENAI_API_KEY"),
    )


def choose_endpoint(
    settings: Settings, *, base_url: str | None = None, provider: str | None = None
) -> Endpoint | None:
    """The endpoint to start with; None when nothing says which, as on a first run.

    An explicit URL wins, then a named provider, then the settings' choice, then the
    environment, then the only provider there is.
    """
    named_url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    if not is_usable_url(named_url):
        raise SettingsError(
            f"{named_url!r} is not an address that a request can go to.",
            "Give the base URL whole, such as http://127.0.0.1:8080/v1.",
        )
    if base_url is not None:
        known = next((e for e in settings.endpoints if e.base_url == base_url), None)
        return known or replace(
            environment_endpoint(), name="custom", base_url=base_url, api=default_api(base_url)
        )
    if provider is not None:
        named = settings.endpoint(provider)
        if named is None:
            names = ", ".join(e.name for e in settings.endpoints) or "none are set"
            raise SettingsError(
                f"There is no provider {provider!r}.", f"The providers are: {names}."
            )
        return named
    if settings.provider is not None:
        return settings.endpoint(settings.provider)
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return settings.endpoint("openai") or environment_endpoint()
    return settings.endpoints[0] if len(settings.endpoints) == 1 else None
