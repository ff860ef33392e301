"""aimock: a mock of the OpenAI APIs that nobody here wrote, installed with npm where it is."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import npm

_PACKAGE = "@copilotkit/aimock@1.43.0"


def install() -> Path:
    """The program, kept between runs. Skips where npm or the index is missing."""
    return npm.install("aimock", _PACKAGE, "llmock")


@contextmanager
def running(folder: Path, fixtures: list[dict[str, Any]]) -> Iterator[str]:
    """The server with these fixtures; its base URL."""
    program = install()
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(program), "-p", str(port), "-f", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("aimock never answered")
