"""The certificate authorities for TLS: the endpoint's CA bundle, `SSL_CERT_FILE` or
`SSL_CERT_DIR`, or the system's. A fault names the variable or the setting, and the path.
"""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from replyscope.domain.proxies import RouteFault
from replyscope.domain.system_words import system_words
from replyscope.domain.typed_path import typed_path
from replyscope.domain.values import dataclass

if TYPE_CHECKING:  # the process of the relay loads few modules
    from replyscope.domain.endpoint import Endpoint

_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Authorities:
    """The files with the trusted authorities: one file, or folders with files named by hashes.

    `source` is the setting or the variable that names them.
    """

    source: str
    paths: tuple[Path, ...]
    are_folders: bool


def find_authorities(endpoint: "Endpoint", environment: Mapping[str, str]) -> Authorities | None:
    """The authorities for an endpoint's connections; None for the system's."""
    if endpoint.ca_bundle:
        path = typed_path(endpoint.ca_bundle)
        source = f"The ca_bundle of the provider {endpoint.name}"
        return Authorities(source, (path,), path.is_dir())
    for name in (_FILE, _FOLDER):
        if environment.get(name):
            return _named_by(name, environment[name])
    return None


def _named_by(variable: str, value: str) -> Authorities:
    if variable == _FILE:
        return Authorities(variable, (Path(value),), are_folders=False)
    return Authorities(variable, tuple(map(Path, value.split(os.pathsep))), are_folders=True)


def context_of(authorities: Authorities) -> ssl.SSLContext:
    """The TLS context that trusts some authorities. Reads files. Raises RouteFault."""
    if authorities.are_folders:
        return _of_folder(authorities.paths, authorities.source)
    return _of_file(authorities.paths[0], authorities.source)


def unused_context() -> ssl.SSLContext:
    """A context for connections without TLS: it trusts no authority."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def authority_faults(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable without valid certificates, whether it is used or not."""
    faults = []
    for name in (_FILE, _FOLDER):
        if environment.get(name):
            try:
                context_of(_named_by(name, environment[name]))
            except RouteFault as fault:
                faults.append(str(fault))
    return faults


def _of_file(path: Path, source: str) -> ssl.SSLContext:
    named = f"names {str(path)!r}"
    try:
        if not path.exists():
            raise RouteFault(source, f"{named}, and there is no such file")
        if not path.is_file():
            raise RouteFault(source, f"{named}, which is not a regular file")
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        why = f"{named}, which contains no valid certificates"
        raise RouteFault(source, f"{why} ({error.reason or error})") from error
    except (OSError, ValueError) as error:
        raise RouteFault(source, f"{named}, which can't be read ({system_words(error)})") from error


def _of_folder(paths: Sequence[Path], source: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    has_some = False
    for path in paths:
        named = f"names {str(path)!r}"
        try:
            if not path.is_dir():
                is_there = path.exists()
                why = "which is not a folder" if is_there else "and there is no such folder"
                raise RouteFault(source, f"{named}, {why}")
            has_some |= any(map(_HASHED.fullmatch, os.listdir(path)))
            context.load_verify_locations(capath=path)
        except (OSError, ValueError) as error:
            raise RouteFault(
                source, f"{named}, which can't be read ({system_words(error)})"
            ) from error
    if not has_some:
        named = os.pathsep.join(map(str, paths))
        raise RouteFault(
            source, f"names {named!r}, which has no certificates by their hash (c_rehash)"
        )
    return context
