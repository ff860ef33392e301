"""The Python API, and the examples of the guide."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from replyscope import open_archive
from replyscope.api import QueryError, SessionNotFound, StoreError
from replyscope.store.schema import MIGRATIONS, migrate
from tests.cli.run import environment
from tests.docs.tables import ROOT
from tests.keeping.archive import add_reply, filled

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```$",
    (ROOT / "docs" / "guide" / "programs.md").read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)


async def test_an_archive_is_read_while_another_program_has_it_open(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    reply = await add_reply(wiring, "not indexed yet")
    with open_archive(tmp_path / "data") as archive:
        assert len(archive.sessions()) == 5
        (hit,) = archive.search("indexed")
        assert hit.exchange_id == reply
        assert archive.reply(reply).choice(0).text == "not indexed yet"
        assert [one.id for one in archive.replies("not indexed")] == [reply]
        assert len(archive.wire(reply).frames) == 4
        assert archive.usage("finish:stop").total.replies == 4
        (message,) = archive.messages(hit.session_id)
        assert message.sources[0].exchange_id == reply
    await wiring.close()


async def test_deleted_sessions_are_found_only_on_request(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.review.delete(["pictures"])
    await wiring.close()
    with open_archive(tmp_path / "data") as archive:
        assert "pictures" not in {one.id for one in archive.sessions()}
        for read in (archive.reply, archive.wire):
            with pytest.raises(SessionNotFound):
                read("drawing")
        with pytest.raises(SessionNotFound):
            archive.messages("pictures")
        assert [one.id for one in archive.replies("is:deleted")] == ["drawing"]


async def test_a_file_that_can_not_be_written_is_read(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.close()
    with closing(sqlite3.connect(wiring.paths.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with open_archive(tmp_path / "data") as archive:
            assert len(archive.sessions()) == 4


async def test_what_can_not_be_read_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no saved sessions"):
        open_archive(tmp_path / "nowhere")
    (tmp_path / "old").mkdir()
    with closing(sqlite3.connect(tmp_path / "old" / "sessions.db", isolation_level=None)) as old:
        migrate(old, None, MIGRATIONS[:3])
    with pytest.raises(StoreError, match="older replyscope"):
        open_archive(tmp_path / "old")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "sessions.db").write_text("no database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        open_archive(tmp_path / "bad")
    wiring = await filled(tmp_path)
    await wiring.close()
    with open_archive(tmp_path / "data") as archive, pytest.raises(QueryError):
        archive.search("finish:nonsense")


def test_importing_the_package_stays_light() -> None:
    check = "import replyscope, sys; print(*[n for n in sys.modules if 'replyscope' in n])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["replyscope"]


def test_the_guide_has_five_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_guide_run(example: str, tmp_path: Path) -> None:
    async def fill() -> None:
        wiring = await filled(tmp_path)
        await add_reply(wiring, "the sky is blue")
        await wiring.close()

    asyncio.run(fill())
    done = subprocess.run(
        [sys.executable, "-c", example],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
