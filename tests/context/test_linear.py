"""The context in the linear chat, by words."""

import sys
from pathlib import Path

import pytest

from tests.support.server import LoopbackServer, reply

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.test_linear import lines, start


def test_the_context_is_read_and_messages_are_left_out_by_number(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first\r")
        terminal.wait_for("finish: stop")
        terminal.type("/leave-out 1\r")
        terminal.wait_for("left out of the next requests.")
        terminal.type("/pin-message 2\r")
        terminal.wait_for("keep it.")
        terminal.type("/context list\r")
        terminal.wait_for("2. reply")
        terminal.type("/context\r")
        terminal.wait_for("shows more.")
        terminal.type("/leave-out 9\r")
        terminal.wait_for("There is no message 9.")
        terminal.type("/context count\r")
        terminal.wait_for("does not count tokens")
        terminal.type("/context sideways\r")
        terminal.wait_for("is unknown")
        terminal.type("second\r")
        terminal.wait_for("reply: reply 2")
        terminal.type("/context curl\r")
        terminal.wait_for("curl http")
        told = lines(terminal)
    assert "1. you, 5 tokens, left out: first" in told
    assert any(line.startswith("2. reply, ") and ", pinned: reply 1" in line for line in told)
    assert any(line.startswith("context: ") for line in told)
    assert [m["content"] for m in server.requests[1]["messages"]] == ["reply 1", "second"]
    assert len(server.requests) == 2


def test_a_summary_begins_a_new_branch(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/compact\r")
        terminal.wait_for("There is nothing to compact yet.")
        terminal.type("first\r")
        terminal.wait_for("reply: reply 1", "finish: stop")
        terminal.type("/compact\r")
        terminal.wait_for("tokens of input? yes / no:")
        terminal.type("yes\r")
        terminal.wait_for("The summary is above.", "Enter to cancel:")
        terminal.type("1\r")
        terminal.wait_for("Compacted.")
        terminal.type("second\r")
        terminal.wait_for("reply: reply 3")
        terminal.type("/cache\r")
        terminal.wait_for("cache: First difference: message 1 (user)")
        terminal.type("/compact server\r")
        terminal.wait_for("Only the Responses API compacts at the server.")
        terminal.type("/previous\r")
        terminal.wait_for("you: Summarise this conversation")
    assert [m["content"] for m in server.requests[2]["messages"]] == [
        "Summary of the conversation so far:\n\nreply 2\n\nsecond"
    ]
