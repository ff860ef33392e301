"""The command line as other programs rely on it, run as a process of its own."""

import json
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli import parser
from replyscope.domain.query_fields import FIELDS, Flags
from tests.cli.run import PROGRAM, environment, run_command
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.support.suite import sample

KEY = "sk-planted-key-987654"


def ask(folder: Path, server: LoopbackServer, *arguments: str, stdin: str | None = None) -> Any:
    return run_command(
        folder,
        "ask",
        *arguments,
        "--base-url",
        server.base_url,
        stdin=stdin,
        OPENAI_API_KEY=KEY,
    )


def test_the_answer_goes_to_stdout_and_nothing_else(server: LoopbackServer, tmp_path: Path) -> None:
    done = ask(tmp_path, server, "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello world\n", "")
    assert server.requests[0]["model"] == "test-model"


def test_json_is_the_promised_object_and_the_session_can_be_continued(
    server: LoopbackServer, tmp_path: Path
) -> None:
    first = json.loads(ask(tmp_path, server, "one", "--json", "--system", "Be brief.").stdout)
    (exchange,) = first["exchanges"]
    assert exchange["state"] == "completed"
    assert exchange["choices"][0]["text"] == "Hello world"
    assert exchange["choices"][0]["finish_reason"] == "stop"
    assert exchange["usage"]["total_tokens"] == 12
    assert exchange["timing"]["duration_ms"] > 0
    second = ask(tmp_path, server, "two", "--session", first["session_id"][:6])
    assert second.returncode == 0
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    third = ask(tmp_path, server, "three", "--continue", "--max-tokens", "9")
    assert third.returncode == 0
    assert len(server.requests[2]["messages"]) == 6
    assert server.requests[2]["max_tokens"] == 9


def test_prompts_come_from_pipes(server: LoopbackServer, tmp_path: Path) -> None:
    assert ask(tmp_path, server, "-", stdin="from stdin").returncode == 0
    assert ask(tmp_path, server, "explain", stdin="the text").returncode == 0
    said = [request["messages"][0]["content"] for request in server.requests]
    assert said == ["from stdin", "explain\n\nthe text"]


def test_a_prompt_may_come_from_a_pipe_alone(server: LoopbackServer, tmp_path: Path) -> None:
    assert ask(tmp_path, server, stdin="only this").returncode == 0
    assert server.requests[0]["messages"][0]["content"] == "only this"


def test_bytes_that_are_no_text_are_refused_with_a_sentence(
    server: LoopbackServer, tmp_path: Path
) -> None:
    for arguments, stdin in ([], b"\xff\xfe\x00binary"), ([b"pr\xff\xfempt"], b""):
        done = subprocess.run(
            [*PROGRAM, "ask", *arguments, "--base-url", server.base_url],
            env=environment(tmp_path, OPENAI_API_KEY=KEY),
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert b"not text" in done.stderr
        assert b"Traceback" not in done.stderr
    assert server.requests == []


def in_shell(folder: Path, server: LoopbackServer, line: str) -> "subprocess.CompletedProcess[str]":
    program = " ".join(shlex.quote(word) for word in PROGRAM)
    return subprocess.run(
        ["bash", "-c", line.replace("REPLYSCOPE", program)],
        env=environment(folder, OPENAI_API_KEY=KEY, URL=server.base_url),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("REPLYSCOPE ask --base-url $URL <&-", 2, "There is no prompt"),
        ("REPLYSCOPE ask --base-url $URL hi >&-", 0, ""),
        ("REPLYSCOPE ask --base-url $URL hi >/dev/full", 2, "can't be printed"),
        ("REPLYSCOPE sessions tags --json >/dev/full", 2, "no space left"),
        ("REPLYSCOPE ask --base-url http://127.0.0.1:99999/v1 -m m hi", 2, "not an address"),
        ('REPLYSCOPE ask --base-url "$URL x" -m m hi', 2, "has a space"),
        ("REPLYSCOPE ask --base-url \"$URL\"$'\\n' -m m hi", 0, ""),
    ],
)
def test_odd_shells_get_a_sentence_not_a_traceback(
    server: LoopbackServer, tmp_path: Path, line: str, status: int, words: str
) -> None:
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = in_shell(tmp_path, server, line)
    assert "Traceback" not in done.stderr
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr


