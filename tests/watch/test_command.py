"""`replyscope watch` as a person runs it, with real programs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import openai
import pytest

from replyscope.cli.watch_output import LineWriter
from replyscope.cli.watched_program import program_environment
from tests.cli.run import PROGRAM, environment, run_command, run_program
from tests.support.server import LoopbackServer, reply

Run = Callable[..., subprocess.CompletedProcess[str]]
KEY = "sk-program-0123456789"
ASK = """
import openai, sys
client = openai.OpenAI(max_retries=0)
asked = [{"role": "user", "content": "an unheard-of question"}]
chat = client.chat.completions.create(model="test-model", messages=asked, stream=True)
print("".join(c.choices[0].delta.content or "" for c in chat if c.choices))
sys.exit(int(sys.argv[1]))
"""
ASK_WITHOUT_SDK = """
import json, os, sys, urllib.request
asked = [{"role": "user", "content": "an unheard-of question"}]
body = json.dumps({"model": "test-model", "messages": asked, "stream": True}).encode()
headers = {"Content-Type": "application/json"}
headers["Authorization"] = "Bearer " + os.environ["OPENAI_API_KEY"]
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as reply:
    reply.read()
sys.exit(int(sys.argv[1]))
"""
"""The same without the SDK, whose import takes longer than the rest."""
WAITS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
time.sleep(60)
"""


def watch(
    folder: Path,
    server: LoopbackServer,
    *options: str,
    status: int = 0,
    ask: str = ASK_WITHOUT_SDK,
    run: Run = run_command,
) -> subprocess.CompletedProcess[str]:
    """Watch a program that asks once."""
    program = ["--", sys.executable, "-c", ask, str(status)]
    arguments = ["watch", "--to", server.base_url, *options, *program]
    return run(folder, *arguments, OPENAI_API_KEY=KEY)


