"""Proxies and certificates of the environment, for tool servers and `http_get` alike."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
import trustme

from replyscope.domain.proxies import VARIABLES
from replyscope.domain.tool import McpServer, ToolSettings
from replyscope.toolbox import shipped
from replyscope.toolbox.toolbox import LocalToolbox
from tests.support.socks import SocksServer
from tests.toolbox.test_remote_servers import TEXT, Remote, answer, as_json

KINDS = ("mcp:web", "http_get")
ANSWERS = {"mcp:web": "pong", "http_get": "405\n"}
"""What shows that the far server was reached: it has one tool, and answers no GET."""
BAD = ["socks4://me:pa55@127.0.0.1:9", "http://", "http://127.0.0.1:99999", "gar bage"]


@pytest.fixture
def far() -> Iterator[Remote]:
    with closing(Remote(lambda number: as_json(answer(number, TEXT)))) as remote:
        yield remote


@pytest.fixture(autouse=True)
def _a_plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("REPLYSCOPE_HTTP_HOSTS", '["far.example", "127.0.0.1"]')


def box_for(url: str, folder: Path) -> LocalToolbox:
    server = McpServer("web", url=url, headers=(("Authorization", "Bearer x"),))
    settings = ToolSettings(servers=(server,), http_hosts=("far.example", "127.0.0.1"))
    return LocalToolbox([], folder, None, lambda: settings)


async def use(kind: str, url: str, folder: Path, *, in_child: bool = False) -> str:
    """What a tool says that goes to a URL, or why it cannot."""
    if kind == "http_get" and not in_child:
        try:
            return await asyncio.to_thread(shipped.http_get, url)
        except httpx2.HTTPError as error:
            return str(error)
    box = box_for(url, folder)
    try:
        tools = await box.offer([kind])
        if not tools:
            return next(one.fault for one in await box.sources() if one.name == kind)
        arguments = {"url": url} if kind == "http_get" else {}
        return (await box.run(tools[0], arguments)).output
    finally:
        await box.close()


def port_of(remote: Remote) -> int:
    return int(remote.server.server_address[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
async def test_a_socks_proxy_with_a_password_carries_a_tools_requests(
    kind: str, scheme: str, far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksServer(port_of(far), ("me", "p@ss")) as socks:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:p%40ss@{socks.address}")
        said = await use(kind, "http://far.example/mcp", tmp_path)
    assert said.startswith(ANSWERS[kind])
    assert set(socks.asked) == {("far.example", 80)}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_http_proxy_carries_a_tools_requests(
    kind: str, far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{port_of(far)}")
    assert (await use(kind, "http://far.example/mcp", tmp_path)).startswith(ANSWERS[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "http_proxy"])
async def test_this_machine_and_exceptions_are_reached_directly(
    kind: str, variable: str, far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert (await use(kind, far.url, tmp_path)).startswith(ANSWERS[kind])
    monkeypatch.setenv("NO_PROXY", ".example:80")
    assert "127.0.0.1:1" not in await use(kind, "http://far.example/mcp", tmp_path)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_that_refuses_is_named_without_its_password(
    kind: str, far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksServer(port_of(far), ("me", "right")) as socks:
        monkeypatch.setenv("ALL_PROXY", f"socks5://me:wr0ng@{socks.address}")
        # In a child, as httpcore2 leaves the refused connection open.
        said = await use(kind, "http://far.example/mcp", tmp_path, in_child=True)
    assert f"through the proxy socks5://{socks.address} (ALL_PROXY)" in said
    assert "wr0ng" not in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
async def test_a_proxy_that_is_none_names_its_variable(
    kind: str, value: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    said = await use(kind, "http://far.example/mcp", tmp_path)
    assert f"{variable} is " in said
    assert "pa55" not in said


def _missing(folder: Path) -> Path:
    return folder / "missing.pem"


def _text(folder: Path) -> Path:
    (folder / "text.pem").write_text("these are no certificates")
    return folder / "text.pem"


def _folder(folder: Path) -> Path:
    (folder / "folder").mkdir()
    return folder / "folder"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [_missing, _text, _folder])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_a_bad_ca_bundle_names_its_variable_and_stops_no_plain_http(
    kind: str,
    make: Callable[[Path], Path],
    variable: str,
    far: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = make(tmp_path)
    monkeypatch.setenv(variable, str(path))
    assert f"{variable} names {str(path)!r}" in await use(kind, "https://far.example/", tmp_path)
    assert (await use(kind, far.url, tmp_path)).startswith(ANSWERS[kind])


@pytest.mark.parametrize("kind", KINDS)
async def test_certificates_of_the_environment_are_trusted_and_named(
    kind: str, far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    for authority, name in ((ours, "ours.pem"), (other, "other.pem")):
        authority.cert_pem.write_to_path(tmp_path / name)
    far.server.socket = context.wrap_socket(far.server.socket, server_side=True)
    url = far.url.replace("http:", "https:")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    assert (await use(kind, url, tmp_path)).startswith(ANSWERS[kind])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    assert "trusted is what SSL_CERT_FILE names" in await use(kind, url, tmp_path)


async def test_only_http_get_gets_the_password_of_a_proxy(
    far: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://far.example/mcp"
    box = box_for(url, tmp_path)
    try:
        get, run = await box.offer(["http_get", "run_command"])
        with SocksServer(port_of(far), ("me", "pa55")) as socks:
            monkeypatch.setenv("ALL_PROXY", f"socks5://me:pa55@{socks.address}")
            reached = (await box.run(get, {"url": url})).output
            said = (await box.run(run, {"command": ["env"]})).output
    finally:
        await box.close()
    assert reached.startswith("405")
    assert "PATH=" in said
    assert "pa55" not in said
