"""Discovers local model servers on their default ports. Loopback only."""

import asyncio
from typing import Any

import httpx2

from replyscope.domain.authorities import unused_context
from replyscope.domain.endpoint import FoundServer
from replyscope.domain.json_text import read_bounded_json
from replyscope.provider.bounds import BoundedTransport, WatchedTransport

_USUAL = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))


async def find_servers(
    ports: tuple[tuple[str, int], ...] = _USUAL, *, timeout_s: float = 0.8
) -> tuple[FoundServer, ...]:
    """The servers on this machine that answer `GET /v1/models`."""
    transport = BoundedTransport(WatchedTransport(unused_context()))
    async with httpx2.AsyncClient(transport=transport, timeout=timeout_s, trust_env=False) as http:
        found = await asyncio.gather(*(_ask(http, product, port) for product, port in ports))
    return tuple(server for server in found if server is not None)


async def _ask(http: httpx2.AsyncClient, product: str, port: int) -> FoundServer | None:
    base_url = f"http://127.0.0.1:{port}/v1"
    try:
        response = await http.get(f"{base_url}/models")
        data = read_bounded_json(response.content)
    except (httpx2.HTTPError, ValueError, OSError):
        return None
    if response.status_code != 200 or not isinstance(data, dict):
        return None
    entries: Any = data.get("data")
    if not isinstance(entries, list):
        return None
    models = tuple(str(e["id"]) for e in entries if isinstance(e, dict) and e.get("id"))
    return FoundServer(product, base_url, models)
