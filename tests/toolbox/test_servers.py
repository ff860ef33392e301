"""MCP servers: real ones that others wrote, and faulty ones on purpose."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from replyscope.config.mcp import add_servers, parse_servers, read_mcp_file
from replyscope.domain.errors import SettingsError
from replyscope.domain.tool import McpServer, Tool, ToolSettings
from replyscope.toolbox.expansion import expand
from replyscope.toolbox.sign_in import KeyringTokens, SignIn
from replyscope.toolbox.toolbox import LocalToolbox
from tests.support import npm

FAULTY = str(Path(__file__).with_name("faulty_server.py"))


@asynccontextmanager
async def toolbox(
    folder: Path, *servers: McpServer, timeout_s: float = 60
) -> AsyncIterator[LocalToolbox]:
    settings = ToolSettings(servers=servers, timeout_s=timeout_s)
    box = LocalToolbox([], folder, folder / "kept", lambda: settings)
    try:
        yield box
    finally:
        await box.close()


def faulty(folder: Path, behaviour: str) -> McpServer:
    return McpServer(behaviour, sys.executable, (FAULTY, behaviour), folder=str(folder))


async def one_tool(box: LocalToolbox, name: str) -> Tool:
    return (await box.offer([f"mcp:{name}"]))[0]


async def test_real_servers_are_started_listed_and_called(tmp_path: Path) -> None:
    pytest.importorskip("mcp_server_time")
    pytest.importorskip("mcp_server_git")
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(tmp_path / "repo")])
    servers = (
        McpServer("time", sys.executable, ("-m", "mcp_server_time")),
        McpServer("git", sys.executable, ("-m", "mcp_server_git")),
    )
    async with toolbox(tmp_path, *servers) as box:
        assert {source.state for source in await box.sources()} >= {"not started"}
        tools = {tool.name: tool for tool in await box.offer(["mcp:time", "mcp:git/git_status"])}
        assert set(tools) == {"get_current_time", "convert_time", "git_status"}
        now = await box.run(tools["get_current_time"], {"timezone": "Europe/Oslo"})
        assert json.loads(now.output)["timezone"] == "Europe/Oslo"
        status = await box.run(tools["git_status"], {"repo_path": str(tmp_path / "repo")})
        assert "No commits yet" in status.output
        failed = await box.run(tools["git_status"], {"repo_path": str(tmp_path / "none")})
        assert failed.is_error
        states = {source.name: source.state for source in await box.sources()}
        assert "mcp-time" in states["mcp:time"]
        assert "12 tools" in states["mcp:git"]


async def test_a_server_that_dies_in_a_call_is_started_again(tmp_path: Path) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, "dies")) as box:
        tool = await one_tool(box, "dies")
        first = await box.run(tool, {})
        assert first.is_error
        second = await box.run(tool, {})
        assert (second.output, second.is_error) == ("pong", False)


@pytest.mark.parametrize("behaviour", ["garbage", "floods"])
async def test_noise_on_its_streams_costs_nothing(tmp_path: Path, behaviour: str) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, behaviour)) as box:
        tool = await one_tool(box, behaviour)
        assert (await box.run(tool, {})).output == "pong"
        (source,) = [s for s in await box.sources() if s.name.startswith("mcp:")]
        assert len(source.log) < 2_000_000


async def test_a_server_that_never_answers_holds_up_nothing(tmp_path: Path) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, "silent")) as box:
        tool = await one_tool(box, "silent")
        call = asyncio.create_task(box.run(tool, {}))
        late_ms = await _lateness(lambda: call.done(), 0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert late_ms < 500


async def _lateness(is_over: Callable[[], bool], most_s: float) -> float:
    """The longest that this loop had to wait for its turn, in milliseconds."""
    worst = 0.0
    end = time.monotonic() + most_s
    while not is_over() and time.monotonic() < end:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        worst = max(worst, (time.monotonic() - before - 0.01) * 1000)
    return worst


async def test_a_result_of_50_megabytes_comes_and_the_loop_goes_on(tmp_path: Path) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, "huge")) as box:
        tool = await one_tool(box, "huge")
        call = asyncio.create_task(box.run(tool, {}))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert len((await call).output) == 50_000_000
        assert ticks > 5


async def test_a_changed_list_of_tools_is_read_again(tmp_path: Path) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, "changes")) as box:
        assert [tool.name for tool in await box.offer(["mcp:changes"])] == ["ping"]
        await box.run(await one_tool(box, "changes"), {})
        for _ in range(200):
            if len(await box.offer(["mcp:changes"])) == 2:
                break
            await asyncio.sleep(0.02)
        assert [tool.name for tool in await box.offer(["mcp:changes"])] == ["ping", "late"]


async def test_hostile_names_are_made_fit_for_servers_and_collide_with_nothing(
    tmp_path: Path,
) -> None:
    async with toolbox(tmp_path, faulty(tmp_path, "hostile"), faulty(tmp_path, "garbage")) as box:
        tools = await box.offer(["mcp:hostile", "mcp:garbage"])
        names = [tool.name for tool in tools]
        assert len(set(names)) == len(names) == 3
        assert {"hostile__ping", "garbage__ping"} <= set(names)
        assert all(name.replace("_", "").replace("-", "").isalnum() for name in names)
        assert all(len(name) <= 64 for name in names)


async def test_what_can_not_be_started_says_why(tmp_path: Path) -> None:
    servers = (
        McpServer("gone", "no-such-program"),
        McpServer("key", sys.executable, environment=(("K", "${NOT_SET_ANYWHERE}"),)),
        faulty(tmp_path, "mute"),
        McpServer("web", url="http://127.0.0.1:9/mcp"),
    )
    async with toolbox(tmp_path, *servers, timeout_s=1.5) as box:
        assert await box.offer([f"mcp:{server.name}" for server in servers]) == ()
        faults = {source.name: source.fault for source in await box.sources()}
    assert "no-such-program" in faults["mcp:gone"]
    assert "NOT_SET_ANYWHERE" in faults["mcp:key"]
    assert "did not answer" in faults["mcp:mute"]
    assert faults["mcp:web"]


PASTED = [
    '{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}',
    '{"servers": {"time": {"type": "stdio", "command": "uvx", "args": ["mcp-server-time"]}}}',
    '{"mcp": {"servers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}}',
    '{"time": {"command": "uvx", "args": ["mcp-server-time"]}}',
    '"time": {"command": "uvx", "args": ["mcp-server-time"]},',
    '{\n // from the docs\n "servers": {"time": {"command": "uvx", /* it */ "args": '
    '["mcp-server-time",],},},}',
]


@pytest.mark.parametrize("text", PASTED)
def test_entries_of_other_programs_paste_in(text: str) -> None:
    servers, faults = parse_servers(text)
    assert servers == (McpServer("time", "uvx", ("mcp-server-time",)),)
    assert faults == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no server"),
        ("not json", "not JSON"),
        ("[]", "no servers"),
        ('{"command": "uvx"}', "no name"),
        ('{"mcpServers": []}', "no servers"),
    ],
)
def test_what_is_no_entry_is_said_so(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        add_servers(tmp_path / "mcp.json", text)
    assert caught.value.next_step
    assert not (tmp_path / "mcp.json").exists()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{}", "either a command or a url"),
        ('{"command": "a", "url": "https://b"}', "either a command or a url"),
        ('{"url": "ftp://x"}', "must begin with"),
        ('{"command": "a", "args": "b"}', "args"),
        ('{"command": "a", "env": []}', ""),
        ('{"type": "sse", "url": "https://x/sse"}', "SSE"),
    ],
)
def test_a_wrong_entry_costs_only_itself(entry: str, words: str) -> None:
    servers, faults = parse_servers(f'{{"good": {{"command": "a"}}, "bad": {entry}}}')
    assert "good" in [server.name for server in servers]
    assert words in " ".join(faults)


def test_a_pasted_server_is_added_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "config" / "mcp.json"
    add_servers(path, PASTED[0])
    add_servers(path, '{"web": {"url": "https://x/mcp", "headers": {"A": "${TOKEN}"}}}')
    servers, faults = read_mcp_file(path)
    assert [server.name for server in servers] == ["time", "web"]
    assert servers[1].headers == (("A", "${TOKEN}"),)
    assert faults == []
    assert path.stat().st_mode & 0o077 == 0


def test_the_environment_is_put_in_and_what_is_missing_is_named() -> None:
    known = {"TOKEN": "t"}
    assert expand("Bearer ${TOKEN}", known) == "Bearer t"
    assert expand("${env:TOKEN} ${NONE:-x}", known) == "t x"
    assert expand("$HOME costs $5", known) == "$HOME costs $5"
    with pytest.raises(ValueError, match="NONE"):
        expand("${NONE}", known)
    with pytest.raises(ValueError, match="input"):
        expand("${input:key}", known)


@pytest.mark.installs
async def test_the_reference_servers_of_others_are_used_in_full(tmp_path: Path) -> None:
    everything = npm.install(
        "mcp-everything", "@modelcontextprotocol/server-everything", "mcp-server-everything"
    )
    files = npm.install(
        "mcp-filesystem", "@modelcontextprotocol/server-filesystem", "mcp-server-filesystem"
    )
    (tmp_path / "note.txt").write_text("a note")
    servers = (
        McpServer("everything", str(everything)),
        McpServer("files", str(files), (str(tmp_path),)),
    )
    async with toolbox(tmp_path, *servers) as box:
        tools = {tool.own_name: tool for tool in await box.offer(["mcp:everything", "mcp:files"])}
        echoed = await box.run(tools["echo"], {"message": "hi"})
        assert "hi" in echoed.output
        read = await box.run(tools["read_text_file"], {"path": str(tmp_path / "note.txt")})
        assert "a note" in read.output
        outside = await box.run(tools["read_text_file"], {"path": "/etc/hostname"})
        assert outside.is_error
        picture = await box.run(next(t for n, t in tools.items() if "iny" in n), {})
        assert picture.files[0].media_type == "image/png"
        resources = await box.resources(["mcp:everything"])
        assert resources
        assert (await box.read_resource(resources[0])).name
        prompts = {prompt.key: prompt for prompt in await box.prompts(["mcp:everything"])}
        simple = next(prompt for prompt in prompts.values() if not prompt.arguments)
        assert await box.fill_prompt(simple, {})


@asynccontextmanager
async def serving(program: str, *arguments: str) -> AsyncIterator[str]:
    """A program beside this file that serves over HTTP; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name(program)),
        str(port),
        *arguments,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(90):  # a busy machine imports slowly
            await _answers(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)