READERS = (
    ("| true", "2>&1"),
    ("| true", ""),
    ("| head -1", ""),
    ("| head -1", "2>&1"),
    (">/dev/full", ""),  # with 2>&1 it would hide the status
)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's pipes")
@pytest.mark.parametrize(("reader", "streams"), sample(READERS, 3))
def test_a_reply_that_cannot_be_printed_is_read_to_its_end_and_rules_act(
    server: LoopbackServer, tmp_path: Path, reader: str, streams: str
) -> None:
    if reader.endswith("full") and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "config").mkdir()
    made = tmp_path / "made"
    script = f"open({str(made)!r}, 'w').write(__import__('sys').stdin.read())"
    command = json.dumps([sys.executable, "-c", script])
    (tmp_path / "config" / "settings.toml").write_text(
        f"[[rule]]\nwhen = 'sentence'\ndo = 'run'\ncommand = {command}\n"
    )
    # The first answer of status 503 puts a notice on stderr while the reply is awaited.
    answers = iter([error(503, "busy"), reply(*(f"sentence {n}\n" for n in range(2_000)))])
    server.answer = lambda _request: next(answers)
    done = in_shell(
        tmp_path,
        server,
        f"(REPLYSCOPE ask --base-url $URL hi {streams}; echo $? >status) {reader}".replace(
            "status", str(tmp_path / "status")
        ),
    )
    assert "Traceback" not in done.stderr
    assert (tmp_path / "status").read_text() == ("2\n" if "full" in reader else "130\n")
    (session,) = json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)
    assert session["state"] == "completed"
    assert json.loads(made.read_text())["choices"][0]["text"].endswith("sentence 1999\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
def test_a_closed_stderr_puts_no_message_on_stdout(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("cut", finish="length")
    assert in_shell(tmp_path, server, "REPLYSCOPE ask --base-url $URL hi 2>&-").stdout == "cut\n"


def test_a_list_can_be_cut_short(server: LoopbackServer, tmp_path: Path) -> None:
    for number in range(3):
        ask(tmp_path, server, f"question {number} " + "x" * 40)
    done = in_shell(tmp_path, server, "REPLYSCOPE sessions list --json | true")
    assert done.stderr == ""


def test_a_refusal_is_printed_whatever_ended_it(server: LoopbackServer, tmp_path: Path) -> None:
    chunks = sse(delta(refusal="I refuse"), delta(finish="content_filter"))
    server.answer = lambda _request: Answer(chunks=chunks)
    done = ask(tmp_path, server, "hi")
    assert "I refuse" in done.stderr


def test_nothing_is_saved_when_asked_so(server: LoopbackServer, tmp_path: Path) -> None:
    done = ask(tmp_path, server, "hi", "--no-save", "--json")
    assert json.loads(done.stdout)["session_id"] is None
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (reply("cut", finish="length"), 0, "length"),
        (reply("cut", finish="content_filter"), 0, "content_filter"),
        (error(401, f"Incorrect API key provided: {KEY}"), 3, "rejected the API key"),
        (error(404, "no such model"), 3, "no such model"),
        (Answer(chunks=sse(delta("half"), done=False), cut=True), 3, "truncated"),
        (Answer(200, "text/html", [b"<html><title>Hi</title>"]), 3, "an HTML page"),
        (Answer(chunks=sse(delta(refusal="No."), delta(finish="stop"))), 4, "declined"),
    ],
)
def test_exit_status_and_warning_tell_how_it_ended(
    server: LoopbackServer, tmp_path: Path, answer: Answer, status: int, words: str
) -> None:
    server.answer = lambda _request: answer
    done = ask(tmp_path, server, "hi", "--model", "test-model")
    assert done.returncode == status
    assert words in done.stderr
    assert KEY not in done.stderr


def test_what_came_before_a_cut_is_printed_and_saved(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: Answer(chunks=sse(delta("half"), done=False), cut=True)
    assert ask(tmp_path, server, "hi").stdout == "half\n"
    (session,) = json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)
    assert session["state"] == "truncated"
    shown = run_command(tmp_path, "sessions", "show", session["id"]).stdout
    assert "half" in shown
    assert "truncated" in shown


def test_text_is_printed_as_it_comes(server: LoopbackServer, tmp_path: Path) -> None:
    gate = threading.Event()
    rest = sse(delta(" last"), delta(finish="stop"))
    server.answer = lambda _request: Answer(chunks=[sse(delta("first"))[0], gate, *rest])
    command = [*PROGRAM, "ask", "hi", "--base-url", server.base_url]
    with subprocess.Popen(
        command,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == "first"
        gate.set()
        assert process.stdout.read() == " last\n"
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_what_came(
    server: LoopbackServer, tmp_path: Path, number: signal.Signals
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[sse(delta("first"))[0], gate])
    command = [*PROGRAM, "ask", "hi", "--base-url", server.base_url]
    with subprocess.Popen(
        command,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(5)
        process.send_signal(number)
        assert process.wait(10) == 130
    gate.set()
    (session,) = json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)
    assert session["state"] == "cancelled"


def test_sessions_are_shown_deleted_and_restored(server: LoopbackServer, tmp_path: Path) -> None:
    session_id = json.loads(ask(tmp_path, server, "hi", "--json").stdout)["session_id"]
    shown = json.loads(run_command(tmp_path, "sessions", "show", session_id, "--json").stdout)
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant"]
    assert shown["messages"][1]["parts"] == [{"type": "text", "text": "Hello world"}]
    assert shown["exchanges"][0]["choices"][0]["finish_reason"] == "stop"
    assert shown["created_at"].endswith("Z")
    assert run_command(tmp_path, "sessions", "delete", session_id).returncode == 0
    assert json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout) == []
    assert run_command(tmp_path, "sessions", "restore", session_id).returncode == 0
    assert len(json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)) == 1


