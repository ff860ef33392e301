"""kill -9 while a message is written: what was written a second before is there."""

import random
import sys
import time
from pathlib import Path

import pytest

from replyscope.domain.message import FilePart
from replyscope.domain.session import Draft
from tests.faults.aftermath import look_after
from tests.support.server import LoopbackServer
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

_KEPT_AFTER_S = 1.0
_KEY_S = 0.05
_WORDS = "what stands in these notes and in this paste "


def write_and_kill(folder: Path, dice: random.Random) -> float:
    """Write with a file and a paste, kill in mid-word; how many seconds of typing are lost."""
    folder.mkdir()
    (folder / "notes.txt").write_text("some notes")
    paste = "a line of a paste\n" * dice.randrange(150, 400)
    with LoopbackServer() as server, Terminal(folder, "--base-url", server.base_url) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type(f"/attach {folder / 'notes.txt'}\r")
        terminal.wait_for("notes.txt 10 B")
        terminal.paste(paste)
        terminal.wait_for("pasted-1.txt")
        typed_at: list[float] = []
        for key in _WORDS[: dice.randrange(1, len(_WORDS))]:
            typed_at.append(time.monotonic())
            terminal.type(key)
            until = typed_at[-1] + _KEY_S
            terminal.wait_until(lambda until=until: time.monotonic() >= until)  # type: ignore[misc]
        if dice.random() < 0.5:
            until = time.monotonic() + _KEPT_AFTER_S
            terminal.wait_until(lambda: time.monotonic() >= until)
        killed_at = time.monotonic()
        terminal.kill()
    drafts = [stored.session.whole_draft for stored in look_after(folder).sessions]
    kept = max((draft.text for draft in drafts), key=len, default="")
    assert _WORDS.startswith(kept)
    lost = typed_at[len(kept) :]
    if killed_at - typed_at[0] > _KEPT_AFTER_S:
        files = (FilePart("notes.txt", "some notes"), FilePart("pasted-1.txt", paste))
        assert Draft(kept, files) in drafts
    return killed_at - lost[0] if lost else 0.0


def test_killed_while_a_message_is_written(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/draft")
    count = suite.count(30, least=2)
    lost_s = [write_and_kill(tmp_path / str(number), dice) for number in range(count)]
    assert max(lost_s) < _KEPT_AFTER_S
    suite.say(
        f"{count} kills while a message with a file and a paste was written: every attachment was "
        f"there, and at most the last {round(max(lost_s) * 1000)} ms of typing were lost"
    )
