"""A working folder full of traps: no command runs, imports or loads anything of it."""

import json
import os
import stat
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path
from shutil import which

import pytest

from replyscope.domain.environment import BASIC, EDITOR, ENGINE, NETWORK, PIP, kept_environment
from replyscope.local.catalogue import LIGHT
from tests.cli.run import environment
from tests.support.server import LoopbackServer
from tests.support.suite import Suite
from tests.support.weights import place_weights

_SCRIPT = Path(sysconfig.get_path("scripts")) / "replyscope"
_PROGRAMS = ("python", "python3", "pip3", "vi", "nano", "git", "uv", "sh", "tput", "stty", "less")
_PACKAGES = ("pip", "replyscope", "xllamacpp", "openai", "json", "textual", "mcp", "encodings")


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """Modules, packages and programs of every name that a child of ours may look for."""
    folder = tmp_path / "traps"
    folder.mkdir()
    sprung = tmp_path / "sprung"
    sprung.mkdir()
    names = {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "conftest"}
    for name in {*names, "usercustomize", "secret", "antigravity"}:
        if name.isidentifier():
            code = f"open({str(sprung / name)!r}, 'w').close()\n"
            (folder / f"{name}.py").write_text(code)
    for name in _PACKAGES:
        (folder / name).mkdir()
        for file in ("__init__", "__main__"):
            code = f"open({str(sprung / f'{name}.{file}')!r}, 'w').close()\n"
            (folder / name / f"{file}.py").write_text(code)
    for name in _PROGRAMS:
        program = folder / name
        program.write_text(f"#!/bin/sh\n: > {sprung / f'program-{name}'}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name in ("libggml-cpu.so", "libggml-cuda.so", "libllama.so"):
        (folder / name).write_bytes(b"not a library")
    (folder / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/trap\n")
    (folder / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (folder / ".env").write_text("OPENAI_API_KEY=sk-trap\nOPENAI_BASE_URL=http://127.0.0.1:9\n")
    (folder / "weights.gguf").write_bytes(b"GGUF" + bytes(60))
    return folder


def _commands(server: LoopbackServer) -> list[list[str]]:
    here = ["--base-url", server.base_url]
    return [
        ["--help"],
        ["--version"],
        ["completion", "bash"],
        ["ask", "--help"],
        ["ask", "hello", *here],
        ["ask", "hello", *here, "--tools", "shipped", "--json"],
        ["ask", "hello", "--gguf", "weights.gguf"],
        ["ask", "hello", "--local", "--model", "no-such-model"],
        ["ask", "hello", "--local", "--model", LIGHT],
        ["sessions", "list"],
        ["sessions", "search", "hello"],
        ["sessions", "tags"],
        ["sessions", "export", "--query", "hello", "--format", "json"],
        ["sessions", "import", "no-such-file.json"],
        ["sessions", "purge", "--yes"],
        ["responses", "list"],
        ["local", "list"],
        ["local", "install", LIGHT],
        ["local", "remove", LIGHT],
        ["mock", "no-such-session"],
        ["stats"],
        ["doctor", *here],
        ["review"],
        [],
    ]


def test_no_command_runs_what_lies_in_the_working_folder(
    traps: Path, tmp_path: Path, server: LoopbackServer, suite: Suite
) -> None:
    environ = environment(tmp_path, VISUAL="true", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    environ |= {"PIP_RETRIES": "0", "PIP_NO_INDEX": "1", "OPENAI_API_KEY": "sk-test"}
    environ.pop("PYTHONPATH", None)
    environ["PATH"] = os.pathsep.join((environ["PATH"], ".", ""))
    commands = _commands(server)
    for command in commands:
        subprocess.run(
            [sys.executable, "-P", _SCRIPT, *command] if os.name == "nt" else [_SCRIPT, *command],
            cwd=traps,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        sprung = sorted(trap.name for trap in (tmp_path / "sprung").iterdir())
        assert not sprung, f"{command} ran {sprung}"
    suite.say(f"{len(commands)} commands in a folder of {len(list(traps.iterdir()))} traps: none")


@pytest.mark.installs
def test_the_engine_runs_nothing_of_the_working_folder(
    traps: Path, tmp_path: Path, cached_weights: Path
) -> None:
    place_weights(tmp_path / "data" / "models", cached_weights)
    asked = subprocess.run(
        [_SCRIPT, "ask", "--local", "--model", LIGHT, "--max-tokens", "4", "Hello"],
        cwd=traps,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert asked.returncode in (0, 3), asked.stderr
    assert not list((tmp_path / "sprung").iterdir())


def _launchers(folder: Path, sprung: Path) -> dict[str, list[str]]:
    """Commands that run or obey a file of the folder they start in, and that file of each."""
    spring = f"touch {sprung}/$1"
    binary = folder / "node_modules" / ".bin" / "trap-server"
    binary.parent.mkdir(parents=True)
    for path, name in ((binary, "npx"), (folder / "trap-program", "path"), (folder / "x.sh", "sh")):
        path.write_text(f"#!/bin/sh\n{spring.replace('$1', name)}\n")
        path.chmod(0o755)
    scripts = {"start": spring.replace("$1", "npm")}
    (folder / "package.json").write_text(json.dumps({"name": "traps", "scripts": scripts}))
    (folder / ".npmrc").write_text(f"node-options=--require={folder}/trap.cjs\n")
    code = f"require('fs').writeFileSync('{sprung}/npmrc', '')"
    (folder / "trap.cjs").write_text(code)
    (folder / "Makefile").write_text(f"all:\n\t{spring.replace('$1', 'make')}\n")
    (folder / "trap_server.py").write_text(f"open({str(sprung / 'module')!r}, 'w').close()\n")
    launchers = {
        "npx": ["npx", "--offline", "--yes", "trap-server"],
        "npm": ["npm", "start"],
        "make": ["make"],
        "sh": ["sh", "x.sh"],
        "path": ["trap-program"],
        "module": [sys.executable, "-m", "trap_server"],
    }
    return {name: line for name, line in launchers.items() if name == "path" or which(line[0])}


@pytest.mark.timeout(600)
def test_no_tool_server_and_no_key_command_obeys_the_working_folder(
    tmp_path: Path, server: LoopbackServer, suite: Suite
) -> None:
    folder, sprung, config = (tmp_path / name for name in ("traps", "sprung", "config"))
    for made in (folder, sprung, config):
        made.mkdir()
    launchers = _launchers(folder, sprung)
    environ = environment(tmp_path)
    environ["PATH"] = os.pathsep.join((".", environ["PATH"], ""))

    def run(*command: str) -> str:
        given = {"cwd": folder, "env": environ, "stdin": subprocess.DEVNULL, "timeout": 120}
        done = subprocess.run(command, capture_output=True, check=False, text=True, **given)  # type: ignore[call-overload]
        return str(done.stdout + done.stderr)

    for name, line in launchers.items():
        run(*line)
        assert (sprung / name).exists(), f"the trap for {name} is dead"
    for trap in sprung.iterdir():
        trap.unlink()
    entries = {name: {"command": line[0], "args": line[1:]} for name, line in launchers.items()}
    (config / "mcp.json").write_text(json.dumps({"mcpServers": entries}))
    said = run(str(_SCRIPT), "doctor", "--base-url", server.base_url)
    for name in launchers:
        assert f"it ran in {tmp_path}/data/servers/server-{name} " in said, said
    for line in launchers.values():
        (config / "settings.toml").write_text(
            f'provider = "p"\n[providers.p]\nbase_url = "{server.base_url}"\nmodel = "m"\n'
            f"key_command = {json.dumps(line)}\n"
        )
        assert "The key command" in run(str(_SCRIPT), "ask", "hi")
    assert not list(sprung.iterdir())
    suite.say(f"{len(launchers)} launchers as tool servers and key commands: none obeyed a trap")


def test_the_environment_of_a_child_is_an_allow_list() -> None:
    given = {
        "HOME": "/home/a",
        "PATH": os.pathsep.join(("/usr/bin", ".", "", "bin", "/bin")),
        "LD_LIBRARY_PATH": os.pathsep.join((".", "/opt/lib")),
        "LC_ALL": "C",
        "https_proxy": "http://proxy",
        "PIP_INDEX_URL": "https://index",
        "PIP_TARGET": "/elsewhere",
        "PYTHONPATH": ".",
        "PYTHONSTARTUP": "x.py",
        "LD_PRELOAD": "./x.so",
        "GGML_BACKEND_PATH": "./x.so",
        "BASH_ENV": "x",
        "OPENAI_API_KEY": "sk-1",
        "AWS_SECRET_ACCESS_KEY": "s",
        "TERM": "xterm",
    }
    basic = kept_environment(given, BASIC, ENGINE, separator=os.pathsep)
    assert basic == {
        "HOME": "/home/a",
        "PATH": os.pathsep.join(("/usr/bin", "/bin")),
        "LD_LIBRARY_PATH": "/opt/lib",
        "LC_ALL": "C",
    }
    pip = kept_environment(given, BASIC, NETWORK, PIP, separator=os.pathsep)
    assert pip.keys() - basic.keys() == {"https_proxy", "PIP_INDEX_URL"}
    editor = kept_environment(given, BASIC, EDITOR, separator=os.pathsep)
    assert editor.keys() - basic.keys() == {"TERM"}
