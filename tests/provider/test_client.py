"""How an endpoint's own settings reach the server: Azure, headers, a proxy, a private CA."""

import ssl
import subprocess
import sys
from pathlib import Path

import trustme

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.ports import Clock
from tests.cli.run import environment
from tests.support.build import ask, open_chat, run
from tests.support.server import LoopbackServer

KEY = "sk-planted-key-123"


async def test_azure_gets_its_path_its_version_and_its_own_key_header(
    server: LoopbackServer, clock: Clock
) -> None:
    root = server.base_url.removesuffix("/v1")
    async with open_chat(root, clock, key=KEY, azure_api_version="2026-10-01") as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.COMPLETED
    assert server.paths == [
        "/openai/deployments/test-model/chat/completions?api-version=2026-10-01"
    ]
    assert server.headers[0]["api-key"] == KEY
    assert KEY not in repr(exchange)


async def test_headers_organisation_and_project_are_sent_and_secret_ones_masked(
    server: LoopbackServer, clock: Clock
) -> None:
    headers = (("X-Title", "replyscope"), ("X-Secret-Word", "opensesame"))
    async with open_chat(
        server.base_url, clock, headers=headers, organization="org-1", project="proj-1"
    ) as provider:
        exchange = await run(provider, ask())
    sent = server.headers[0]
    assert (sent["x-title"], sent["x-secret-word"]) == ("replyscope", "opensesame")
    assert (sent["openai-organization"], sent["openai-project"]) == ("org-1", "proj-1")
    assert "opensesame" not in repr(exchange)


async def test_a_proxy_carries_the_request(server: LoopbackServer, clock: Clock) -> None:
    proxy = server.base_url.removesuffix("/v1")
    async with open_chat("http://far.example/v1", clock, proxy=proxy) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "Hello world"
    assert server.paths == ["http://far.example/v1/chat/completions"]


async def test_a_private_authority_is_trusted_only_when_given(clock: Clock, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with LoopbackServer(context) as server:
        async with open_chat(server.base_url, clock) as provider:
            refused = await run(provider, ask())
        async with open_chat(server.base_url, clock, ca_bundle=str(bundle)) as provider:
            trusted = await run(provider, ask())
    assert refused.failure is not None
    assert refused.failure.kind == "tls"
    assert "ca_bundle" in refused.failure.next_step
    assert trusted.choice(0).text == "Hello world"


async def test_servers_are_told_who_asks(server: LoopbackServer, clock: Clock) -> None:
    async with open_chat(server.base_url, clock) as provider:
        await run(provider, ask())
    assert server.headers[0]["user-agent"].startswith("replyscope/")


def test_responses_are_prepared_for_before_the_first_is_asked_for(tmp_path: Path) -> None:
    """In a process of its own: what the SDK built once stays built."""
    program = """
import asyncio
from openai.types.responses import ResponseCompletedEvent, ResponseTextDeltaEvent
from replyscope.cli.wiring import wire
from replyscope.config.paths import find_paths
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.exchange import Api
kinds = (ResponseCompletedEvent, ResponseTextDeltaEvent)
before = [kind.__pydantic_complete__ for kind in kinds]
endpoint = Endpoint("custom", "http://127.0.0.1:9/v1", api=Api.RESPONSES)
asyncio.run(wire(find_paths(None), saves=False).providers.open(endpoint))
print(before, [kind.__pydantic_complete__ for kind in kinds])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[False, False] [True, True]\n", done.stderr
