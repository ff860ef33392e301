"""Files that were made to do harm, or grew beyond all measure: they cost only themselves."""

import asyncio
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.json_items import Broken, JsonItems
from replyscope.domain.shared import Shared
from replyscope.store.sqlite_store import SqliteStore
from tests.follow.test_follower import Rig
from tests.readers.logs import asks, log, says
from tests.readers.test_claude_code import WITH_TOOLS
from tests.sharing.test_importing_files import faults, talk, titles
from tests.support.importing import read_file

A, B = json.dumps(talk("a")), json.dumps(talk("b"))


def items_in(text: str, most: int) -> list[Any]:
    document = JsonItems(io.StringIO(text), most)
    assert document.enter(re.compile(r"\["))
    return [*document]


@pytest.mark.parametrize("end", ["", "\\\\", '\\"'])
def test_an_item_beyond_the_bound_costs_no_other(end: str) -> None:
    text = f'[1, {{"x": "{"y" * 3_000_000}{end}"}}, 2]'
    items = items_in(text, most=1_000_000)
    assert [items[0], items[2]] == [1, 2]
    assert isinstance(items[1], Broken)


def test_an_item_without_an_end_says_that_the_rest_is_lost() -> None:
    one, broken = items_in(f'[1, {{"x": "{"y" * 3_000_000}, 2]', most=1_000_000)
    assert one == 1
    assert "what follows is not read" in broken.why


ODD: dict[str, Any] = {
    "deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a huge number": '{"title": "x", "mapping": ' + "9" * 10_000 + "}",
    "infinite times": json.dumps({**talk("x"), "create_time": float("inf")}),
    "no numbers": json.dumps({**talk("x"), "create_time": float("nan"), "update_time": 10**400}),
    "half a character": json.dumps({**talk("x"), "title": "\ud800"}),
    "controls": json.dumps({**talk("x"), "title": "a\0b\u202ec\x1b[2J"}),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ODD)
def test_an_odd_value_costs_at_most_its_conversation(tmp_path: Path, name: str) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(f"[{A},{ODD[name]},{B}]")
    assert {"a", "b"} <= {*titles(path)}
    assert len(titles(path)) + len(faults(path)) == 3


@pytest.mark.timeout(60)
def test_messages_that_are_their_own_ancestors_end(tmp_path: Path) -> None:
    lines = [asks("u1", "a2", "One"), says("a2", "u1", "m1", "Two", "end_turn")]
    items = [*read_file(log(tmp_path, lines)).items]
    assert all(isinstance(item, Shared) for item in items)
    assert sum(len(item.messages) for item in items if isinstance(item, Shared)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes with names")
@pytest.mark.timeout(60)
def test_pipes_and_folders_in_an_imported_folder_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "conversations-1.json").write_text(f"[{A}]")
    os.mkfifo(tmp_path / "conversations-2.json")
    (tmp_path / "conversations-3.json").mkdir()
    (tmp_path / "conversations-4.json").symlink_to("conversations-2.json")
    (tmp_path / "conversations-5.json").symlink_to("conversations-5.json")
    assert titles(tmp_path) == ["a"]
    assert faults(tmp_path) == []


async def test_two_that_follow_at_once_bring_each_session_once(
    tmp_path: Path, store: SqliteStore
) -> None:
    log(tmp_path, WITH_TOOLS)
    one, two = Rig(store, tmp_path), Rig(store, tmp_path)
    heard = await asyncio.gather(one.look(), two.look())
    assert len(await store.list_sessions()) == 1
    assert sum(len(each) for each in heard) >= 1
    assert one.follower.tally.failed == two.follower.tally.failed == []
