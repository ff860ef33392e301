"""Searching, counting and serving saved replies from the command line."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.cli.run import PROGRAM, environment, run_command
from tests.cli.test_commands import ask
from tests.cli.test_sharing import sessions
from tests.support.responses import response
from tests.support.server import LoopbackServer, reply


def test_stats_count_what_was_asked(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("One.")
    ask(tmp_path, server, "first")
    server.answer = lambda _request: reply("Two.", finish="length")
    ask(tmp_path, server, "second")
    done = run_command(tmp_path, "stats", "--json")
    stats = json.loads(done.stdout)
    assert stats["total"]["replies"] == 2
    assert stats["total"]["output_tokens"] == 14
    assert stats["total"]["without_cost"] == 2
    assert {row["name"]: row["replies"] for row in stats["finish_reasons"]} == {
        "stop": 1,
        "length": 1,
    }
    only = json.loads(run_command(tmp_path, "stats", "finish:length", "--json").stdout)
    assert only["total"]["replies"] == 1
    assert "test-model" in run_command(tmp_path, "stats").stdout


def test_one_thing_is_counted_in_the_singular(server: LoopbackServer, tmp_path: Path) -> None:
    session_id = json.loads(ask(tmp_path, server, "hi", "--json").stdout)["session_id"]
    assert run_command(tmp_path, "stats").stdout.startswith("1 reply, 0 errors, ")
    doctor = run_command(tmp_path, "doctor", "--base-url", server.base_url).stdout
    assert "/sessions.db: 1 session, " in doctor.replace("\\", "/")
    assert f"{server.base_url}: 1 model in " in doctor
    assert "rebuilt from 1 reply\n" in run_command(tmp_path, "doctor", "--repair").stdout
    sessions(tmp_path, "delete", session_id)
    refused = run_command(tmp_path, "sessions", "purge").stderr
    assert refused == "Nothing was purged. --yes permanently removes 1 session.\n"
    assert sessions(tmp_path, "purge", "--yes") == "Permanently removed 1 session with 1 reply.\n"


def test_pinned_sessions_are_listed_first_and_marked(
    server: LoopbackServer, tmp_path: Path
) -> None:
    old, new = (
        json.loads(ask(tmp_path, server, prompt, "--json").stdout)["session_id"]
        for prompt in ("old", "new")
    )
    assert [line[:12] for line in sessions(tmp_path, "list").splitlines()] == [new, old]
    sessions(tmp_path, "pin", old)
    first, second = sessions(tmp_path, "list").splitlines()
    assert (first.split()[0], first.endswith("  [pinned] old")) == (old, True)
    assert (second.split()[0], "[pinned]" in second) == (new, False)
    listed = json.loads(sessions(tmp_path, "list", "--json"))
    assert [(s["id"], s["is_pinned"]) for s in listed] == [(old, True), (new, False)]
    sessions(tmp_path, "unpin", old)
    assert sessions(tmp_path, "list").splitlines()[0].split()[0] == new


def test_a_query_that_can_t_be_read_names_the_place(tmp_path: Path) -> None:
    done = run_command(tmp_path, "sessions", "search", "ok tokens:many")
    assert done.returncode == 2
    assert "ok ▸tokens:many" in done.stderr


def test_order_from_the_command_line(server: LoopbackServer, tmp_path: Path) -> None:
    first = json.loads(ask(tmp_path, server, "first", "--json").stdout)["session_id"]
    second = json.loads(ask(tmp_path, server, "second", "--json").stdout)["session_id"]
    sessions(tmp_path, "tag", first, second, "--add", "old", "--add", "work")
    sessions(tmp_path, "rename-tag", "old", "work")
    assert json.loads(sessions(tmp_path, "tags", "--json")) == [{"tag": "work", "sessions": 2}]
    sessions(tmp_path, "archive", first)
    assert [s["id"] for s in json.loads(sessions(tmp_path, "list", "--json"))] == [second]
    archived = json.loads(sessions(tmp_path, "list", "--archived", "--json"))
    assert [(s["id"], s["is_archived"]) for s in archived] == [(first, True)]
    sessions(tmp_path, "delete", first, second)
    assert sessions(tmp_path, "list", "--deleted").count("\n") == 2
    refused = run_command(tmp_path, "sessions", "purge")
    assert refused.returncode == 4
    assert "--yes permanently removes 2 sessions." in refused.stderr
    done = json.loads(sessions(tmp_path, "purge", "--yes", "--json"))
    assert (done["sessions"], done["exchanges"], done["is_pending"]) == (2, 2, False)
    assert json.loads(sessions(tmp_path, "search", "is:deleted", "--json")) == []


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """The base URL of a `replyscope mock`."""
    process = subprocess.Popen(
        [*PROGRAM, "mock", *arguments],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split(" ", 1)[0]
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_program_gets_the_reply_that_was_once_recorded(
    server: LoopbackServer, tmp_path: Path, api: str
) -> None:
    chosen = reply("Recorded ", "words.") if api == "chat" else response("Recorded ", "words.")
    server.answer = lambda _request: chosen
    done = ask(tmp_path, server, "Say it", "--json", "--api", api)
    session_id = json.loads(done.stdout)["session_id"]
    with serving(tmp_path, session_id, "--speed", "0") as base_url:
        client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
        stream: Any
        if api == "chat":
            messages: Any = [{"role": "user", "content": "Say it"}]
            stream = client.chat.completions.create(model="any", messages=messages, stream=True)
            said = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
        else:
            stream = client.responses.create(model="any", input="Say it", stream=True)
            said = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        assert said == "Recorded words."
        assert [model.id for model in client.models.list()] == ["test-model"]
        with pytest.raises(openai.NotFoundError, match="Nothing was recorded"):
            client.embeddings.create(model="any", input="x")
        client.close()


def test_a_mock_of_nothing_says_so(tmp_path: Path) -> None:
    done = run_command(tmp_path, "mock", "nothing-like-it")
    assert done.returncode == 2
    assert "No recorded exchange" in done.stderr


def test_a_mock_on_a_port_that_is_taken_says_so(server: LoopbackServer, tmp_path: Path) -> None:
    done = json.loads(ask(tmp_path, server, "Say it", "--json").stdout)
    port = server.base_url.rpartition(":")[2].removesuffix("/v1")
    refused = run_command(tmp_path, "mock", done["session_id"], "--port", port)
    assert refused.returncode == 2
    assert f"Port {port} can't be used" in refused.stderr
    assert "--port" in refused.stderr
