"""Opens the hub of a URL."""

from collections.abc import Mapping

from replyscope.hub.postgres.address import read_address
from replyscope.hub.postgres.connecting import Password
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.replies import Describe


def open_postgres(
    url: str, password: Password, describe: Describe, environment: Mapping[str, str]
) -> PostgresHub:
    """The hub of a URL; it connects at the first call. Raises SettingsError."""
    return PostgresHub(read_address(url, environment), password, describe)
