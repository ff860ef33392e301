"""The documents say what the program does: their tables, links and commands are checked."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from replyscope.config.settings import read_settings
from replyscope.config.themes import read_theme
from tests.cli.run import PROGRAM, environment, run_program
from tests.docs.tables import ROOT, documents, renew

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ARCHITECTURE = ROOT / "docs" / "architecture.md"
_GUIDE = ROOT / "docs" / "guide"
_DEMO = _GUIDE / "demo.json"
_WITH_COMMANDS = [
    str(path.relative_to(ROOT)) for path in documents() if _BLOCK.search(path.read_text("utf-8"))
]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", documents(), ids=_named)
def test_tables_are_those_of_the_code(path: Path) -> None:
    text = path.read_text("utf-8")
    assert renew(text) == text, "renew the tables: python -m tests.docs.tables"


@pytest.mark.parametrize("path", documents(), ids=_named)
def test_links_lead_to_files(path: Path) -> None:
    links = _LINK.findall(path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_architecture_names_files_that_exist() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|toml))`", _ARCHITECTURE.read_text("utf-8"))
    folders = (ROOT, ROOT / "src" / "replyscope")
    assert [name for name in named if not any((one / name).exists() for one in folders)] == []


@pytest.mark.parametrize("path", documents(), ids=_named)
def test_settings_that_are_shown_can_be_read(path: Path, tmp_path: Path) -> None:
    for number, text in enumerate(_TOML.findall(path.read_text("utf-8"))):
        file = tmp_path / f"shown-{number}.toml"
        file.write_text(text, encoding="utf-8")
        if "[colors]" in text:
            assert read_theme(file).colors
        else:
            assert read_settings(file).rule_faults == ()


def test_the_index_names_every_chapter() -> None:
    chapters = {path.name for path in _GUIDE.glob("*.md")} - {"README.md"}
    assert set(_LINK.findall((_GUIDE / "README.md").read_text("utf-8"))) >= chapters


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which the demo of the guide was imported."""
    folder = tmp_path_factory.mktemp("demo")
    assert run_program(folder, "sessions", "import", str(_DEMO)).returncode == 0
    return folder / "data"


@pytest.fixture
def folder(demo_data: Path, tmp_path: Path) -> Path:
    """A working folder with the repository's documents and the imported demo."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "data").mkdir()
    database = (demo_data / "sessions.db").read_bytes()
    (tmp_path / "data" / "sessions.db").write_bytes(database)
    return tmp_path


@pytest.fixture
def reader(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a reader of the guide: a server answers with the demo's replies."""
    serve = [*PROGRAM, "mock", "model:demo-*", "--speed", "0"]
    env = environment(folder, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(serve, env=env, **pipes) as server:  # type: ignore[call-overload]
        url = server.stdout.readline().split()[0]
        yield {**env, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "unused-key-9f3"}
        server.terminate()


@pytest.mark.parametrize("name", _WITH_COMMANDS)
def test_commands_print_what_the_document_shows(
    name: str, folder: Path, reader: dict[str, str]
) -> None:
    has_jq = shutil.which("jq") is not None
    for command, wanted in _commands(ROOT / name):
        if "| jq" in command and not has_jq:
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=reader,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert _fits(wanted, done.stdout), f"$ {command}\n{done.stdout}"
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"


def _commands(path: Path) -> Iterator[tuple[str, str]]:
    """Each command after a `$`, with the output that the document shows."""
    for block in _BLOCK.findall(path.read_text("utf-8")):
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = re.sub(r"\\\n\s*", "", shown).partition("\n")
            yield command, output


def _fits(wanted: str, output: str) -> bool:
    """Whether an output is the one shown: `…` stands for any text, no output for any."""
    pattern = ".*?".join(map(re.escape, wanted.strip().split("…")))
    return not wanted.strip() or re.fullmatch(pattern, output.strip(), re.DOTALL) is not None
