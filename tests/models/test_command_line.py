"""Models on the command line: aliases, parameters by pattern, presets and prices."""

from pathlib import Path

import pytest

from tests.cli.run import run_command
from tests.support.server import LoopbackServer


def write_settings(folder: Path, text: str) -> None:
    file = folder / "config" / "settings.toml"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text)


def providers(first: LoopbackServer, second: LoopbackServer) -> str:
    return (
        f'[providers.one]\nbase_url = "{first.base_url}"\nmodel = "m1"\n'
        f'[providers.two]\nbase_url = "{second.base_url}"\n'
    )


def test_an_alias_chooses_the_provider_and_the_model(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        lines = '[models]\nfast = "two/org/mini"\nhere = "m9"\n"*mini" = { temperature = 0.2 }\n'
        write_settings(tmp_path, f'provider = "one"\n{providers(server, other)}{lines}')
        for name in ("fast", "here"):
            done = run_command(tmp_path, "ask", "hi", "-m", name)
            assert (done.returncode, done.stderr) == (0, "")
        done = run_command(tmp_path, "ask", "hi", "-m", "fast", "--provider", "one")
        assert (done.returncode, done.stderr) == (0, "")
        (asked,) = other.requests
    assert (asked["model"], asked["temperature"]) == ("org/mini", 0.2)
    assert [request["model"] for request in server.requests] == ["m9", "org/mini"]
    assert "temperature" not in server.requests[0]


def test_an_alias_may_name_the_provider_of_the_environment(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        lines = '[models]\nfast = "openai/mini"\n'
        write_settings(tmp_path, f'provider = "two"\n{providers(other, other)}{lines}')
        done = run_command(
            *(tmp_path, "ask", "hi", "-m", "fast"),
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY="sk-1",
        )
        assert (done.returncode, done.stderr, other.requests) == (0, "", [])
    assert server.requests[0]["model"] == "mini"


def test_a_url_of_the_environment_is_used_although_the_embedded_model_was_chosen(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_settings(tmp_path, 'provider = "local"\nlocal_model = "smollm2-135m"\n')
    variables = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-1"}
    done = run_command(tmp_path, "ask", "hi", "--model", "demo-large", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.requests[0]["model"] == "demo-large"
    report = run_command(tmp_path, "doctor", **variables).stdout
    assert f"openai at {server.base_url}" in report
    assert "none set" not in report


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('"m1" = { stop = [1] }', "settings.toml:7: models.m1.stop (stop[0]) must be a text"),
        ('"m?" = { stp = 1 }', "settings.toml:7: models.m?.stp is not a parameter"),
        ('"*" = { extra_headers = { "Api-Key" = "x" } }', "carries a key"),
    ],
)
def test_a_wrong_parameter_stops_only_the_models_that_it_is_for(
    server: LoopbackServer, tmp_path: Path, entry: str, sentence: str
) -> None:
    write_settings(tmp_path, f"{providers(server, server)}[models]\n{entry}\n")
    done = run_command(tmp_path, "ask", "hi", "--provider", "one")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert server.requests == []
    if "*" not in entry:
        done = run_command(tmp_path, "ask", "hi", "--provider", "two", "-m", "other")
        assert (done.returncode, done.stderr) == (0, "")


def test_an_entry_that_cannot_be_used_is_reported_and_the_request_is_sent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_settings(tmp_path, f"{providers(server, server)}[models]\nbad = 5\n")
    done = run_command(tmp_path, "ask", "hi", "--provider", "one")
    assert done.returncode == 0
    assert "The entry models.bad is not used: " in done.stderr
    assert "settings.toml:7: models.bad must be a model" in done.stderr
