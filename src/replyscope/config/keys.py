"""API keys: from the environment, the system's keyring, a command, or memory.

The keyring library and its 69 modules are loaded when a key is in the keyring.
"""

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind
from replyscope.domain.environment import with_absolute_paths
from replyscope.domain.errors import SettingsError
from replyscope.domain.printable import printable_line
from replyscope.domain.secret_shapes import without_keys

_SERVICE = "replyscope"
_COMMAND_TIMEOUT_S = 60
_MOST_OUTPUT = 64 * 1024
_MOST_SAID = 300


class Keys:
    """Resolves API keys, and stores keys that were typed. Implements KeyVault.

    Key commands run in `folder`, which is the folder of the settings: files in the working
    folder must not influence them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, str] = {}

    def hold_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in memory until exit."""
        self._held[endpoint_name] = key.strip()

    def store_key(self, endpoint_name: str, key: str) -> None:
        """Save a key in the system's keyring. Raises SettingsError if there is no keyring."""
        import keyring.errors

        try:
            keyring.set_password(_SERVICE, endpoint_name, key.strip())
        except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
            raise SettingsError(
                "This system has no keyring, so the key was not saved.",
                "Use it for this session only, or set OPENAI_API_KEY.",
            ) from error
        self._held.pop(endpoint_name, None)

    def resolve(self, endpoint: Endpoint) -> str | None:
        """The key of an endpoint, or None if it needs none. Blocks, because a keyring may
        ask for a password. Raises SettingsError.
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
                return _from_command(source, self._folder)


def read_password(entry: str) -> str | None:
    """A password in the system's keyring; None without one, or without a keyring. Blocks."""
    import keyring.errors

    try:
        return keyring.get_password(_SERVICE, entry)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None


def _from_keyring(entry: str) -> str:
    import keyring.errors

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


def _from_command(source: KeySource, folder: Path) -> str:
    """The key that a command prints. Errors quote its stderr, with keys redacted."""
    name = source.command[0]
    try:
        status, output, errors = _run(source.command, folder)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        is_late = isinstance(error, subprocess.TimeoutExpired)
        why = f"it took more than {_COMMAND_TIMEOUT_S} s" if is_late else str(error)
        raise SettingsError(
            f"The key command {name} failed ({why}).", "Run it by hand to see why."
        ) from error
    try:
        key = output.decode("utf-8").strip()
        fault = "" if key else "it printed no key"
        if len(output) > _MOST_OUTPUT:
            fault = f"it printed more than {_MOST_OUTPUT:,} bytes"
    except UnicodeDecodeError:
        key, fault = output.decode("utf-8", "replace"), "its output is not UTF-8 text"
    if status == 0 and not fault:
        return key
    said = errors.decode("utf-8", "replace").strip().splitlines()
    detail = without_keys(said[-1], [key, *key.split()])[:_MOST_SAID] if said else fault
    raise SettingsError(
        f"The key command {name} failed (exit {status}: {printable_line(detail or fault)}).",
        "Run it by hand to see why.",
    )


def _run(command: Sequence[str], folder: Path) -> tuple[int, bytes, bytes]:
    """Exit status, stdout and stderr of a command, each stream up to a limit.

    The command is killed at the limit, and at a timeout.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=with_absolute_paths(os.environ, separator=os.pathsep),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    read: dict[str, bytes] = {}

    def take(name: str, stream: IO[bytes]) -> None:
        with stream:
            read[name] = stream.read(_MOST_OUTPUT + 1)
        if len(read[name]) > _MOST_OUTPUT:
            process.kill()

    pairs = (("output", process.stdout), ("errors", process.stderr))
    # Daemon threads: a background process of the command may hold the pipes open forever.
    readers = [threading.Thread(target=take, args=pair, daemon=True) for pair in pairs]
    for reader in readers:
        reader.start()
    try:
        status = process.wait(_COMMAND_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    for reader in readers:
        reader.join(1.0)
    return status, read.get("output", b""), read.get("errors", b"")
