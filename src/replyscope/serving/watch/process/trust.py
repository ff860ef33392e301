"""The certificate authorities of an upstream, in a form that another process can use."""

import importlib
import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from replyscope.domain.authorities import Authorities, context_of, unused_context
from replyscope.domain.route import Route


class TrustKind(StrEnum):
    """Where the authorities come from."""

    UNUSED = "unused"
    """Nothing is encrypted."""
    FILES = "files"
    """Files of the settings or the environment."""
    GIVEN = "given"
    """The certificates of the context, or the system's folder without any."""
    NATIVE = "native"
    """The system verifies certificates, on macOS and Windows."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities. `certificates` are in DER, one after another."""

    kind: TrustKind
    authorities: Authorities | None = None
    certificates: bytes = b""
    flags: int = 0

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS context that trusts them. Reads files. Raises RouteFault."""
        if self.kind is TrustKind.UNUSED:
            return unused_context()
        if self.authorities is not None:
            return context_of(self.authorities)
        if self.kind is TrustKind.NATIVE:
            made: ssl.SSLContext = importlib.import_module("truststore").SSLContext(
                ssl.PROTOCOL_TLS_CLIENT
            )
            return made
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags = ssl.VerifyFlags(self.flags)
        folder = ssl.get_default_verify_paths().openssl_capath
        if self.certificates:
            context.load_verify_locations(cadata=self.certificates)
        elif Path(folder).is_dir():
            context.load_verify_locations(capath=folder)
        return context


def trust_of(route: Route, *, is_tls: bool) -> Trust:
    """The authorities of a route. `is_tls` says whether the upstream or its proxy uses TLS."""
    if not is_tls:
        return Trust(TrustKind.UNUSED)
    if route.authorities is not None:
        return Trust(TrustKind.FILES, route.authorities)
    if type(route.tls).__module__.startswith("truststore"):
        return Trust(TrustKind.NATIVE)
    certificates = b"".join(route.tls.get_ca_certs(binary_form=True))
    return Trust(TrustKind.GIVEN, None, certificates, int(route.tls.verify_flags))
