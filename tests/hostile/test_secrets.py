"""No key of ours is in a file, an export, a log, a report or a process listing afterwards."""

import base64
import json
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.run import run_program
from tests.engine.test_tools import asks, in_turn
from tests.hostile.held import texts_of
from tests.hostile.here import run_here
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

KEY = "sk-plant/ed+\"k'ey=0123456789"
"""With characters that JSON, URLs and shells write in other ways."""
_FORMS = {
    "plain": KEY,
    "json": json.dumps(KEY)[1:-1],
    "slashes": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "url": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
}
_HEADER = "header-secret-0123456789"
_PASSWORD = "password-in-the-url-0123"


def echo(_request: object = None) -> Answer:
    """A server that says the key wherever it can, in every spelling."""
    said = " ".join(_FORMS.values())
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "current_time", "arguments": json.dumps({"timezone": said})},
    }
    frames = sse(
        delta(f"your key is {said}", reasoning_content=said),
        {**delta(tool_calls=[call]), "model": said, "extra": said},
        delta(finish=f"stop {said}"),
        usage(),
    )
    whole = b"".join([f": {said}\n\n".encode(), *frames])
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    return Answer(chunks=pieces, headers={"x-echo": said, "x-request-id": said})


def refuse(_request: object = None) -> Answer:
    said = " ".join(_FORMS.values())
    return error(401, f"Incorrect API key provided: {said}", code=said, type=said, param=said)


def settings(server: LoopbackServer, folder: Path, source: str) -> None:
    """A provider whose key comes from `source`, and whose header and address are secret too."""
    url = server.base_url.replace("http://", f"http://me:{_PASSWORD}@")
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "settings.toml").write_text(
        f'provider = "p"\n[providers.p]\nbase_url = "{url}?code={_PASSWORD}"\n{source}\n'
        f'model = "test-model"\nmax_retries = 0\nheaders = {{ "X-Auth-Token" = "{_HEADER}" }}\n'
    )


def leaks(folder: Path, *more: str) -> list[str]:
    """Where a secret is found: in a file that the program wrote, or in what it printed."""
    secrets = [*_FORMS.values(), _HEADER, _PASSWORD]
    found = []
    for path in folder.rglob("*"):
        ours = "config" not in path.parts and "keyfile" not in path.name
        if path.is_file() and ours:
            data = path.read_bytes()
            found += [f"{path.name}: {s}" for s in secrets if s.encode() in data]
    return found + [f"printed: {s}" for text in more for s in secrets if s in text]


