"""New replies get into the index, and so into the SQL views, without a search."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from replyscope.cli.indexing import index_newest
from replyscope.domain.fact_columns import index_version
from tests.cli.run import run_command
from tests.keeping.archive import add_reply, filled
from tests.support.server import LoopbackServer
from tests.ui.app import make_app, open_chat, until
from tests.ui.test_hub import say

_VIEW = "SELECT text, output_tokens FROM replies"
_DAYS = "SELECT replies, output_tokens FROM usage_by_day"


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_the_views_have_the_figures_of_a_command(server: LoopbackServer, tmp_path: Path) -> None:
    base = ("--base-url", server.base_url, "-m", "m")
    assert run_command(tmp_path, "ask", "hi", *base).returncode == 0
    path = tmp_path / "data" / "sessions.db"
    assert rows(path, _VIEW) == [("Hello world", 7)]
    assert rows(path, _DAYS) == [(1, 7)]


async def test_the_views_have_the_figures_while_the_app_runs(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await say(pilot, "hi")
        path = tmp_path / "sessions.db"
        await until(pilot, lambda: rows(path, _DAYS) == [(1, 7)], "the figures")


@pytest.mark.parametrize("command", [("prompts", "list"), ("local", "list")])
def test_a_command_that_reads_no_sessions_makes_no_file(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    run_command(tmp_path, *command)
    assert not (tmp_path / "data" / "sessions.db").exists()


async def test_an_index_of_another_version_is_left_to_the_next_search(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.index.update()
    for version, is_indexed in (("old", False), (index_version(), True)):
        await wiring.store.database.write(
            lambda c, v=version: c.execute("UPDATE note SET value = ? WHERE name = 'index'", (v,))  # type: ignore[misc]
        )
        reply = await add_reply(wiring, f"said {version[:3]}")
        await index_newest(wiring)
        found = rows(
            wiring.paths.database, f"SELECT text IS NOT NULL FROM replies WHERE id = '{reply}'"
        )
        assert found == [(int(is_indexed),)]
    await wiring.close()


async def test_a_very_long_text_is_left_to_the_next_search(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.index.update()
    text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz ", k=700_000))
    short, long = await add_reply(wiring, "short"), await add_reply(wiring, text)
    for _ in range(2):
        await index_newest(wiring)
    found = rows(wiring.paths.database, "SELECT exchange_id FROM unindexed")
    assert found == [(long,)]
    found = rows(wiring.paths.database, f"SELECT text FROM replies WHERE id = '{short}'")
    assert found == [("short",)]
    await wiring.index.update()
    assert rows(wiring.paths.database, "SELECT count(*) FROM unindexed") == [(0,)]
    await wiring.close()
