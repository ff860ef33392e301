"""New endpoints: the endpoint of a URL that a person gives, its key, and its settings entry."""

import asyncio
from typing import Any

from replyscope.domain.address import AddressError, read_base_url
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, default_api, host_of
from replyscope.domain.errors import SettingsError
from replyscope.domain.model_names import LOCAL
from replyscope.domain.ports import KeyVault
from replyscope.domain.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"


def endpoint_at(settings: Settings, text: str, product: str) -> Endpoint:
    """The endpoint of the settings with a URL, or a new one. Raises SettingsError.

    A new endpoint never gets a name that is in use: a key is sent only to the server that
    it was given for.
    """
    try:
        address = read_base_url(text)
    except AddressError as error:
        raise SettingsError(str(error), error.next_step) from error
    url = address.base_url
    known = next((e for e in settings.endpoints if e.base_url == url), None)
    if known is not None:
        return known
    host = "openai" if url == OPENAI_URL else product or host_of(url)
    stem = "-".join("".join(c if c.isalnum() else " " for c in host.lower()).split())
    taken = {LOCAL, *(endpoint.name for endpoint in settings.endpoints)}
    names = (stem or "server", *(f"{stem}-{n}" for n in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    return Endpoint(
        name,
        url,
        default_api(url),
        model=address.model,
        azure_api_version=address.azure_api_version,
    )


async def keep_key(
    keys: KeyVault, name: str, key: str, *, stores: bool
) -> tuple[KeySource, str | None]:
    """Store a key in the keyring; in memory without `stores`, or with a note without a keyring."""
    note = None
    if stores:
        try:
            await asyncio.to_thread(keys.store_key, name, key)
            return KeySource(KeySourceKind.KEYRING, name), None
        except SettingsError:
            note = (
                "This system has no keyring: the key is kept in memory until you leave. "
                "To keep it, set OPENAI_API_KEY or key_env in the settings."
            )
    keys.hold_key(name, key)
    return KeySource(KeySourceKind.GIVEN), note


def entry_of(endpoint: Endpoint) -> dict[tuple[str, ...], Any]:
    """The changes of the settings that add an endpoint, and make it the default."""
    changes: dict[tuple[str, ...], Any] = {
        ("providers", endpoint.name, "base_url"): endpoint.base_url,
        ("provider",): endpoint.name,
    }
    if endpoint.key_source.kind is KeySourceKind.KEYRING:
        changes["providers", endpoint.name, "key_keyring"] = endpoint.key_source.value
    if endpoint.azure_api_version is not None:
        changes["providers", endpoint.name, "model"] = endpoint.model
        changes["providers", endpoint.name, "azure_api_version"] = endpoint.azure_api_version
    return changes
