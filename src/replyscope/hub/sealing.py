"""Encrypts the entries of a hub on this machine with age. Implements Sealer.

Ids, kinds and times stay readable for the hub; texts and journals do not. All machines of a
person use one key, which never reaches the hub.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from replyscope.domain.errors import HubLocked
from replyscope.domain.hub import HubEntry
from replyscope.domain.import_faults import DATA_FAULTS

_FIELD = "age"
_LARGEST = 100_000_000


def new_key() -> str:
    """A new secret key. Raises HubLocked without the library."""
    return str(_library().x25519.Identity.generate())


def _library() -> Any:
    try:
        import pyrage  # an optional extra, and only for encrypted hubs
    except ImportError as error:
        raise HubLocked(
            "Encrypting a hub needs the library pyrage, which is not installed.",
            "Install it with `pip install 'replyscope[encrypt]'`, or set encrypt = false in [hub].",
        ) from error
    return pyrage


class AgeSealer:
    """Encrypts and decrypts the bodies of entries. `key` is the secret key of age. Raises
    HubLocked for an invalid key, or without the library.
    """

    def __init__(self, key: str) -> None:
        self._age = _library()
        try:
            self._identity = self._age.x25519.Identity.from_str(key.strip())
        except Exception as error:
            raise HubLocked(
                "The key of the hub is not valid.", "Copy the key file of another machine again."
            ) from error
        self._recipients = [self._identity.to_public()]

    def seal(self, entries: Sequence[HubEntry]) -> tuple[HubEntry, ...]:
        """See Sealer."""
        return tuple(map(self._seal, entries))

    def _seal(self, entry: HubEntry) -> HubEntry:
        packed = self._age.encrypt(zlib.compress(entry.body, 6), self._recipients)
        text = base64.b64encode(packed).decode("ascii")
        return replace(entry, body=json.dumps({_FIELD: text}).encode("ascii"))

    def open(self, entries: Sequence[HubEntry]) -> tuple[HubEntry, ...]:
        """See Sealer."""
        return tuple(map(self._open, entries))

    def _open(self, entry: HubEntry) -> HubEntry:
        try:
            value = json.loads(entry.body)
            if _FIELD not in value:
                return entry  # it was written before encryption was turned on
            plain = self._age.decrypt(base64.b64decode(value[_FIELD]), [self._identity])
            body = zlib.decompressobj().decompress(plain, _LARGEST)
        except (*DATA_FAULTS, zlib.error, self._age.DecryptError) as error:
            raise HubLocked(
                "The hub is encrypted with another key.",
                "Copy the key file of the machine that made the hub: see docs/guide/hub.md.",
            ) from error
        return replace(entry, body=body)
