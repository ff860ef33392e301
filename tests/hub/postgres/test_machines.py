"""Eight machines on one PostgreSQL hub, whose connections are cut: all are equal in the end."""

import asyncio
import random
from pathlib import Path

import pytest

from replyscope.domain.errors import HubError
from replyscope.domain.hub import Hub
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.search import PostgresSearchIndex
from tests.hub.machines import Machine, at
from tests.hub.postgres.conftest import OpenHub
from tests.hub.postgres.test_search import NOW
from tests.support.postgres import PostgresServer
from tests.support.suite import Suite

_MACHINES = 8
_STEPS = 600
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'replyscope' AND datname = %s ORDER BY random() LIMIT 2
"""


class TeamMachine(Machine):
    """A machine whose hub is in a database."""

    opens: OpenHub

    def open_hub(self, _url: str) -> Hub:
        return self.opens()


async def _step(one: Machine, dice: random.Random, written: set[str]) -> None:
    """Chat, change or synchronise."""
    ids = await one.session_ids()
    match dice.randrange(6):
        case 0 | 1 if ids:
            session_id = dice.choice(ids)
            written.add(await one.ask(session_id, f"question {len(written)}"))
        case 0 | 1 | 2:
            session_id = await one.start_session(f"Session of {one.name}")
            written.add(await one.ask(session_id, "the first question"))
        case 3 if ids:
            await one.rename(dice.choice(ids), f"renamed {dice.randrange(100)}")
        case 4 if ids:
            await one.library.tag((dice.choice(ids),), (f"t{dice.randrange(3)}",))
        case _:
            try:
                await one.sync()
            except HubError:
                return  # the connection was cut


@pytest.mark.timeout(600)
async def test_eight_machines_are_equal_in_the_end(
    hub: PostgresHub,
    open_hub: OpenHub,
    server: PostgresServer,
    database: str,
    tmp_path: Path,
    suite: Suite,
) -> None:
    dice = random.Random(suite.seed)
    machines = []
    for number in range(_MACHINES):
        hours = number % 3 - 1
        one = TeamMachine(tmp_path / f"m{number}", f"m{number}-", tmp_path, clock=at(hours))
        one.opens = open_hub
        await one.store.open()
        await one.log.join("postgresql://test", one.new_id(), one.name)
        machines.append(one)
    written: set[str] = set()
    with server.connect() as admin:
        for _ in range(suite.count(_STEPS, least=8)):
            await asyncio.gather(*(_step(one, dice, written) for one in machines))
            if dice.random() < 0.3:
                admin.execute(_CUT, (database,))
    for _ in range(3):
        for one in machines:
            report = await one.sync()
            assert report.faults == ()
    pictures = [one.picture() for one in machines]
    assert all(picture == pictures[0] for picture in pictures[1:])
    replies = [row[0] for row in pictures[0]["messages"] if row[3] == "assistant"]
    assert sorted(replies) == sorted(written)
    reader = HubReader(hub.address, lambda _name: server.password)
    facets = await PostgresSearchIndex(reader).facets(Search(parse_query(""), NOW))
    assert (facets.total, facets.sessions) == (len(written), len(pictures[0]["sessions"]))
    await reader.close()
    for one in machines:
        await one.close()