def files_with(folder: Path, text: str) -> list[Path]:
    """The files below a folder that contain a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


def test_a_program_is_watched_without_a_change(server: LoopbackServer, tmp_path: Path) -> None:
    done = watch(tmp_path, server, "--json", status=3, ask=ASK, run=run_program)
    assert (done.returncode, done.stdout) == (3, "Hello world\n")
    call = json.loads(done.stderr)
    assert (call["client"]["name"], call["path"]) == ("OpenAI/Python", "/chat/completions")
    assert call["choices"][0]["text"] == "Hello world"
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    shown = run_command(tmp_path, "sessions", "show", call["session_id"])
    assert "Hello world" in shown.stdout
    assert files_with(tmp_path, "an unheard-of question")
    assert files_with(tmp_path, KEY) == []


def test_a_line_says_what_became_of_a_call(server: LoopbackServer, tmp_path: Path) -> None:
    done = watch(tmp_path, server, "--quiet", ask=ASK)
    (line,) = done.stderr.splitlines()
    cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    assert cells[1:6] == ["OpenAI/Python", "test-model", "stop", "5 → 7 tokens", "—"]


def test_a_call_that_matches_fails_the_run(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("cut", finish="length")
    options = ("--quiet", "--fail", "finish:length or has:error")
    done = watch(tmp_path, server, *options)
    assert done.returncode == 1
    assert "1 call matched --fail" in done.stderr
    assert watch(tmp_path, server, *options, status=4).returncode == 4
    server.answer = lambda _request: reply("whole")
    assert watch(tmp_path, server, *options).returncode == 0


def test_private_writes_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    done = watch(tmp_path, server, "--private", "--json")
    assert json.loads(done.stderr)["choices"][0]["text"] == "Hello world"
    assert files_with(tmp_path, "an unheard-of question") == []


def test_with_our_key_the_program_needs_none(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text(
        f'[providers.mine]\nbase_url = "{server.base_url}"\nkey_env = "MINE"\n'
    )
    ours = "sk-ours-9876543210"
    program = ["--", sys.executable, "-c", ASK, "0"]
    done = run_command(tmp_path, "watch", "--to", "mine", "--key", *program, MINE=ours)
    assert done.stdout == "Hello world\n"
    assert server.headers[0]["authorization"] == f"Bearer {ours}"
    assert files_with(tmp_path, ours) == []


def test_a_fault_is_listed_and_found_later(server: LoopbackServer, tmp_path: Path) -> None:
    rule = "finish=length when='unheard model:test*'"
    done = watch(tmp_path, server, "--json", "--fault", rule)
    call = json.loads(done.stderr)
    assert call["fault"] == rule
    assert call["choices"][0]["finish_reason"] == "length"
    shown = run_command(tmp_path, "sessions", "search", "has:finding finish:length", "--json")
    assert "Hello world" in shown.stdout
    stored = run_command(tmp_path, "sessions", "show", call["session_id"], "--json")
    finding = f"replyscope watch applied a fault to this call, which is not the server's: {rule}"
    assert finding in stored.stdout
    done = watch(tmp_path, server, "--quiet", "--fault", "first=1 status=429 retry-after=2")
    assert done.returncode == 1
    assert "fault: first=1 status=429 retry-after=2" in done.stderr


def test_a_new_seed_is_printed(server: LoopbackServer, tmp_path: Path) -> None:
    done = watch(tmp_path, server, "--quiet", "--fault", "p=0.5 slow=9000tok/s")
    assert "The faults are repeated with --seed " in done.stderr


@contextmanager
def watching(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """A running `replyscope watch`, and the URLs that it prints."""
    process = subprocess.Popen(
        [*PROGRAM, "watch", *options],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        urls = []
        while not (line := process.stdout.readline()).startswith("Ctrl+C"):
            assert line, process.communicate()[1]
            urls.append(line.partition(" forwards")[0])
        yield process, urls
    finally:
        process.kill()
        process.communicate()


def models_at(url: str) -> list[str]:
    """The models of a server, as the SDK lists them."""
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        return [model.id for model in client.models.list()]


def test_it_runs_until_it_is_stopped(server: LoopbackServer, tmp_path: Path) -> None:
    with watching(tmp_path, "--to", server.base_url, "--to", "http://127.0.0.1:9/v1") as (
        process,
        urls,
    ):
        assert models_at(urls[0]) == ["test-model"]
        assert urls[1].endswith("/127.0.0.1:9/v1")
        with pytest.raises(openai.InternalServerError, match="can't be reached"):
            models_at(urls[1])
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert ["200" in line or "502" in line for line in output.splitlines()] == [True, True]
    assert "127.0.0.1:9 can't be reached" in errors


def test_elsewhere_it_listens_only_with_a_token(server: LoopbackServer, tmp_path: Path) -> None:
    token = "a-token_of-some-length"
    options = ("--to", server.base_url, "--listen", "127.0.0.1", "--token", token)
    with watching(tmp_path, *options) as (_, urls):
        assert urls[0].endswith(f"/t/{token}/v1")
        assert models_at(urls[0]) == ["test-model"]
        with pytest.raises(openai.AuthenticationError, match="token"):
            models_at(urls[0].replace(token, "another"))
    with watching(tmp_path, *options[:-2]) as (_, urls):  # one is made
        assert models_at(urls[0]) == ["test-model"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_signals_are_passed_on_to_the_program(server: LoopbackServer, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "watch", "--to", server.base_url, "--", sys.executable, "-c", WAITS],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "nobody"), "There is no provider 'nobody'"),
        (("--to", "ftp://x/v1"), "It comes from --to"),
        (("--fail", "cost:dear"), "The query of --fail can't be parsed"),
        (("--fault", "status=200"), "status is not an HTTP status from 400 to 599"),
        (("--fault", "stall=1s when=finish:length"), "finish: can't be used here"),
        (("--seed", "1"), "--seed needs --fault"),
        (("--token", "a-token_of-some-length"), "--token needs --listen"),
        (("--token", "short"), "at least 16"),
        (("--listen", "192.0.2.1"), "can't be used"),
        (("--", "no-such-program-here"), "no-such-program-here can't be started"),
    ],
)
def test_wrong_usage_is_explained(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "watch", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_relay_of_itself_is_refused(tmp_path: Path) -> None:
    with watching(tmp_path) as (_, urls):
        port = urls[0].rpartition(":")[2].removesuffix("/v1")
    done = run_command(tmp_path, "watch", "--port", port, OPENAI_BASE_URL=urls[0])
    assert "is this relay itself" in done.stderr


def test_a_reader_that_stops_does_not_stop_the_calls() -> None:
    far, near = os.pipe()
    stream = os.fdopen(near, "w")
    writer = LineWriter(stream)
    for _ in range(20_000):
        writer.write("x" * 100)  # the pipe and the queue are full long before
    assert writer.dropped > 0
    os.close(far)
    writer.close()
    with suppress(BrokenPipeError):
        stream.close()


def test_the_variables_of_a_program() -> None:
    given: dict[str, Any] = {
        "HTTP_PROXY": "http://proxy",
        "NO_PROXY": "corp",
        "OPENAI_API_KEY": KEY,
    }
    root, other = "http://127.0.0.1:1", "http://127.0.0.1:1/anthropic"
    made = program_environment(given, root, other, needs_no_key=True)
    assert made["OPENAI_BASE_URL"] == made["OPENAI_API_BASE"] == "http://127.0.0.1:1/v1"
    assert made["ANTHROPIC_BASE_URL"] == other
    assert (made["OPENAI_API_KEY"], made["ANTHROPIC_API_KEY"]) == (KEY, "replyscope")
    assert made["NO_PROXY"] == "corp,127.0.0.1,localhost"
    assert "ANTHROPIC_BASE_URL" not in program_environment({}, root, None, needs_no_key=False)
