"""Keys that a person types before the program has painted anything."""

import sys
from pathlib import Path

import pytest

from tests.support.server import LoopbackServer

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import ProcessTerminal


def test_keys_before_the_first_paint_are_in_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with ProcessTerminal(tmp_path, "--base-url", server.base_url) as terminal:
        terminal.type("early")
        terminal.wait_for("Sessions", "test-model")
        terminal.type(" bird\r")
        terminal.wait_until(lambda: bool(server.requests))
    assert server.requests[0]["messages"][-1]["content"] == "early bird"
