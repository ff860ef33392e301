"""Settings, themes and keys: real files, and errors that name the place."""

import sys
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from replyscope.config.endpoints import OPENAI_URL, choose_endpoint, named_in_environment
from replyscope.config.keys import Keys
from replyscope.config.paths import find_paths, make_private
from replyscope.config.settings import TEMPLATE, change_settings, parse_settings, read_settings
from replyscope.config.themes import read_themes, shipped_folder
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind
from replyscope.domain.errors import SettingsError
from replyscope.domain.settings import Settings
from replyscope.engine.provider_choice import is_lasting, known_providers
from replyscope.ui.theming import build_themes

FULL = """
provider = "work"
theme = "paper"
[notifications]
bell = true
[keys]
"chat.send" = "ctrl+s"
[providers.work]
base_url = "https://example.org/v1"
key_command = ["pass", "work"]
model = "m"
headers = { "X-Team" = "a" }
timeout_s = 30
[providers.work.parameters]
max_tokens = 100
temperature = 1
"""


def test_a_full_file_is_read() -> None:
    settings = parse_settings(FULL, Path("s.toml"))
    (endpoint,) = settings.endpoints
    assert settings.provider == "work"
    assert settings.bell
    assert settings.look.keys == {"chat.send": "ctrl+s"}
    assert endpoint.key_source == KeySource(KeySourceKind.COMMAND, command=("pass", "work"))
    assert endpoint.headers == (("X-Team", "a"),)
    assert endpoint.timeout_s == 30.0
    assert endpoint.parameters.temperature == 1.0


def test_the_template_says_the_defaults() -> None:
    assert parse_settings(TEMPLATE, Path("s.toml")) == Settings()
    uncommented = "\n".join(
        line.removeprefix("# ") for line in TEMPLATE.splitlines()[1:] if line.startswith("# ")
    )
    shown = parse_settings(uncommented.replace("…", ""), Path("s.toml"))
    assert shown.look.theme == Settings().look.theme
    assert shown.endpoints[0].name == "openai"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\nthem = 'x'", "s.toml:2: them is not a setting; allowed: provider, local_model, theme"),
        ("[providers.a]\nbase_url = 'ftp://x'", "s.toml:2: providers.a.base_url"),
        ("[providers.a]\nbase_url = 'http://x'\nkey = 'sk'", "s.toml:3: providers.a.key"),
        ("[providers.a]\n", "providers.a.base_url is missing"),
        ("[providers.a]\nbase_url='http://x'\n[providers.a.parameters]\ntemperature = 9", ":4: "),
        ("bell = ", "not valid TOML"),
        ("provider = 'nope'", "s.toml:1: provider is 'nope'"),
        ("theme = 5", "theme must be a string"),
        ("keys = ''", "keys must be a table of strings"),
        ("\nqueries = []", "s.toml:2: queries must be a table of strings"),
        ("[providers.a]\nbase_url='http://x'\napi = 'soap'", "allowed: chat"),
    ],
)
def test_a_wrong_line_is_named(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, Path("s.toml"))
    assert words in caught.value.message


