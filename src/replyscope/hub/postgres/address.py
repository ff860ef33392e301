"""The address of a PostgreSQL hub: a URL without a password, and how its connection is secured.

Invariant: a connection that leaves this machine verifies the server's certificate and name.
"""

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from replyscope.domain.errors import SettingsError
from replyscope.domain.web_address import is_loopback_host
from replyscope.hub.postgres.password_file import find_password_file

SCHEMES = ("postgresql", "postgres")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_PARAMETERS = ("schema", "service", "sslrootcert", "sslcert", "sslkey", "sslcrl")
_EXAMPLE = 'Write it like "postgresql://role@db.example.org/database".'
_MOST_SERVICE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Address:
    """The place of a hub. `parameters` are parameters of libpq, without the password.

    An empty host is a socket of this machine. `password_file` is where libpq looks for a password
    that is not in the keyring.
    """

    host: str
    role: str
    database: str
    schema: str
    parameters: Mapping[str, str]
    password_file: Path | None = None

    @property
    def shown(self) -> str:
        """The place as people read it."""
        where = self.parameters.get("service") or self.host or "this machine"
        return f"{where}/{self.database}" if self.database else where

    @property
    def keyring_name(self) -> str:
        """The entry of the system's keyring that has the password."""
        return f"{self.role}@{self.parameters.get('service') or self.host}"

    def conninfo(self) -> dict[str, str]:
        """The connection parameters of libpq, with TLS unless the server is this machine."""
        given = dict(self.parameters)
        for name, value in (("host", self.host), ("user", self.role), ("dbname", self.database)):
            if value:
                given[name] = value
        if not is_local(self.host):
            given["sslmode"] = "verify-full"
            given.setdefault("sslrootcert", "system")
        return given


def read_address(url: str, environment: Mapping[str, str]) -> Address:
    """The address of a URL. Raises SettingsError; the text never has a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError("The address of the hub is not a URL.", _EXAMPLE) from error
    if parts.scheme not in SCHEMES:
        raise SettingsError("The address of the hub does not begin with postgresql://.", _EXAMPLE)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password is not None or "password" in given:
        raise SettingsError(
            "The address of the hub has a password.",
            "Remove it, and put it into the keyring, a service file or ~/.pgpass.",
        )
    _check_parameters(given)
    schema = given.pop("schema", "replyscope")
    host = unquote(parts.hostname or "")
    if "service" in given:
        host = host or _service_host(given["service"], environment)
    host = host or environment.get("PGHOST", "")
    if port is not None:
        given["port"] = str(port)
    database = unquote(parts.path.removeprefix("/"))
    role, passwords = unquote(parts.username or ""), find_password_file(environment)
    return Address(host, role, database, schema, given, passwords)


def _check_parameters(given: Mapping[str, str]) -> None:
    for name in given:
        if name not in _PARAMETERS:
            raise SettingsError(
                f"The address of the hub has an unknown parameter, {name}.",
                f"It may have {', '.join(_PARAMETERS)}.",
            )
    if not _NAME.fullmatch(given.get("schema", "replyscope")):
        raise SettingsError(
            "The schema in the address of the hub is not a name.",
            "Use up to 41 lower-case letters, digits and _.",
        )


def is_local(host: str) -> bool:
    """Whether a host is this machine: its loopback addresses, or the folder of a socket."""
    hosts = host.split(",")
    return all(not one or one.startswith(("/", "@")) or is_loopback_host(one) for one in hosts)


def _service_host(name: str, environment: Mapping[str, str]) -> str:
    """The host of a service in libpq's service files: it decides whether TLS is needed."""
    home = Path(environment.get("HOME", ""))
    files = [Path(environment.get("PGSERVICEFILE") or home / ".pg_service.conf")]
    if folder := environment.get("PGSYSCONFDIR"):
        files.append(Path(folder) / "pg_service.conf")
    for file in files:
        entry = _read_service(file, name)
        if entry is not None:
            return entry.get("hostaddr") or entry.get("host") or environment.get("PGHOST", "")
    raise SettingsError(
        f"There is no service {name} in {files[0]}.", "Add it, or name the host in the address."
    )


def _read_service(file: Path, name: str) -> Mapping[str, str] | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    try:
        if not file.is_file() or file.stat().st_size > _MOST_SERVICE_BYTES:
            return None
        parser.read_string(file.read_text("utf-8", "replace"))
    except (OSError, configparser.Error) as error:
        raise SettingsError(f"The service file {file} can't be read ({error}).") from error
    return dict(parser[name]) if parser.has_section(name) else None
