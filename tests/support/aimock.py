"""aimock: a mock of the OpenAI APIs that nobody here wrote, installed with npm where it is."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import npm
from tests.support.listening import find_free_port, serving

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
    port = find_free_port()
    root = f"http://127.0.0.1:{port}"
    command = [str(program), "-p", str(port), "-f", str(file)]
    with serving(command, f"{root}/v1/models", folder / "aimock.log"):
        yield f"{root}/v1"


def read_journal(base_url: str) -> list[dict[str, Any]]:
    """The requests that the server received, oldest first, as it logged them."""
    root = base_url.removesuffix("/v1")
    with urllib.request.urlopen(f"{root}/__aimock/journal", timeout=10) as answer:
        journal: list[dict[str, Any]] = json.load(answer)
    return journal
