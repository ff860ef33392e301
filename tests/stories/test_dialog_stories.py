"""Dialogs in a real terminal: the opening key and the keys after it in one write."""

import sys
from pathlib import Path

import pytest

from tests.support.server import LoopbackServer
from tests.support.suite import sample

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

F2, F8, F10 = "\x1bOQ", "\x1b[19~", "\x1b[21~"
CTRL_S, CTRL_T = "\x13", "\x14"
OPENINGS = {
    "tools": (F10, "Tools available to the model"),
    "model": (F2, "Choose a model"),
    "parameters": (F8, "Parameters of requests"),
    "theme": (CTRL_T, "Theme"),
    "tools by command": ("/tools\r", "Tools available to the model"),
}


@pytest.mark.parametrize("name", sample(OPENINGS, 3))
def test_text_in_the_same_write_lands_in_the_dialog(
    name: str, server: LoopbackServer, tmp_path: Path
) -> None:
    keys, title = OPENINGS[name]
    with Terminal(tmp_path, "--base-url", server.base_url) as terminal:
        terminal.wait_for("type a message")
        terminal.type(f"{keys}zqx9")
        terminal.wait_for(title, "zqx9")
        terminal.type("\x1b")
        terminal.wait_until(lambda: title not in terminal.screen and "zqx9" not in terminal.screen)
        terminal.wait_for("type a message")
        assert "zqx9" not in terminal.settle()
    assert not server.requests


def test_a_model_and_a_system_prompt_and_a_message_in_one_write(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["alpha", "beta"]
    with Terminal(tmp_path, "--base-url", server.base_url) as terminal:
        terminal.wait_for("type a message")
        terminal.type(f"{F2}bet\r/system\rbe brief{CTRL_S}hello\r")
        terminal.wait_until(lambda: bool(server.requests))
    assert server.requests[0]["model"] == "beta"
    said = [message["content"] for message in server.requests[0]["messages"]]
    assert said == ["be brief", "hello"]
