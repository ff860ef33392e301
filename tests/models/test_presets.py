"""Presets: made from a session, chosen by name, and a layer of parameters in each request."""

import json
from pathlib import Path

import pytest

from replyscope.config.paths import find_paths
from replyscope.config.settings import change_settings, parse_settings, read_settings
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import SettingsError
from replyscope.domain.preset import Preset
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.engine.presets import make_preset, preset_table, with_preset
from replyscope.engine.targets import Targets
from tests.cli.run import run_command
from tests.models.test_command_line import providers, write_settings
from tests.models.test_picker import make_two
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_services, open_chat, until
from tests.ui.test_chat import is_idle, send

PRESET = (
    '[presets.short]\nmodel = "two/mini"\nsystem = "Be brief."\ntools = []\n'
    'schema = \'{"type": "object"}\'\n[presets.short.parameters]\ntemperature = 0.2\nstop = "END"\n'
)


def test_a_preset_sets_what_it_has_and_keeps_the_rest() -> None:
    own = SessionSettings(
        system="Old.", tools=("a",), parameters=Parameters(temperature=1.0, seed=7)
    )
    preset = Preset("p", tools=(), parameters=Parameters(temperature=0.2))
    made = with_preset(own, preset)
    assert (made.system, made.tools, made.preset) == ("Old.", (), "p")
    assert made.parameters == Parameters(seed=7)


def test_a_preset_of_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("# mine\n")
    parameters = Parameters().changed(
        {"temperature": 0.2, "stop": ["a\n", '"""'], "extra": {"top_k": 4, "deep": {"x": [1]}}}
    )
    session = SessionSettings(
        system='Two\nlines """ and \\ "',
        tools=("mcp:git",),
        schema=Schema("answer", '{"type":\n "object"}'),
        parameters=parameters,
    )
    preset = make_preset("my own", session, None, read_settings(file))
    change_settings(file, {("presets", "my own"): preset_table(preset)})
    assert read_settings(file).presets == (preset,)
    assert file.read_text().startswith("# mine\n")
    again = with_preset(SessionSettings(), preset)
    assert (again.system, again.tools, again.schema) == (
        *(session.system, session.tools, session.schema),
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("model = 5", "s.toml:2: presets.bad.model must be a string."),
        ("modle = 'x'", "presets.bad.modle is not a setting; allowed: model, system, tools"),
        ("tools = 'x'", "presets.bad.tools must be a list of strings."),
        ("parameters = { seed = 'x' }", "presets.bad.parameters.seed must be a whole number."),
    ],
)
def test_a_wrong_preset_is_named_and_the_others_work(line: str, sentence: str) -> None:
    settings = parse_settings(f"[presets.bad]\n{line}\n[presets.good]\n", Path("s.toml"))
    assert [one.name for one in settings.presets] == ["good"]
    (fault,) = settings.entry_faults
    assert fault.startswith("The entry presets.bad is not used: ")
    assert sentence in fault


def test_ask_sends_what_a_preset_has(server: LoopbackServer, tmp_path: Path) -> None:
    with LoopbackServer() as other:
        write_settings(tmp_path, f'provider = "one"\n{providers(server, other)}{PRESET}')
        done = run_command(tmp_path, "ask", "hi", "--preset", "short", "-P", "seed=7")
        assert (done.returncode, done.stderr) == (0, "")
        done = run_command(
            *(tmp_path, "ask", "hi", "--preset", "short", "--temperature", "1", "--system", "S"),
            *("-m", "m9"),
        )
        assert (done.returncode, done.stderr) == (0, "")
        first = other.requests[0]
        assert (first["model"], first["temperature"], first["stop"]) == ("mini", 0.2, "END")
        assert first["messages"][0] == {"role": "system", "content": "Be brief."}
        assert first["response_format"]["json_schema"]["name"] == "short"
        assert first["seed"] == 7
    second = server.requests[0]
    assert (second["model"], second["temperature"], second["stop"]) == ("m9", 1, "END")
    done = run_command(tmp_path, "ask", "hi", "--preset", "shrt")
    assert done.returncode == 2
    assert "There is no preset shrt. The presets are: short." in done.stderr


def test_a_wrong_parameter_of_a_preset_is_named_before_anything_is_sent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    lines = "[presets.bad.parameters]\nstop = [1]\n"
    write_settings(tmp_path, f"{providers(server, server)}{lines}")
    done = run_command(tmp_path, "ask", "hi", "--provider", "one", "--preset", "bad")
    assert done.returncode == 2
    assert "settings.toml:7: presets.bad.parameters.stop (stop[0]) must be a text" in done.stderr
    assert server.requests == []
    assert run_command(tmp_path, "ask", "hi", "--provider", "one").returncode == 0


