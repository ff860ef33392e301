"""A program of the openai SDK through `replyscope watch`: seen live, and gone on with by hand."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from replyscope.cli.parser import EXIT_FAULT
from tests.cli.run import run_command
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

_PROGRAM = """
import openai
client = openai.OpenAI(max_retries=0)
asked = [{"role": "user", "content": "Where do the tides come from?"}]
chat = client.chat.completions.create(model="test-model", messages=asked, stream=True)
print("".join(c.choices[0].delta.content or "" for c in chat if c.choices))
"""


def test_a_program_is_seen_live_and_its_call_is_taken_over(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    begun = sse(delta("From the "), done=False)
    rest = sse(delta("Moon.", finish="stop"), usage())
    server.answer = lambda _request: Answer(chunks=[*begun, gate, *rest])
    (tmp_path / "config").mkdir()
    settings = f'provider = "mine"\n[providers.mine]\nbase_url = "{server.base_url}"\n'
    (tmp_path / "config" / "settings.toml").write_text(settings)
    with Terminal(tmp_path, "watch") as terminal:
        screen = terminal.wait_for("Waiting for calls", "OPENAI_BASE_URL")
        found = re.search(r"OPENAI_BASE_URL=(\S+)", screen)
        assert found is not None
        variables = {**os.environ, "OPENAI_BASE_URL": found[1], "OPENAI_API_KEY": "sk-program"}
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], env=variables, stdout=subprocess.PIPE, text=True
        ) as program:
            terminal.wait_for("OpenAI/Python", "1 running", "From the")
            gate.set()
            assert program.communicate()[0] == "From the Moon.\n"
        terminal.wait_for("● stop", "5 → 7", "1 call · following")
        server.answer = lambda _request: reply("And from the Sun.")
        terminal.type("t")
        terminal.wait_for("Taken over", "Where do the tides come from?")
        terminal.type("Only from there?\r")
        terminal.wait_for("And from the Sun.")
    texts = [message["content"] for message in server.requests[-1]["messages"]]
    assert texts == ["Where do the tides come from?", "From the Moon.", "Only from there?"]


@pytest.mark.breaks
def test_calls_are_forwarded_after_the_screen_has_failed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    place = tmp_path / "broken"
    place.mkdir()
    broken = "from textual.app import App\nApp.copy_to_clipboard = None\n"
    (place / "sitecustomize.py").write_text(broken)
    server.answer = lambda _request: reply("From the Moon.")
    arguments = ("watch", "--to", server.base_url)
    with Terminal(tmp_path, *arguments, PYTHONPATH=str(place)) as terminal:
        screen = terminal.wait_for("Waiting for calls", "OPENAI_BASE_URL")
        found = re.search(r"OPENAI_BASE_URL=(\S+)", screen)
        assert found is not None
        terminal.type("y")
        terminal.wait_for("The screen has failed.", "Ctrl+C stops it.")
        variables = {**os.environ, "OPENAI_BASE_URL": found[1], "OPENAI_API_KEY": "sk-program"}
        command = [sys.executable, "-c", _PROGRAM]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.stdout == "From the Moon.\n", done.stderr
        terminal.type("\x03")
        assert terminal.wait_for_end(30.0) == EXIT_FAULT
        terminal.wait_for("replyscope itself failed")
    listed = run_command(tmp_path, "sessions", "search", "source:watch", "--json").stdout
    assert [hit["snippet"] for hit in json.loads(listed)] == ["From the Moon."]
