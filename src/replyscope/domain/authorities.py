"""The certificate authorities for TLS: the endpoint's CA bundle, `SSL_CERT_FILE` or
`SSL_CERT_DIR`, or the system's. A fault names the variable or the setting, and the path.
"""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.proxies import RouteFault
from replyscope.domain.system_words import system_words
from replyscope.domain.typed_path import typed_path

_FILE, _FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+", re.IGNORECASE)


def tls_context(
    endpoint: Endpoint, environment: Mapping[str, str], system: Callable[[], ssl.SSLContext]
) -> ssl.SSLContext:
    """The TLS context for an endpoint's connections; `system` builds the context with the
    system's authorities. Reads files. Raises RouteFault.
    """
    source = trusted_by(endpoint, environment)
    if source is not None and endpoint.ca_bundle:
        path = typed_path(endpoint.ca_bundle)
        return _of_folder([path], source) if path.is_dir() else _of_file(path, source)
    if environment.get(_FILE):
        return _of_file(Path(environment[_FILE]), _FILE)
    if environment.get(_FOLDER):
        return _of_folder([Path(p) for p in environment[_FOLDER].split(os.pathsep)], _FOLDER)
    return system()


def trusted_by(endpoint: Endpoint, environment: Mapping[str, str]) -> str | None:
    """The setting or the variable that names the authorities; None for the system's."""
    if endpoint.ca_bundle:
        return f"The ca_bundle of the provider {endpoint.name}"
    return next((name for name in (_FILE, _FOLDER) if environment.get(name)), None)


def unused_context() -> ssl.SSLContext:
    """A context for connections without TLS: it trusts no authority."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def authority_faults(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable without valid certificates, whether it is used or not."""
    faults = []
    for name in (_FILE, _FOLDER):
        if environment.get(name):
            try:
                endpoint = Endpoint("any", "https://any")
                tls_context(endpoint, {name: environment[name]}, unused_context)
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


def _of_folder(paths: list[Path], source: str) -> ssl.SSLContext:
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
