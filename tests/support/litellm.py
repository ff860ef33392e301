"""The LiteLLM proxy, in a virtual environment of its own, in front of servers on loopback."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.support.listening import find_free_port, serving

_REQUIREMENT = "litellm[proxy]==1.108.7"
_CACHE = Path.home() / ".cache" / "replyscope-tests" / "litellm"
KEY = "sk-" + "0f1e2d3c" * 6
"""It refuses to start with a short one."""


def install() -> Path:
    """The program, kept between runs. Skips where the package index can't be reached."""
    bin_folder = "Scripts" if sys.platform == "win32" else "bin"
    program = _CACHE / bin_folder / "litellm"
    stamp = _CACHE / "installed.txt"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / "lock"):
        if not stamp.exists() or stamp.read_text() != _REQUIREMENT:
            subprocess.run([sys.executable, "-m", "venv", str(_CACHE)], check=True)
            pip = [str(_CACHE / bin_folder / "python"), "-m", "pip", "install", "--quiet"]
            done = subprocess.run(
                [*pip, "--disable-pip-version-check", _REQUIREMENT],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.skip(f"{_REQUIREMENT} can't be installed: {done.stderr.strip()[-200:]}")
            stamp.write_text(_REQUIREMENT)
    return program


@contextmanager
def running(folder: Path, models: list[dict[str, Any]]) -> Iterator[str]:
    """The proxy with this list of models; its base URL. The key to it is KEY."""
    program = install()
    file = folder / "litellm.yaml"
    config = {"model_list": models, "general_settings": {"master_key": KEY}}
    file.write_text(json.dumps(config))  # which YAML reads too
    port = find_free_port()
    root = f"http://127.0.0.1:{port}"
    command = [str(program), "--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
    log = folder / "litellm.log"
    with serving(command, f"{root}/health/liveliness", log, env=offline, timeout_s=180):
        yield f"{root}/v1"
