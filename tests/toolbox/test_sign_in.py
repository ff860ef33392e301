"""Signing in to a tool server: it stays with that server, unless the entry says otherwise."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from replyscope.config.mcp import parse_servers
from replyscope.domain.tool import McpServer, ToolSettings
from replyscope.toolbox.server_faults import masked
from replyscope.toolbox.sign_in import OriginRefusedError, Origins
from replyscope.toolbox.toolbox import LocalToolbox
from replyscope.toolbox.transports import secrets_of


class Site:
    """A web server of scripted pages, by path; keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pages: dict[str, tuple[int, dict[str, str], Any]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                site.asked.append(f"{self.command} {self.path}")
                status, headers, page = site.pages.get(self.path.partition("?")[0], (404, {}, {}))
                body = json.dumps(page).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, *_arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def running(site: Site) -> Iterator[Site]:
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()


@pytest.fixture
def here() -> Iterator[Site]:
    with running(Site()) as site:
        yield site


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    with running(Site()) as site:
        yield site


RESOURCE = "/.well-known/oauth-protected-resource/mcp"
METADATA = "/.well-known/oauth-authorization-server"


def metadata(issuer: str, **endpoints: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        **endpoints,
    }


def misdirect(how: str, here: Site, elsewhere: Site) -> None:
    """Let the sign-in of `here` lead elsewhere, at one of its steps."""
    own, other = here.url, elsewhere.url
    header = f'Bearer resource_metadata="{other}/resource"' if how == "resource" else "Bearer"
    here.pages["/mcp"] = (401, {"www-authenticate": header}, {})
    issuer = other if how == "issuer" else own
    page = {"resource": f"{own}/mcp", "authorization_servers": [issuer]}
    here.pages[RESOURCE] = elsewhere.pages["/resource"] = (200, {}, page)
    endpoints = {how: f"{other}/{how}"} if how.endswith("endpoint") else {}
    for site in (here, elsewhere):
        site.pages[METADATA] = (200, {}, metadata(site.url, **endpoints))
        client = {"client_id": "c", "redirect_uris": ["http://127.0.0.1:1/callback"]}
        site.pages["/register"] = (201, {}, client)
    if how == "redirect":
        here.pages[METADATA] = (307, {"location": other + METADATA}, {})


WAYS = ["resource", "issuer", "registration_endpoint", "authorization_endpoint", "redirect"]


async def sign_in(folder: Path, server: McpServer) -> tuple[str, list[str]]:
    """What is wrong with the server after its tools were asked for, and the pages opened."""
    opened: list[str] = []
    settings = ToolSettings(servers=(server,), timeout_s=3)
    box = LocalToolbox([], folder, None, lambda: settings, opened.append)
    try:
        await box.offer([f"mcp:{server.name}"])
        (source,) = [one for one in await box.sources() if one.name == f"mcp:{server.name}"]
    finally:
        await box.close()
    return source.fault, opened


@pytest.mark.parametrize("how", WAYS)
async def test_a_sign_in_that_leads_elsewhere_is_refused(
    tmp_path: Path, here: Site, elsewhere: Site, how: str
) -> None:
    misdirect(how, here, elsewhere)
    fault, opened = await sign_in(tmp_path, McpServer(f"s-{how}", url=f"{here.url}/mcp"))
    assert elsewhere.asked == []
    assert opened == [] or how == "redirect"
    assert not [url for url in opened if url.startswith(elsewhere.url)]
    if how != "redirect":
        assert f'add "signIn": ["{elsewhere.url}"]' in fault


@pytest.mark.parametrize("how", ["issuer", "registration_endpoint", "authorization_endpoint"])
async def test_it_is_followed_where_the_entry_allows_it(
    tmp_path: Path, here: Site, elsewhere: Site, how: str
) -> None:
    misdirect(how, here, elsewhere)
    entry = json.dumps({"s": {"url": f"{here.url}/mcp", "signIn": [elsewhere.url]}})
    (server,), faults = parse_servers(entry)
    assert faults == []
    _, opened = await sign_in(tmp_path, server)
    assert elsewhere.asked != [] or [url for url in opened if url.startswith(elsewhere.url)]


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://a.test/token", True),
        ("https://A.test:443/token", True),
        ("https://a.test:444/token", False),
        ("http://a.test/token", False),
        ("https://a.test.evil.test/token", False),
        ("https://a.test@evil.test/token", False),
        ("https://evil.test/https://a.test", False),
        ("//a.test/token", False),
        ("file:///etc/hostname", False),
        ("javascript:alert(1)", False),
        ("https://auth.test/login", True),
        ("https://auth.test:8443/login", False),
        ("https://a.test\\@evil.test/", False),
        ("", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, is_allowed: bool) -> None:
    origins = Origins("https://a.test/mcp", ["https://auth.test"])
    if is_allowed:
        origins.check(url)
    else:
        with pytest.raises(OriginRefusedError):
            origins.check(url)


def test_a_server_may_move_to_https_and_not_back() -> None:
    Origins("http://a.test/mcp", ()).check("https://a.test/token")
    with pytest.raises(OriginRefusedError):
        Origins("http://a.test:8080/mcp", ()).check("https://a.test/token")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://user:hunter2@host/mcp",
        "user:hunter2@host",
        "htp://u:hunter2@h?x=1",
        "ws://u:p@hunter2@h/",
        "example.org/mcp?key=hunter2",
        "HTTPS//u:hunter2@h",
    ],
)
def test_a_refused_url_shows_no_password(url: str) -> None:
    servers, faults = parse_servers(json.dumps({"s": {"url": url}}))
    assert servers == ()
    assert "hunter2" not in faults[0]
    assert "must begin with" in faults[0]


@pytest.mark.parametrize("origins", ["auth.test", ["ftp://x"], [1], {"a": 1}])
def test_wrong_sign_in_origins_cost_their_server(origins: Any) -> None:
    servers, faults = parse_servers(json.dumps({"s": {"url": "https://x", "signIn": origins}}))
    assert servers == ()
    assert "signIn" in faults[0]


async def test_no_secret_of_an_entry_is_in_what_is_said_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2\nx")
    servers = (
        McpServer("url", url="http://user:hunter2@127.0.0.1:9/mcp"),
        McpServer("header", url="http://127.0.0.1:9/mcp", headers=(("A", "${TOKEN}"),)),
        McpServer("port", url="http://user:hunter2@127.0.0.1:none/mcp"),
        McpServer("program", "/no/such/program", environment=(("API_KEY", "hunter2"),)),
    )
    settings = ToolSettings(servers=servers, timeout_s=5)
    box = LocalToolbox([], tmp_path, None, lambda: settings)
    try:
        assert await box.offer([f"mcp:{server.name}" for server in servers]) == ()
        for source in await box.sources():
            if source.name.startswith("mcp:"):
                assert source.fault
                assert "hunter2" not in source.fault + source.log
    finally:
        await box.close()


def test_secrets_and_logins_are_masked() -> None:
    server = McpServer("s", url="https://u:p%40ss@h/", headers=(("A", "key-1"), ("B", "")))
    told = masked("bad key-1 at https://other:word@h/, p@ss and p%40ss", secrets_of(server))
    assert told == "bad ••• at https://•••@h/, ••• and •••"
