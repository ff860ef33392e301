"""[models]: aliases and parameters by pattern; a wrong entry is named, the others work."""

import sys
from pathlib import Path

import pytest

from replyscope.config.settings import change_settings, parse_settings, read_settings
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import SettingsError
from replyscope.domain.model_names import ModelName, parse_model_name
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.parameter_layers import effective, parameter_layers, source_of

FILE = Path("s.toml")
HEAD = "[providers.work]\nbase_url = 'http://h/v1'\n[models]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-6", ModelName("gpt-6")),
        ("work/gpt-6", ModelName("gpt-6", "work")),
        ("work/meta/llama", ModelName("meta/llama", "work")),
        ("work/eu/gpt-6", ModelName("gpt-6", "work/eu")),
        ("meta/llama", ModelName("meta/llama")),
        ("work/", ModelName("work/")),
        ("workshop/x", ModelName("workshop/x")),
    ],
)
def test_a_text_is_a_model_or_a_provider_with_a_model(text: str, expected: ModelName) -> None:
    assert parse_model_name(text, ("work", "work/eu")) == expected
    assert str(expected) == text


def test_an_alias_names_a_model_and_its_provider() -> None:
    settings = parse_settings(
        f"{HEAD}fast = 'work/mini'\nfree = 'meta/llama'\nhere = 'local/tiny'\n", FILE
    )
    found = [str(settings.find_model(name)) for name in ("fast", "free", "here", "gpt-6")]
    assert found == ["work/mini", "meta/llama", "local/tiny", "gpt-6"]
    assert settings.find_model("work/mini") == ModelName("work/mini")
    assert settings.find_model("fast").provider == "work"


@pytest.mark.parametrize(
    ("model", "temperature", "source"),
    [
        ("Qwen3-8b", 0.2, "models qwen*"),
        ("org/qwen3-coder", 0.4, "models *coder*"),
        ("qwen3-coder", 0.4, "models *coder*"),
        ("gpt-6", 0.7, "provider work"),
    ],
)
def test_parameters_by_pattern_are_a_layer_over_the_provider(
    model: str, temperature: float, source: str
) -> None:
    lines = '"qwen*" = { temperature = 0.2, seed = 1 }\n"*coder*" = { temperature = 0.4 }\n'
    settings = parse_settings(f"{HEAD}{lines}", FILE)
    endpoint = Endpoint("work", "http://h/v1", parameters=Parameters(temperature=0.7))
    layers = parameter_layers(SessionSettings(), endpoint, model, settings)
    assert effective(layers).temperature == temperature
    assert source_of("temperature", layers) == source
    own = SessionSettings(parameters=Parameters(temperature=1.0))
    layers = parameter_layers(own, endpoint, model, settings)
    assert source_of("temperature", layers) == "session"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("bad = 5", 's.toml:5: models.bad must be a model, as in "openai/gpt-6-mini", or a table'),
        ("bad = ''", "s.toml:5: models.bad is empty; it must be MODEL or PROVIDER/MODEL."),
        ("bad = ['a']", "s.toml:5: models.bad must be a model"),
        ("bad = { temperature = 9 }", "models.bad.temperature is 9; it must be between 0 and 2."),
        ("bad = { seed = 'x' }", "models.bad.seed must be a whole number."),
        ('"[bad" = { seed = 1 }', "is an invalid pattern: the bracket at character 1"),
        ("bad = { stop = 2026-01-01 }", "models.bad.stop can't be sent as JSON"),
    ],
)
def test_a_wrong_entry_is_named_and_the_others_work(line: str, sentence: str) -> None:
    settings = parse_settings(f"{HEAD}fast = 'work/mini'\n{line}\n'q*' = {{ seed = 7 }}\n", FILE)
    (fault,) = settings.entry_faults
    assert sentence in fault
    assert fault.startswith("The entry models.")
    assert settings.aliases == {"fast": "work/mini"}
    assert settings.model_defaults[0].parameters == Parameters(seed=7)


def test_a_provider_cannot_have_the_name_of_the_embedded_models() -> None:
    with pytest.raises(SettingsError, match=r"providers\.local is the name of the embedded models"):
        parse_settings('[providers.local]\nbase_url = "http://127.0.0.1:9/v1"\n', Path("s.toml"))


@pytest.mark.skipif(sys.platform == "win32", reason="symlinks need a privilege")
def test_settings_behind_a_symlink_stay_there(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "mine.toml", tmp_path / "settings.toml"
    real.parent.mkdir()
    real.write_text("# mine\n")
    link.symlink_to(real)
    change_settings(link, {("favourites",): ["a"]})
    assert link.is_symlink()
    assert read_settings(real).favourites == ("a",)
