"""Portkey's gateway, installed with npm where it is, in front of a server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import npm
from tests.support.listening import find_free_port, serving

_PACKAGE = "@portkey-ai/gateway@1.15.2"
# From 1.14 on it hands out headers that can't be added to, and each stream ends in 500.
_OVERRIDES = {"@hono/node-server": "1.13.8"}


def install() -> Path:
    """The program, kept between runs. Skips where npm or the index is missing."""
    return npm.install("portkey", _PACKAGE, "gateway", _OVERRIDES)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The gateway; its base URL. Headers of a request name the server behind it."""
    program = install()
    port = find_free_port()
    root = f"http://127.0.0.1:{port}"
    command = [str(program), f"--port={port}", "--headless"]
    with serving(command, root, folder / "portkey.log"):
        yield f"{root}/v1"


def headers(provider: str, backend_url: str) -> dict[str, str]:
    """The headers that name the provider behind the gateway and its address."""
    return {"x-portkey-provider": provider, "x-portkey-custom-host": backend_url}
