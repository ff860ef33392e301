"""`ask -P` and the settings file: any parameter reaches the server, a wrong one does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import run_command
from tests.support.responses import response
from tests.support.server import LoopbackServer


def ask(folder: Path, server: LoopbackServer, *arguments: str) -> Any:
    return run_command(
        folder, "ask", "hi", *arguments, "--base-url", server.base_url, OPENAI_API_KEY="sk-1"
    )


def write_settings(folder: Path, server: LoopbackServer, lines: str) -> None:
    """Settings with one provider, the server, and parameters of it."""
    file = folder / "config" / "settings.toml"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(
        f'[providers.here]\nbase_url = "{server.base_url}"\n[providers.here.parameters]\n{lines}\n'
    )


def test_parameters_are_sent_saved_and_used_again(server: LoopbackServer, tmp_path: Path) -> None:
    done = ask(
        tmp_path,
        server,
        *("-P", 'stop=["END", "\\n\\n"]', "-P", "temperature=0.2", "-P", "user=123"),
        *("-P", 'extra={"top_k": 40}', "-P", 'extra_headers={"X-Trace": "t1"}'),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(tmp_path, server, "--continue", "-P", "temperature=null").returncode == 0
    first, second = server.requests
    expected = {"stop": ["END", "\n\n"], "user": "123", "top_k": 40}
    for request in (first, second):
        assert {name: request[name] for name in expected} == expected
    assert first["temperature"] == 0.2
    assert "temperature" not in second
    assert [headers["x-trace"] for headers in server.headers[-2:]] == ["t1", "t1"]


def test_parameters_survive_export_import_and_replay(
    server: LoopbackServer, tmp_path: Path
) -> None:
    assert ask(tmp_path, server, "-P", "stop=END", "-P", 'extra={"top_k": 40}').returncode == 0
    listed = json.loads(run_command(tmp_path, "sessions", "list", "--json").stdout)
    session_id = listed[0]["id"] if isinstance(listed, list) else listed["sessions"][0]["id"]
    exported = run_command(tmp_path, "sessions", "export", session_id, "--format", "json")
    assert exported.returncode == 0
    file = tmp_path / "session.json"
    file.write_text(exported.stdout)
    other = tmp_path / "other"
    other.mkdir()
    assert run_command(other, "sessions", "import", str(file)).returncode == 0
    assert ask(other, server, "--continue").returncode == 0
    assert (server.requests[-1]["stop"], server.requests[-1]["top_k"]) == ("END", 40)


def test_each_api_gets_what_it_has(server: LoopbackServer, tmp_path: Path) -> None:
    server.routes["POST", "/responses"] = response("Yes.")
    done = ask(tmp_path, server, "--api", "responses", "-P", "stop=END", "-P", "truncation=auto")
    assert done.returncode == 0
    assert "stop was left out: Responses does not have it" in done.stderr
    body = json.loads(server.bodies[-1])
    assert body["truncation"] == "auto"
    assert "stop" not in body


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("seed=x", "seed must be a whole number"),
        ("temprature=1", "temprature is not a parameter. The nearest are: temperature."),
        ("top_k=40", 'To send it all the same, set extra to {"top_k": 40}.'),
        ("mirostat=on", 'To send it all the same, set extra to {"mirostat": "on"}.'),
        ("model=x", "choose the model with /model or --model"),
        ("extra=5", "extra must be an object"),
        ("seed", "must be NAME=VALUE"),
    ],
)
def test_a_wrong_parameter_is_a_usage_error_before_anything_is_sent(
    server: LoopbackServer, tmp_path: Path, argument: str, sentence: str
) -> None:
    done = ask(tmp_path, server, "-P", argument)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert server.requests == []


def test_the_settings_of_a_provider_have_any_parameter(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_settings(
        tmp_path,
        server,
        'stop = ["END"]\nservice_tier = "flex"\nextra = { top_k = 40 }\n'
        'extra_headers = { "X-Trace" = "t1" }\nseed = 3',
    )
    done = run_command(tmp_path, "ask", "hi", "-P", "seed=null")
    assert (done.returncode, done.stderr) == (0, "")
    request = server.requests[0]
    assert (request["stop"], request["service_tier"], request["top_k"]) == (["END"], "flex", 40)
    assert "seed" not in request
    assert server.headers[-1]["x-trace"] == "t1"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("stop = [1]", "settings.toml:4: providers.here.parameters.stop (stop[0]) must be a text"),
        ("stp = 1", "providers.here.parameters.stp is not a parameter"),
        ("user = 2026-01-01", "providers.here.parameters.user can't be sent as JSON"),
        ('extra_headers = { "Api-Key" = "x" }', "carries a key"),
    ],
)
def test_a_wrong_parameter_of_the_settings_names_its_line(
    server: LoopbackServer, tmp_path: Path, line: str, sentence: str
) -> None:
    write_settings(tmp_path, server, line)
    done = run_command(tmp_path, "ask", "hi")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert server.requests == []