async def test_a_preset_is_made_of_a_session_and_used_in_another(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "/model m2")
            await pilot.press("f8", *"temperature=0.2", "enter", "escape")
            await send(pilot, "/preset save mine")
            await until(pilot, lambda: chat_of(pilot).desk.services.settings.presets)
            await send(pilot, "/new")
            await send(pilot, "/model m1")
            await until(pilot, lambda: "m1 · one" in frame(pilot))
            await pilot.press("f12")
            await until(pilot, lambda: "one/m2 · temperature 0.2" in frame(pilot))
            await pilot.press(*"mine", "enter")
            await until(pilot, lambda: "m2 · one" in frame(pilot))
            await pilot.press("f8")
            await until(pilot, lambda: "0.2 · preset mine" in frame(pilot))
            await pilot.press("escape")
            await send(pilot, "hi")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            await send(pilot, "/preset off")
            await until(pilot, lambda: "preset: off" in frame(pilot))
    assert (server.requests[0]["model"], server.requests[0]["temperature"]) == ("m2", 0.2)
    (preset,) = read_settings(find_paths(str(tmp_path)).settings).presets
    assert preset == Preset("mine", model="one/m2", parameters=Parameters(temperature=0.2))


async def test_a_private_session_saves_no_preset(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_two(tmp_path, server, server), notifications=True) as pilot:
        await send(pilot, "/private")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
        await send(pilot, "/preset save mine")
        await until(pilot, lambda: "Private sessions cannot save presets." in frame(pilot))
    assert read_settings(find_paths(str(tmp_path)).settings).presets == ()


def test_the_model_of_a_preset_is_resolved_once(server: LoopbackServer, tmp_path: Path) -> None:
    with LoopbackServer() as other:
        lines = '[models]\nfast = "mini"\nmini = "two/large"\n[presets.p]\nmodel = "fast"\n'
        write_settings(tmp_path, f'provider = "one"\n{providers(server, other)}{lines}')
        done = run_command(tmp_path, "ask", "hi", "--preset", "p")
        assert (done.returncode, done.stderr, other.requests) == (0, "", [])
    assert server.requests[0]["model"] == "mini"


@pytest.mark.parametrize("name", ["save", "off", "", " ", "save x", " a", "a\n"])
def test_a_name_that_means_a_command_is_no_preset(name: str) -> None:
    with pytest.raises(SettingsError, match="can't be the name of a preset"):
        make_preset(name, SessionSettings(), None, Settings())
    text = f"[presets.{json.dumps(name)}]\nsystem = 'x'\n[presets.good]\n"
    settings = parse_settings(text, Path("s.toml"))
    assert [one.name for one in settings.presets] == ["good"]
    (fault,) = settings.entry_faults
    assert "can't be the name of a preset" in fault


def test_a_parameter_that_is_not_sent_stays_so_in_a_preset(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    session = SessionSettings(parameters=Parameters(seed=7).unsetting("temperature"))
    preset = make_preset("p", session, None, Settings())
    change_settings(file, {("presets", "p"): preset_table(preset)})
    assert read_settings(file).presets == (preset,)
    assert preset.parameters.unset == ("temperature",)
    made = with_preset(SessionSettings(parameters=Parameters(temperature=1)), preset)
    assert made.parameters == Parameters()


@pytest.mark.parametrize(
    ("endpoint", "model", "stored"),
    [
        ("work", "llama", "work/llama"),
        ("local", "qwen", "local/qwen"),
        ("openai", "gpt", "openai/gpt"),
        ("custom", "llama", "llama"),
        ("custom", "work/llama", None),
        ("custom", "fast", None),
    ],
)
def test_a_preset_stores_a_model_that_means_the_same_later(
    tmp_path: Path, endpoint: str, model: str, stored: str | None
) -> None:
    url = "http://127.0.0.1:9/v1"
    text = f'[providers.work]\nbase_url = "{url}"\n[models]\nfast = "work/mini"\n'
    services = make_services(
        tmp_path,
        None,
        endpoint=Endpoint(endpoint, url, model=model),
        environment=Endpoint("openai", url),
        settings=parse_settings(text, Path("s.toml")),
    )
    conversation = services.archive.new(SessionSettings())
    assert Targets(services).stored_name(conversation) == stored


async def test_a_preset_whose_provider_is_gone_changes_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    lines = '[presets.p]\nmodel = "local/gone"\nsystem = "Changed."'
    async with open_chat(make_two(tmp_path, server, server, lines)) as pilot:
        await send(pilot, "/preset p")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 2)
        await pilot.press("escape")
        settings = chat_of(pilot).desk.conversation.session.settings
        assert (settings.preset, settings.system) == (None, None)


async def test_a_preset_is_replaced_only_after_a_question(
    server: LoopbackServer, tmp_path: Path
) -> None:
    lines = '[presets.mine]\nsystem = "Old."'
    async with open_chat(make_two(tmp_path, server, server, lines)) as pilot:
        await send(pilot, "/preset save mine")
        await until(pilot, lambda: "Replace the preset mine?" in frame(pilot))
        await pilot.press("enter")
        assert chat_of(pilot).desk.services.settings.presets[0].system == "Old."
        await send(pilot, "/preset save mine")
        await until(pilot, lambda: "Replace the preset mine?" in frame(pilot))
        await pilot.press("down", "enter")
        presets = chat_of(pilot).desk.services
        await until(pilot, lambda: presets.settings.presets[0].system is None)