def test_changing_one_setting_keeps_comments(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("# mine\ntheme = 'paper' # nice\n")
    change_settings(path, {("theme",): "ember", ("providers", "a", "base_url"): "http://x/v1"})
    text = path.read_text()
    assert "# mine" in text
    assert "# nice" in text
    settings = read_settings(path)
    assert settings.look.theme == "ember"
    assert settings.endpoints[0].base_url == "http://x/v1"


def test_what_is_set_stands_above_the_tables_that_wait_in_comments(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    change_settings(path, {("provider",): "local", ("local_model",): "smollm2-135m"})
    change_settings(path, {("theme",): "paper"})
    text = path.read_text()
    for name in ("provider", "local_model", "theme"):
        assert text.index(f"\n{name} = ") < text.index("[providers.openai]")
    path.write_text(
        text.replace("# [providers.openai]", "[providers.openai]").replace("# base_url", "base_url")
    )
    assert read_settings(path).look.theme == "paper"


def test_a_broken_file_is_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("theme = \n")
    with pytest.raises(SettingsError):
        change_settings(path, {("theme",): "ember"})
    assert path.read_text() == "theme = \n"


def test_the_first_change_writes_the_commented_template(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.toml"
    change_settings(path, {("theme",): "rose"})
    assert "# base_url" in path.read_text()
    assert read_settings(path).look.theme == "rose"


def test_the_environment_is_used_as_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert choose_endpoint(Settings()) is None
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://h/v1")
    endpoint = choose_endpoint(Settings())
    assert endpoint is not None
    assert endpoint.base_url == "http://h/v1"
    assert Keys(tmp_path).resolve(endpoint) == "sk-x"
    named = choose_endpoint(Settings(), base_url="http://other/v1")
    assert named is not None
    assert named.base_url == "http://other/v1"
    with pytest.raises(SettingsError, match="no provider"):
        choose_endpoint(Settings(), provider="x")


def parsed(text: str) -> Settings:
    return parse_settings(text, Path("settings.toml"))


WORK = '[providers.work]\nbase_url = "http://work/v1"\n'
OPENAI = '[providers.openai]\nbase_url = "http://own/v1"\n'
URL = {"OPENAI_BASE_URL": "http://h/v1"}
ONLY_KEY = {"OPENAI_API_KEY": "sk-x"}


@pytest.mark.parametrize(
    ("text", "variables", "wanted"),
    [
        (f'provider = "work"\n{WORK}', URL, ("openai", "http://h/v1")),
        (f'provider = "work"\n{WORK}', ONLY_KEY, ("work", "http://work/v1")),
        ('provider = "local"', URL, ("openai", "http://h/v1")),
        ('provider = "local"', ONLY_KEY, None),
        ('provider = "openai"', ONLY_KEY, ("openai", OPENAI_URL)),
        ('provider = "openai"', {}, None),
        (WORK, ONLY_KEY, ("openai", OPENAI_URL)),
        (f'provider = "openai"\n{OPENAI}', ONLY_KEY, ("openai", "http://own/v1")),
        (f'provider = "openai"\n{OPENAI}', URL, ("environment", "http://h/v1")),
        (WORK, {"OPENAI_BASE_URL": "http://work/v1"}, ("work", "http://work/v1")),
    ],
)
def test_a_url_of_the_environment_precedes_a_saved_choice_and_a_key_does_not(
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    variables: dict[str, str],
    wanted: tuple[str, str] | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = choose_endpoint(parsed(text))
    assert (chosen and (chosen.name, chosen.base_url)) == wanted


def test_the_provider_of_the_environment_is_known_beside_a_saved_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    settings = parsed(f'provider = "local"\n{WORK}')
    environment = named_in_environment(settings)
    assert environment is not None
    assert choose_endpoint(settings, provider="openai") == environment
    assert [name for name, _ in known_providers(settings, environment)] == ["work", "openai"]
    assert is_lasting(environment, settings, environment)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://h/v1")
    of_this_terminal = named_in_environment(settings)
    assert of_this_terminal is not None
    assert not is_lasting(of_this_terminal, settings, of_this_terminal)
    with pytest.raises(SettingsError, match="The providers are: work, openai"):
        choose_endpoint(settings, provider="x")


def endpoint_with(source: KeySource) -> Endpoint:
    return Endpoint("e", "http://h", key_source=source)


def test_a_key_comes_from_a_command(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('sk-from-command')")
    source = KeySource(KeySourceKind.COMMAND, command=command)
    assert Keys(tmp_path).resolve(endpoint_with(source)) == "sk-from-command"
    failing = KeySource(KeySourceKind.COMMAND, command=(sys.executable, "-c", "exit(3)"))
    with pytest.raises(SettingsError, match="exit 3"):
        Keys(tmp_path).resolve(endpoint_with(failing))


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring of the real library's own interface, in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[(service, username)] = password


def test_a_key_is_kept_in_the_keyring(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    try:
        source = KeySource(KeySourceKind.KEYRING, "openai")
        with pytest.raises(SettingsError, match="no key"):
            Keys(tmp_path).resolve(endpoint_with(source))
        Keys(tmp_path).store_key("openai", " sk-kept ")
        assert Keys(tmp_path).resolve(endpoint_with(source)) == "sk-kept"
    finally:
        keyring.set_keyring(before)


def test_the_data_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_paths(str(tmp_path)).database == tmp_path / "sessions.db"
    monkeypatch.setenv("REPLYSCOPE_DATA_DIR", str(tmp_path / "b"))
    assert find_paths(None).data == tmp_path / "b"
    make_private(tmp_path / "p" / "q")
    if sys.platform != "win32":
        assert (tmp_path / "p").stat().st_mode & 0o777 == 0o700


def test_shipped_themes_are_at_least_six_and_all_draw() -> None:
    sources, faults = read_themes(Path("nowhere"))
    themes, theme_faults = build_themes(sources)
    assert faults == theme_faults == []
    assert len(themes) >= 6
    assert {theme.dark for theme in themes} == {True, False}
    assert shipped_folder().is_dir()


def test_a_broken_theme_is_reported_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[colors]\nprimary = 'notacolour'\n")
    (tmp_path / "b.toml").write_text("[colors]\nprimry = '#fff'\n")
    (tmp_path / "c.toml").write_text("not toml")
    (tmp_path / "mine.toml").write_text("[colors]\nprimary = '#abcdef'\n")
    sources, faults = read_themes(tmp_path)
    themes, theme_faults = build_themes(sources)
    assert "mine" in {theme.name for theme in themes}
    assert len(faults) == 2
    assert len(theme_faults) == 1
    assert "a.toml" in theme_faults[0]


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_every_theme() -> None:
    sources, _ = read_themes(Path("nowhere"))
    for source in sources:
        least = 7.0 if source.name == "high-contrast" else 4.5
        assert contrast(source.colors["foreground"], source.colors["background"]) >= least
    (strong,) = (s for s in sources if s.name == "high-contrast")
    for name in ("primary", "accent", "warning", "error", "success"):
        assert contrast(strong.colors[name], strong.colors["background"]) >= 7.0, name


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("docs/[a.txt", "not closed"),
        ("docs/[]", "not closed"),
        ("[a/b]", "slash"),
        ("[z-a]", "is reversed"),
        ("docs/**/../*", "can't follow"),
    ],
)
@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_a_pattern_that_can_not_be_meant_is_refused(kind: str, pattern: str, why: str) -> None:
    text = f'[[tools.{kind}]]\ntool = "shipped/*"\narguments = {{ path = "{pattern}" }}\n'
    with pytest.raises(SettingsError, match=why):
        parse_settings(text, Path("s.toml"))