async def test_a_server_over_http_is_reached(tmp_path: Path) -> None:
    async with (
        serving("plain_server.py") as url,
        toolbox(tmp_path, McpServer("web", url=url)) as box,
    ):
        tool = await one_tool(box, "web")
        assert (await box.run(tool, {"number": 21})).output == "42"


async def test_a_server_that_wants_a_sign_in_gets_one_and_only_one(tmp_path: Path) -> None:
    log = tmp_path / "sign-ins"

    def browse(url: str) -> None:
        with urllib.request.urlopen(url) as page:
            assert b"close this page" in page.read()

    async with serving("oauth_server.py", str(log)) as url:
        settings = ToolSettings(servers=(McpServer("guarded", url=url),))
        box = LocalToolbox([], tmp_path, tmp_path / "kept", lambda: settings, browse)
        try:
            tool = await one_tool(box, "guarded")
            for _ in range(2):
                assert (await box.run(tool, {})).output == "the door code is 4711"
        finally:
            await box.close()
    assert log.read_text() == "replyscope\n"


async def test_the_browser_comes_back_to_loopback_with_a_code() -> None:
    opened: list[str] = []
    sign_in = SignIn("https://tools.test/mcp", KeyringTokens("test"), opened.append)
    provider = await sign_in.auth()
    uris = provider.context.client_metadata.redirect_uris
    assert uris is not None
    port = uris[0].port
    handler, callback = provider.context.redirect_handler, provider.context.callback_handler
    assert handler is not None
    assert callback is not None
    await handler("https://tools.test/authorize?x=1")
    waiting = asyncio.ensure_future(callback())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /callback?code=c0de&state=st HTTP/1.1\r\nhost: x\r\n\r\n")
    page = await reader.read()
    writer.close()
    result = await waiting
    sign_in.close()
    assert (result.code, result.state) == ("c0de", "st")
    assert b"close this page" in page
    assert opened == ["https://tools.test/authorize?x=1"]