def test_help_names_every_exit_status_and_what_it_means(tmp_path: Path) -> None:
    named = [value for name, value in vars(parser).items() if name.startswith("EXIT_")]
    statuses = {value for value in named if isinstance(value, int)}
    for arguments in (["--help"], ["ask", "--help"]):
        shown = run_command(tmp_path, *arguments).stdout.partition("exit status:\n")[2]
        assert {int(line.split()[0]) for line in shown.splitlines()} == statuses
        assert "a tool call waits" in shown


def test_the_help_of_the_search_names_every_field_and_every_test(tmp_path: Path) -> None:
    shown = run_command(tmp_path, "sessions", "search", "--help").stdout.split()
    terms = [f"{name}:" for name, field in FIELDS.items() if not isinstance(field.type, Flags)]
    tests = [f"{name}:{value}" for name in ("is", "has") for value in FIELDS[name].choices]
    assert "is:toolfailed" in tests
    assert set(terms + tests) <= set(shown)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (["--model", "demo-large"], ("no embedded model 'demo-large'", "--provider")),
        ([], ("smollm2-135m is not installed", "replyscope local install smollm2-135m")),
    ],
)
def test_a_saved_choice_of_the_embedded_model_downloads_nothing(
    tmp_path: Path, model: list[str], words: tuple[str, ...]
) -> None:
    (tmp_path / "config").mkdir()
    saved = 'provider = "local"\nlocal_model = "smollm2-135m"\n'
    (tmp_path / "config" / "settings.toml").write_text(saved)
    for command in (["ask", "hi", *model], ["watch", "--port", "0", *model, "--", "true"]):
        done = run_command(tmp_path, *command)
        assert done.returncode == 2, command
        assert all(word in done.stderr for word in words), done.stderr
    assert not list(tmp_path.rglob("*.gguf"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", ""], "The prompt is empty"),
        (["ask", "hi"], "No provider is set"),
        (["ask", "hi", "--max-tokens", "0"], "between 1 and 10,000,000"),
        (["ask", "hi", "--temperature", "9"], "between 0 and 2"),
        (["sessions", "show", "nope"], "No session 'nope'"),
        (["ask", "hi", "--local", "--model", "nope"], "no embedded model 'nope'"),
        (["ask", "hi", "--gguf", "/nowhere.gguf"], "is not a file"),
        ([], "needs a terminal"),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run_command(tmp_path, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_openai_without_a_key_is_explained(tmp_path: Path) -> None:
    done = run_command(tmp_path, "ask", "hi", "--base-url", "https://api.openai.com/v1")
    assert done.returncode == 2
    assert "OPENAI_API_KEY is not set" in done.stderr


def test_a_broken_settings_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("theme = 'x'\nnope = 1\n")
    done = run_command(tmp_path, "ask", "hi")
    assert done.returncode == 2
    assert "settings.toml:2: nope is not a setting; allowed:" in done.stderr


def test_a_damaged_store_is_left_alone(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "sessions.db"
    database.write_bytes(b"garbage" * 1_000)
    done = ask(tmp_path, server, "hi")
    assert done.returncode == 5
    assert "damaged" in done.stderr
    assert database.read_bytes() == b"garbage" * 1_000
    assert server.requests == []


def test_a_data_folder_that_cannot_be_made_is_said_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("a file")
    assert ask(tmp_path, server, "hi").returncode == 5


def test_the_index_of_replies_is_listed_and_deleting_asks(
    server: LoopbackServer, tmp_path: Path
) -> None:
    ask(tmp_path, server, "hi")
    listed = json.loads(run_command(tmp_path, "responses", "list", "--json").stdout)
    assert listed == []  # Chat Completions stores no replies, unless the server says so
    command = ("responses", "delete", "chatcmpl-1", "--base-url", server.base_url)
    refused = run_command(tmp_path, *command)
    assert (refused.returncode, server.paths[1:]) == (4, [])
    failed = run_command(tmp_path, *command, "--yes")
    assert failed.returncode == 3
    assert "not supported by this server" in failed.stderr


def test_doctor_says_what_answers(server: LoopbackServer, tmp_path: Path) -> None:
    done = run_command(tmp_path, "doctor", "--base-url", server.base_url, OPENAI_API_KEY=KEY)
    assert done.returncode == 0
    assert "1 model in" in done.stdout
    assert KEY not in done.stdout
    dead = run_command(tmp_path, "doctor", "--base-url", "http://127.0.0.1:9/v1")
    assert dead.returncode == 3
    assert "FAILED" in dead.stdout


def test_the_probe_judges_a_server_by_its_answers(server: LoopbackServer, tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        if request.get("max_tokens") == 16:
            return reply("one two three", finish="stop")
        if "response_format" in request:
            return error(400, "no schemas here")
        return reply("Hello.")

    server.answer = answer
    done = run_command(tmp_path, "doctor", "--probe", "--base-url", server.base_url, "-m", "m")
    rows = done.stdout.splitlines()
    assert done.returncode == 3
    assert any("a short reply: stop in" in row for row in rows)
    assert any("finish reason stop instead of length" in row for row in rows)
    assert any(row.startswith("failed") and "no schemas here" in row for row in rows)
    assert any("1 of 2 choices received" in row for row in rows)
    assert run_command(tmp_path, "sessions", "list", "--json").stdout.strip() == "[]"


def test_the_probe_names_each_quirk_with_the_probes_that_met_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    piece = {"id": "c1", "type": "function", "function": {"name": "get_word", "arguments": "{}"}}

    def answer(request: dict[str, Any]) -> Answer:
        if any(message["role"] == "tool" for message in request["messages"]):
            return reply("It is blue.")
        if "tools" in request:
            return Answer(chunks=sse(delta(tool_calls=[piece]), delta(finish="stop"), usage()))
        return Answer(chunks=sse(delta(reasoning_content="Hm."), delta("Hi", finish="STOP")))

    server.answer = answer
    done = run_command(tmp_path, "doctor", "--probe", "--base-url", server.base_url, "-m", "m")
    named = [row.removeprefix("quirk").strip() for row in done.stdout.splitlines()]
    assert "a piece of a tool call has no index (a tool call)" in named
    assert "choice 0 has the finish reason stop, but also tool calls (a tool call)" in named
    for quirk in ("the reasoning comes as reasoning_content", "the server reported no usage"):
        assert any(row.startswith(f"{quirk} (a short reply, a system prompt, ") for row in named)
    assert any("the result sent back: stop in" in row for row in named)
    sent = server.requests[-1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[-1]["content"] == "blue"


def test_no_key_is_written_anywhere(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: error(401, f"Incorrect API key provided: {KEY}")
    done = ask(tmp_path, server, f"my key is {KEY}", "--debug", "--model", "m")
    assert KEY not in done.stdout + done.stderr
    for path in (tmp_path / "data").rglob("*"):
        # The prompt itself is the person's own text and stays as they wrote it.
        if path.is_file() and not path.name.startswith("sessions.db"):
            assert KEY.encode() not in path.read_bytes()


def test_the_debug_log_tells_an_exchange_without_its_secrets(
    server: LoopbackServer, tmp_path: Path
) -> None:
    url = server.base_url.replace("//", "//me:planted-password@")
    done = run_command(tmp_path, "ask", "hi", "--debug", "--base-url", url, OPENAI_API_KEY=KEY)
    assert done.returncode == 0
    log = (tmp_path / "data" / "logs" / "debug.log").read_text()
    for words in ("test-model at http://127.0.0.1", "completed: status 200, 5 frames"):
        assert words in log
    for path in (tmp_path / "data").rglob("*"):
        assert not path.is_file() or b"planted" not in path.read_bytes(), path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_debug_log_without_room_costs_nothing_else(
    server: LoopbackServer, tmp_path: Path
) -> None:
    logs = tmp_path / "data" / "logs"
    logs.mkdir(parents=True)
    (logs / "debug.log").symlink_to("/dev/full")
    done = run_command(tmp_path, "--debug", "ask", "hi", "--base-url", server.base_url)
    assert (done.returncode, done.stdout) == (0, "Hello world\n")
    assert "Error" not in done.stderr


def test_several_processes_share_one_folder(server: LoopbackServer, tmp_path: Path) -> None:
    commands = [
        subprocess.Popen(
            [*PROGRAM, "ask", f"number {n}", "--base-url", server.base_url],
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for n in range(4)
    ]
    assert [command.wait(60) for command in commands] == [0, 0, 0, 0]
    sessions = json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)
    assert sorted(s["title"] for s in sessions) == [f"number {n}" for n in range(4)]
    assert {s["state"] for s in sessions} == {"completed"}


def test_completion_scripts_are_printed(tmp_path: Path) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "replyscope" in run_command(tmp_path, "completion", shell).stdout
