"""The whole story of the embedded model: real weights, the real engine, a real terminal."""

import json
import re
import sys
from pathlib import Path

import pytest

from replyscope.local.catalogue import LIGHT, find_weights, weights_path
from tests.cli.run import run_program

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal
from tests.support.weights import place_weights


@pytest.fixture
def folder(cached_weights: Path, tmp_path: Path) -> Path:
    place_weights(tmp_path / "data" / "models", cached_weights)
    return tmp_path


_SHARE = re.compile(r"context \d+ · \d+%")


def _endings(screen: str) -> int:
    """How often the screen says how a reply ended: beside each, and in the inspector."""
    return screen.count("● length") + screen.count("● stop")


@pytest.mark.installs
def test_chat_with_the_embedded_model_quit_and_come_back(folder: Path) -> None:
    # This model may babble to the end of its context; a session keeps the limit it was given.
    local = ("--local", "--model", LIGHT)
    begun = run_program(folder, "ask", *local, "--max-tokens", "8", "Say hello.")
    assert begun.returncode == 0, begun.stderr
    with Terminal(folder, *local, "--continue") as terminal:
        terminal.wait_for("Say hello.", f"WRITE  {LIGHT} ·", "provider local", timeout_s=90)
        # The share of the context is known once the model runs, and no dialog takes the keys.
        terminal.wait_until(lambda: _SHARE.search(terminal.screen) is not None, timeout_s=90)
        terminal.type("Say goodbye.\r")
        terminal.wait_until(lambda: _endings(terminal.screen) == 3, timeout_s=90)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    with Terminal(folder, *local, "--continue") as terminal:
        terminal.wait_for("Say goodbye.", "reported by the server", timeout_s=90)


@pytest.mark.installs
def test_ask_the_embedded_model(folder: Path) -> None:
    asked = run_program(
        folder, "ask", "--local", "--model", LIGHT, "--max-tokens", "8", "--json", "Count to three."
    )
    assert asked.returncode in (0, 3), asked.stderr
    (exchange,) = json.loads(asked.stdout)["exchanges"]
    assert exchange["usage"]["output_tokens"] <= 8
    own = weights_path(folder / "data" / "models", find_weights(LIGHT)).rename(folder / "own.gguf")
    again = run_program(folder, "ask", "--gguf", str(own), "--max-tokens", "4", "Hello")
    assert again.stdout.strip(), again.stderr


@pytest.mark.installs
def test_the_app_runs_a_persons_own_weights(folder: Path) -> None:
    own = weights_path(folder / "data" / "models", find_weights(LIGHT)).rename(folder / "own.gguf")
    with Terminal(folder, "--gguf", str(own)) as terminal:
        terminal.wait_for("own · local", timeout_s=90)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    with Terminal(folder, "--gguf", str(folder / "gone.gguf")) as terminal:
        terminal.wait_for("gone.gguf is not a", timeout_s=30)
