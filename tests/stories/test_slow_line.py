"""The screen over a slow terminal, and with Textual's own output: the same in the end."""

import sys
from pathlib import Path

import pytest

from tests.support.server import LoopbackServer, reply

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

_TEXT = [
    f"{n}. **word {n}** `code({n})` 日本語 and e\u0301 in a line that is long enough to wrap\n"
    for n in range(60)
]


def _final_screen(folder: Path, server: LoopbackServer, **more: str) -> tuple[str, int]:
    """The screen after a reply, without what differs between runs, and the bytes for it."""
    folder.mkdir()
    server.answer = lambda _request: reply(*_TEXT)
    with Terminal(folder, "--base-url", server.base_url, size=(100, 30), **more) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("59. word 59", "stop")
        # Page Up, and Page Down twice: the end, though a last row came after Page Up.
        # A cursor that blinks is never quiet for half a second.
        for page in ("\x1b[5~", "\x1b[6~", "\x1b[6~"):
            terminal.settle(0.3)
            terminal.type(page)
        screen = terminal.settle(0.3)
        terminal.type("\x0c")  # draw everything again
        assert terminal.settle(0.3) == screen
        return screen, len(terminal.received)


def test_a_streamed_reply_ends_in_the_screen_that_whole_frames_give(
    server: LoopbackServer, tmp_path: Path
) -> None:
    ours, our_bytes = _final_screen(tmp_path / "a", server)
    whole, whole_bytes = _final_screen(tmp_path / "b", server, REPLYSCOPE_WHOLE_FRAMES="1")
    rows = zip(_conversation(ours), _conversation(whole), strict=True)
    assert [(a, b) for a, b in rows if a != b] == []
    assert our_bytes < whole_bytes / 2


def _conversation(screen: str) -> list[str]:
    """The rows of the conversation. Times in the pane beside it differ."""
    rows = (row.partition("││")[0] for row in screen.split("\n"))
    return [row.rstrip(" ▁▂▃▄▅▆▇█") for row in rows if "tok/s" not in row]


def test_answers_of_the_terminal_are_not_typed_and_none_comes_after_the_end(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with Terminal(tmp_path, "--base-url", server.base_url, size=(100, 30)) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.wait_until(lambda: b"\x1b[5n" in terminal.received)
        for _ in range(terminal.received.count(b"\x1b[5n")):
            terminal.type("\x1b[0n")
        terminal.type("hi")
        screen = terminal.wait_for("│ hi")
        assert "[0n" not in screen
