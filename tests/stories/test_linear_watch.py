"""`/watch` of the linear chat in a real terminal: the address, calls as they end, and back."""

import re
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.support.server import LoopbackServer, reply

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal
from tests.stories.test_linear import start


def address(terminal: Terminal) -> str:
    """The address that programs get."""
    found = re.findall(r"OPENAI_BASE_URL=(\S+)", terminal.wait_for("OPENAI_BASE_URL="))
    return str(found[-1])


def ask(url: str, text: str) -> None:
    with openai.OpenAI(base_url=url, api_key="sk-program-key", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": text}]
        for _ in client.chat.completions.create(model="m", messages=messages, stream=True):
            pass


def test_calls_are_printed_until_the_person_returns(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("An answer")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/watch\r")
        url = address(terminal)
        terminal.wait_for("Ctrl+C returns to the chat")
        ask(url, "first")
        terminal.wait_for("call:", "m: stop", "5 tokens in, 7 out")
        with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
            client.models.list()
        terminal.wait_for("GET /models: 200")
        refused = httpx2.get(f"{url}/models", headers={"Origin": "http://page.example"})
        assert refused.status_code == 403
        terminal.wait_for("403 GET")
        terminal.type("\x03")
        terminal.wait_until(lambda: terminal.screen.count("you:") == 2)
        ask(url, "second")  # the watch goes on
        terminal.type("hello\r")
        terminal.wait_for("An answer", "tokens:")
        terminal.type("/watch\r")
        terminal.wait_until(lambda: terminal.screen.count("m: stop") == 2)
        terminal.type("\x03")
        terminal.wait_until(lambda: terminal.screen.count("you:") == 4)
        terminal.type("/watch off\r")
        terminal.wait_for("watch: stopped")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{url}/models")
        terminal.type("/watch off\r")
        terminal.wait_for("not running")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
        assert b"\x1b" not in terminal.received


def test_a_watch_that_runs_does_not_hold_up_the_end(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/watch\r")
        address(terminal)
        terminal.wait_for("Ctrl+C returns")
        terminal.type("\x03")
        terminal.wait_until(lambda: terminal.screen.count("you:") == 2)
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
