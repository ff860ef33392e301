"""The way to a server, tried: SOCKS proxies, certificates, base URLs."""

import ssl
from pathlib import Path

import pytest
import trustme

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.exchange import Exchange
from replyscope.domain.ports import Clock
from replyscope.provider.opening import open_provider
from tests.cli.run import run_command
from tests.support.build import Memory, ask, open_chat, run
from tests.support.server import LoopbackServer, error
from tests.support.socks import SocksServer

FAR = "http://far.example/v1"


def port_of(server: LoopbackServer) -> int:
    return int(server.base_url.rpartition(":")[2].removesuffix("/v1"))


def message_of(exchange: Exchange) -> str:
    assert exchange.failure is not None
    return f"{exchange.failure.message} {exchange.failure.next_step}"


def fault_of(clock: Clock, base_url: str = "https://far.example/v1", **fields: str) -> str:
    """The sentence in which a provider refuses to be opened."""
    memory = Memory()
    endpoint = Endpoint("p", base_url, proxy=fields.get("proxy"), ca_bundle=fields.get("bundle"))
    with pytest.raises(ProviderError) as refused:
        open_provider(endpoint, "sk-key", clock, memory.recall, memory.remember)
    return str(refused.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
async def test_a_socks_proxy_carries_the_request_and_resolves_the_name(
    server: LoopbackServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with SocksServer(port_of(server)) as socks:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{socks.address}/")
        async with open_chat(FAR, clock) as provider:
            exchange = await run(provider, ask())
        assert exchange.choice(0).text == "Hello world"
        assert socks.asked == [("far.example", 80)]


async def test_a_socks_proxy_of_the_settings_carries_tls(clock: Clock, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("far.example").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    url = "https://far.example/v1"
    with LoopbackServer(context) as server, SocksServer(port_of(server), ("me", "p@ss")) as socks:
        proxy = f"socks5://me:p%40ss@{socks.address}"
        async with open_chat(url, clock, proxy=proxy, ca_bundle=str(bundle)) as provider:
            exchange = await run(provider, ask())
    assert exchange.choice(0).text == "Hello world"
    assert socks.asked == [("far.example", 443)]


async def test_a_proxy_that_refuses_is_named_without_its_password(
    server: LoopbackServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksServer(port_of(server), ("me", "right")) as socks:
        monkeypatch.setenv("ALL_PROXY", f"socks5://me:wr0ng@{socks.address}")
        async with open_chat(FAR, clock) as provider:
            told = message_of(await run(provider, ask()))
    assert f"through the proxy socks5://{socks.address} (ALL_PROXY)" in told
    assert "wr0ng" not in told


async def test_a_proxy_that_is_not_there_is_named(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with open_chat(FAR, clock) as provider:
        told = message_of(await run(provider, ask()))
    assert (
        "Could not connect to far.example through the proxy http://127.0.0.1:1 (http_proxy)" in told
    )


def _write_faults(folder: Path) -> dict[str, str]:
    """Paths that are no CA bundle, by what is wrong with them."""
    (folder / "empty.pem").write_text("")
    (folder / "text.pem").write_text("these are no certificates")
    (folder / "binary.pem").write_bytes(bytes(range(256)))
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    (folder / "broken.pem").write_text(f"{begin}\nbm90IG9uZQ==\n{end}\n")
    (folder / "folder").mkdir()
    return {
        "no such file": str(folder / "missing.pem"),
        "not a regular file": "/dev/null",
        **{name: str(folder / f"{name}.pem") for name in ("empty", "text", "binary", "broken")},
    }


@pytest.mark.parametrize("proxy", [None, "https://127.0.0.1:1"])
def test_a_fault_of_the_certificates_names_the_variable_and_the_path(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str | None
) -> None:
    fields = {} if proxy is None else {"proxy": proxy}
    url = "https://far.example/v1" if proxy is None else FAR
    for path in _write_faults(tmp_path).values():
        monkeypatch.setenv("SSL_CERT_FILE", path)
        assert fault_of(clock, url, **fields).startswith(f"SSL_CERT_FILE names {path!r}, ")
        told = fault_of(clock, url, bundle=path, **fields)
        assert told.startswith(f"The ca_bundle of the provider p names {path!r}, ")
    monkeypatch.delenv("SSL_CERT_FILE")
    for folder in (tmp_path / "missing", tmp_path / "text.pem", tmp_path / "folder"):
        monkeypatch.setenv("SSL_CERT_DIR", str(folder))
        assert fault_of(clock, url, **fields).startswith(f"SSL_CERT_DIR names '{folder}', ")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "ALL_PROXY"])
def test_what_a_server_does_not_need_stops_no_request_and_is_named(
    server: LoopbackServer, tmp_path: Path, variable: str
) -> None:
    more = {"OPENAI_BASE_URL": server.base_url, variable: "/does/not/exist"}
    done = run_command(tmp_path, "ask", "hi", **more)
    assert (done.stdout, done.returncode) == ("Hello world\n", 0)
    assert variable in done.stderr
    assert variable in run_command(tmp_path, "doctor", **more).stdout


async def test_certificates_of_the_environment_are_trusted_and_named(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    for authority, name in ((ours, "ours.pem"), (other, "other.pem")):
        authority.cert_pem.write_to_path(tmp_path / name)
    with LoopbackServer(context) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
        async with open_chat(server.base_url, clock) as provider:
            assert (await run(provider, ask())).choice(0).text == "Hello world"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
        async with open_chat(server.base_url, clock) as provider:
            assert "SSL_CERT_FILE" in message_of(await run(provider, ask()))


async def test_a_query_of_the_base_url_goes_with_each_request(
    server: LoopbackServer, clock: Clock
) -> None:
    async with open_chat(f"{server.base_url}?api-version=1&a=b%20c", clock) as provider:
        await run(provider, ask())
    assert server.paths == ["/v1/chat/completions?api-version=1&a=b+c"]


ENDINGS = ("/chat/completions", "/responses/", "/models?a=b", "/")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pasted_base_url_reaches_the_server(
    server: LoopbackServer, tmp_path: Path, ending: str
) -> None:
    pasted = f' "{server.base_url}{ending}" '
    for given in (("--base-url", pasted), ()):
        more = {} if given else {"OPENAI_BASE_URL": pasted}
        done = run_command(tmp_path, "ask", "hi", "-m", "x", *given, **more)
        assert done.stdout == "Hello world\n", done.stderr
    assert {path.partition("?")[0] for path in server.paths} == {"/v1/chat/completions"}


async def test_a_missing_path_is_suggested_where_nothing_is_found(
    server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: error(404, "Not Found")
    root = server.base_url.removesuffix("/v1")
    async with open_chat(root, clock) as provider:
        assert f"try {server.base_url}." in message_of(await run(provider, ask()))
    async with open_chat(server.base_url, clock) as provider:
        assert "try http" not in message_of(await run(provider, ask()))
