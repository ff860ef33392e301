"""Where API keys come from: the environment, the system's keyring, a command, or memory."""

import os
import subprocess

import keyring
import keyring.errors

from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind
from replyscope.domain.errors import SettingsError

_SERVICE = "replyscope"
_COMMAND_TIMEOUT_S = 60


class Keys:
    """Resolves keys, and keeps those that a person typed. Implements KeyVault."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def hold_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in memory until exit."""
        self._held[endpoint_name] = key.strip()

    def store_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in the system's keyring. Raises SettingsError when there is none."""
        try:
            keyring.set_password(_SERVICE, endpoint_name, key.strip())
        except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
            raise SettingsError(
                "This system has no keyring to keep the key in.",
                "Use it for this session only, or set OPENAI_API_KEY.",
            ) from error
        self._held.pop(endpoint_name, None)

    def resolve(self, endpoint: Endpoint) -> str | None:
        """The key of an endpoint, None when it needs none. Blocks: a keyring may ask
        for a password. Raises SettingsError.
        """
        source = endpoint.key_source
        match source.kind:
            case KeySourceKind.GIVEN:
                return self._held.get(endpoint.name)
            case KeySourceKind.NONE:
                return None
            case KeySourceKind.ENVIRONMENT:
                return (os.environ.get(source.value) or "").strip() or None
            case KeySourceKind.KEYRING:
                return _from_keyring(source.value)
            case KeySourceKind.COMMAND:
                return _from_command(source)


def _from_keyring(entry: str) -> str:
    try:
        key = keyring.get_password(_SERVICE, entry)
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise SettingsError(
            f"The system's keyring can't be read ({error}).",
            "Unlock it, or use key_env in the settings.",
        ) from error
    if key is None:
        raise SettingsError(
            f"The system's keyring has no key for {entry}.",
            f"Set one with `keyring set {_SERVICE} {entry}`, or enter it in the app.",
        )
    return key


def _from_command(source: KeySource) -> str:
    name = source.command[0]
    try:
        done = subprocess.run(
            source.command,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"The key command {name} failed ({error}).", "Check it.") from error
    key = done.stdout.strip()
    if done.returncode != 0 or not key:
        detail = done.stderr.strip().splitlines()[-1:] or ["it printed no key"]
        raise SettingsError(
            f"The key command {name} failed (exit {done.returncode}: {detail[0]}).",
            "Run it by hand to see why.",
        )
    return key
