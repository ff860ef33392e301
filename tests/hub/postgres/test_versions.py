"""Migrations of a PostgreSQL hub: its functions belong to a version as its tables do."""

import hashlib

import pytest

from replyscope.domain.errors import HubTooNew
from replyscope.domain.hub import START
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.schema import FUNCTIONS, VERSIONS
from tests.hub.postgres.conftest import OpenHub
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer
from tests.support.queries import answer

_OLD = """
CREATE OR REPLACE FUNCTION replyscope.drop_words(sessions text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RAISE EXCEPTION 'a function of an old version'; END $$;
"""


def test_a_change_of_a_function_is_a_version_of_its_own() -> None:
    """Else the hubs that exist would keep the old function. Add a script to VERSIONS first."""
    digest = hashlib.sha256(FUNCTIONS.encode()).hexdigest()[:16]
    assert (len(VERSIONS), digest) == (5, "8861f7e12a11abbd")


def test_the_owner_replaces_the_functions_of_an_old_version(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    hub.grant("ben")
    log = Log()
    head = hub.push("laptop", "L", log.turn("one", "Hi", answer("ok")), START)
    with server.connect(database, "founder") as connection:
        connection.execute(_OLD)
        connection.execute("UPDATE replyscope.hub SET version = 2")
    hub.close()
    for role in ("founder", "ben"):
        with pytest.raises(HubTooNew, match="old format"):
            open_hub(role).status()
    with pytest.raises(HubTooNew, match="Its owner can migrate"):
        open_hub("ben").initialise()
    hub.initialise()
    hub.push("laptop", "L", [log.purge("one")], head)
    desk = Log("desk")
    bens = open_hub("ben")
    bens.push("desk", "D", [*desk.turn("two", "Hi", answer("ok")), desk.purge("two")], START)
    assert bens.status().version == hub.status().version == len(VERSIONS)
