"""A conversation object of the server gets each message once."""

import json
from pathlib import Path
from typing import Any

from tests.cli.run import run_command
from tests.support.responses import response
from tests.support.server import LoopbackServer


def ask(folder: Path, server: LoopbackServer, *arguments: str) -> dict[str, Any]:
    """The body of a request."""
    base = ("--base-url", server.base_url, "--api", "responses", "-m", "m")
    assert run_command(folder, "ask", *arguments, *base, OPENAI_API_KEY="sk-1").returncode == 0
    body: dict[str, Any] = json.loads(server.bodies[-1])
    return body


def texts(body: dict[str, Any]) -> list[str]:
    """The texts of the messages that were sent by the person."""
    return [item["content"] for item in body["input"] if item.get("role") == "user"]


def test_only_new_messages_are_sent_to_a_conversation_of_the_server(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.routes["POST", "/responses"] = response("Yes.")
    assert texts(ask(tmp_path, server, "before")) == ["before"]
    server.routes["POST", "/responses"] = response("Yes.", conversation={"id": "conv_1"})
    first = ask(tmp_path, server, "one", "--continue", "-P", "conversation=conv_1")
    assert first["conversation"] == "conv_1"
    assert texts(first) == ["before", "one"]
    second = ask(tmp_path, server, "two", "--continue", "--store")
    assert texts(second) == ["two"]
    assert second["conversation"] == "conv_1"
    assert "previous_response_id" not in second
    other = ask(tmp_path, server, "three", "--continue", "-P", "conversation=conv_2")
    assert texts(other) == ["before", "one", "two", "three"]


def test_several_replies_in_a_conversation_of_the_server_are_refused(
    server: LoopbackServer, tmp_path: Path
) -> None:
    base = ("--base-url", server.base_url, "--api", "responses", "-m", "m")
    done = run_command(
        tmp_path, "ask", "hi", *base, "--n", "3", "-P", "conversation=conv_1", OPENAI_API_KEY="sk-1"
    )
    assert done.returncode != 0
    assert "can have only one reply, and n is 3. /n 1 asks for one" in done.stderr
    assert server.bodies == []
    listed = run_command(tmp_path, "sessions", "list", "--json")
    assert json.loads(listed.stdout) == []