def key_sources(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Each way for a key to come: its line in the settings, and the environment."""
    (folder / "keyfile").write_text(KEY)
    command = json.dumps(["cat", str(folder / "keyfile")])
    return {
        "command": (f"key_command = {command}", {}),
        "environment": ('key_env = "MY_OWN_LLM"', {"MY_OWN_LLM": KEY}),
        "openai": ('key_env = "OPENAI_API_KEY"', {"OPENAI_API_KEY": KEY}),
    }


@pytest.mark.timeout(300)
def test_no_program_leaves_a_key_anywhere(
    suite: Suite, server: LoopbackServer, tmp_path: Path
) -> None:
    ways = key_sources(tmp_path)
    names = suite.dice("keys").sample(sorted(ways), suite.count(len(ways)))
    programs = 0
    for name in names:
        line, given = ways[name]
        settings(server, tmp_path, line)
        (tmp_path / "tmp").mkdir(exist_ok=True)
        more = {**given, "TMPDIR": str(tmp_path / "tmp")}
        printed: list[str] = []

        def run(*arguments: str, more: dict[str, str] = more, out: list[str] = printed) -> str:
            nonlocal programs
            programs += 1
            run_one = run_program if "--debug" in arguments else run_here
            done = run_one(tmp_path, *arguments, **more)
            out += [done.stdout, done.stderr]
            return done.stdout

        server.models = ["test-model", *_FORMS.values()]
        server.answer = echo
        run("ask", "hi", "--debug", "--json")
        server.answer = refuse
        run("ask", "hi")
        run("doctor")
        listed = json.loads(run("sessions", "list", "--json"))
        for session in listed[-suite.count(2) :]:
            shown = json.loads(run("sessions", "show", session["id"], "--json"))
            forms = ["md", "json", "jsonl", "html"]
            for form in suite.dice(f"{name} forms").sample(forms, suite.count(4)):
                run("sessions", "export", session["id"], "--format", form)
            for form in ("sse", "curl", "python")[: suite.count(3)]:
                run("sessions", "export", shown["exchanges"][0]["id"], "--format", form)
        held = texts_of(tmp_path / "data" / "sessions.db")
        assert "your key is" in held
        assert leaks(tmp_path, held, *printed) == [], name
    suite.say(f"{programs} programs with keys from {', '.join(names)}: no file or output has one")


def test_the_app_leaves_no_key_and_shows_none(server: LoopbackServer, tmp_path: Path) -> None:
    settings(server, tmp_path, 'key_env = "MY_OWN_LLM"')
    gate = threading.Event()
    begun = echo().chunks
    server.answer = lambda _request: Answer(chunks=[*list(begun)[:-20], gate])
    with Terminal(tmp_path, MY_OWN_LLM=KEY) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("your key is")
        listing = "".join(_process_listing())
        terminal.send_signal(signal.SIGKILL)
        shown = bytes(terminal.received).decode("utf-8", "replace")
    gate.set()
    held = texts_of(tmp_path / "data" / "sessions.db")
    assert leaks(tmp_path, shown, held, listing) == []


def _process_listing() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue  # it ended meanwhile
    return found


def test_a_key_held_for_the_session_is_written_nowhere(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = echo
    with Terminal(tmp_path, "--base-url", server.base_url, OPENAI_API_KEY=KEY) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("your key is")
        terminal.type("\x11")
        terminal.wait_for_end()
        shown = bytes(terminal.received).decode("utf-8", "replace")
    assert leaks(tmp_path, shown, texts_of(tmp_path / "data" / "sessions.db")) == []


def test_a_program_that_the_model_runs_does_not_get_the_key(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(server, tmp_path, 'key_env = "MY_OWN_LLM"')
    call = ("run_command", json.dumps({"command": ["env"]}))
    in_turn(server, asks(call), reply("done"))
    done = run_program(
        tmp_path, "ask", "hi", "--tools", "run_command", "--yes", MY_OWN_LLM=KEY, SOME_TOKEN=KEY
    )
    told = server.requests[-1]["messages"][-1]["content"]
    assert "PATH=" in told, done.stderr
    assert KEY not in told
    assert "MY_OWN_LLM" not in told


def test_a_tool_server_gets_only_what_its_entry_names(
    server: LoopbackServer, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    program = f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    (tmp_path / "config").mkdir()
    entry = {"command": sys.executable, "args": ["-c", program], "env": {"NAMED": "yes"}}
    (tmp_path / "config" / "mcp.json").write_text(json.dumps({"mcpServers": {"s": entry}}))
    run_program(tmp_path, "doctor", OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url)
    environment = seen.read_text()
    assert "NAMED" in environment
    assert KEY not in environment


_SHORT = "k3y-5"


def test_a_short_key_is_masked_as_well(server: LoopbackServer, tmp_path: Path) -> None:
    settings(server, tmp_path, 'key_env = "MY_OWN_LLM"')
    server.models = ["test-model", f"{_SHORT}"]
    printed = []
    for answer in (
        Answer(chunks=sse(delta(f"your key is {_SHORT}"), delta(finish="stop"), usage())),
        error(401, f"Incorrect API key provided: {_SHORT}.", code=_SHORT),
    ):
        server.answer = lambda _request, answer=answer: answer  # type: ignore[misc]
        done = run_here(tmp_path, "ask", "hi", "--json", MY_OWN_LLM=_SHORT)
        printed.append(done.stdout + done.stderr)
    held = texts_of(tmp_path / "data" / "sessions.db")
    assert "your key is" in held
    assert _SHORT not in held + "".join(printed)


@pytest.mark.parametrize(
    "script",
    [
        "echo {key}; exit 1",
        "echo {key}; echo it is {key} >&2; exit 3",
        "echo 'denied: {key} sk-another-0123456789' >&2; exit 1",
        "printf '{key}\\377'; echo {key} >&2",
        "yes {key}",
        "yes {key} >&2",
    ],
)
def test_a_key_command_that_fails_is_told_in_short_and_without_the_key(
    server: LoopbackServer, tmp_path: Path, script: str
) -> None:
    key = "sk-of-the-command-1"
    line = f"key_command = {json.dumps(['sh', '-c', script.format(key=key)])}"
    settings(server, tmp_path, line)
    done = run_here(tmp_path, "ask", "hi")
    assert done.status == 2, done.stderr
    assert "The key command sh failed" in done.stderr
    assert key not in done.stderr
    assert "sk-another" not in done.stderr
    assert len(done.stderr) < 700


def test_a_password_is_in_no_message_about_a_url(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "settings.toml"
    texts = [f"ftp://me:{_PASSWORD}@host/v1", f"me:{_PASSWORD}@host:port", f"http:/me:{_PASSWORD}@"]
    printed = []
    for text in texts:
        for more in (
            {"OPENAI_BASE_URL": text},
            {"ALL_PROXY": text, "OPENAI_BASE_URL": "far.example"},
        ):
            done = run_here(tmp_path, "ask", "hi", "-m", "x", OPENAI_API_KEY="sk-x", **more)
            printed.append(done.stderr)
            assert done.status in (2, 3)
        printed.append(run_here(tmp_path, "ask", "hi", "--base-url", text).stderr)
        file.write_text(f'[providers.p]\nbase_url = "{text}"\n')
        printed.append(run_here(tmp_path, "doctor").stderr)
        file.write_text(f'[providers.p]\nbase_url = "http://127.0.0.1:1/v1"\nproxy = "{text}"\n')
        printed += [*vars(run_here(tmp_path, "doctor")).values()]
        file.write_text(f'[mcp.s]\nurl = "{text}"\n')
        printed += [*vars(run_here(tmp_path, "doctor", OPENAI_BASE_URL=server.base_url)).values()]
        file.unlink()
    whole = "".join(map(str, printed))
    assert "base URL" in whole
    assert _PASSWORD not in whole


def test_ask_warns_of_a_key_in_the_prompt(server: LoopbackServer, tmp_path: Path) -> None:
    for prompt, known in (("use sk-proj-abcDEF123456ghi", "sk-x"), ("use odd+key/9", "odd+key/9")):
        more = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": known}
        done = run_here(tmp_path, "ask", prompt, **more)
        assert "The prompt contains what looks like an API key" in done.stderr
        assert prompt.split()[1] not in done.stderr
    assert "API key" not in run_here(tmp_path, "ask", "hi", **more).stderr


def test_a_rules_command_gets_only_the_keys_that_the_rule_names(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(server, tmp_path, 'key_env = "MY_OWN_LLM"')
    file = tmp_path / "config" / "settings.toml"
    for line, has_it in (("", False), ('env = ["SOME_TOKEN"]\n', True)):
        command = json.dumps(["sh", "-c", f"env > {tmp_path}/env-{has_it}"])
        rule = f'[[rule]]\nwhen = "finish:stop"\ndo = "run"\ncommand = {command}\n{line}'
        whole = file.read_text().partition("[[rule]]")[0] + rule
        file.write_text(whole)
        more = {"MY_OWN_LLM": KEY, "SOME_TOKEN": "token-of-mine", "COPY": f"x{KEY}", "PLAIN": "yes"}
        run_program(tmp_path, "ask", "hi", **more)
        seen = (tmp_path / f"env-{has_it}").read_text()
        assert "PLAIN=yes" in seen
        assert KEY not in seen
        assert ("SOME_TOKEN=token-of-mine" in seen) == has_it
