"""The life of the process of a relay: its start, its ends, and what it is not given."""

import asyncio
import os
import select
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from replyscope.cli.wiring import RELAY_CHILD
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import RelayFailed
from replyscope.domain.isolated_python import python_command, python_environment
from replyscope.domain.route import Route, find_route
from replyscope.domain.watched import WatchedRequest
from replyscope.serving.faults.plan import FaultPlan
from replyscope.serving.faults.terms import parse_rule
from replyscope.serving.gate import Decision
from replyscope.serving.watch.process.parent import ENDED, RelayProcess
from replyscope.serving.watch.upstream import Access, Upstream
from tests.support.server import LoopbackServer
from tests.watch.bench import (
    Watcher,
    answering,
    post,
    relaying_in_a_process,
    serving,
    talk,
    upstream_at,
)
from tests.watch.test_gate import PATH, GateBy, answering_recorded, recorded
from tests.watch.test_injected_faults import JSON, SSE

LAST = "Connection: close"
KEY = "sk-a-key-of-the-settings"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and process handles")


def pid_of(relay: object) -> int:
    """The id of a relay's process."""
    assert isinstance(relay, RelayProcess)
    assert relay.pid is not None
    return relay.pid


@LINUX
async def test_keys_are_in_no_argument_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    heads: list[bytes] = []
    async with serving(answering(JSON, heads=heads)) as url:
        upstream = upstream_at(url, access=Access(KEY), secrets=(KEY,))
        async with relaying_in_a_process(upstream) as stage:
            await talk(stage.port, post(b"{}", PATH, LAST))
            place = Path("/proc") / str(pid_of(stage.relay))
            shown = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
    assert KEY.encode() in heads[0]
    assert KEY.encode() not in shown
    assert b"PYTHONSAFEPATH=1" in shown


def test_the_process_loads_few_modules() -> None:
    script = f"import sys, {RELAY_CHILD}; print(len(sys.modules), *sys.modules)"
    command = (*python_command("x")[:2], "-c", script)
    done = subprocess.run(command, env=python_environment(), capture_output=True, check=True)
    count, *names = done.stdout.decode().split()
    assert int(count) <= 240
    assert not {"openai", "sqlite3", "textual", "rich", "pydantic"} & set(names)


async def test_a_relay_that_is_killed_is_started_again_on_its_port() -> None:
    begun, reported = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if begun.is_set():
            writer.write(JSON)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        begun.set()
        await reader.read()

    async with serving(hang) as url, relaying_in_a_process(upstream_at(url)) as stage:
        killed, stage.watcher.hear = pid_of(stage.relay), reported.set
        call = asyncio.create_task(talk(stage.port, post(b"{}")))
        await begun.wait()
        await reported.wait()
        os.kill(killed, signal.SIGKILL)
        await call
        (seen,) = await stage.watcher.ended(1)
        async with asyncio.timeout(60):
            await stage.said.wait()
        assert JSON in await talk(stage.port, post(b"{}", PATH, LAST))
        assert pid_of(stage.relay) != killed
        await stage.watcher.ended(2)
    assert seen.fault == ENDED
    assert stage.reports == ["The process of the relay ended (signal 9), and was started again."]


_PARENT = """
import asyncio, sys
from tests.watch.bench import relaying_in_a_process, upstream_at

async def main():
    async with relaying_in_a_process(upstream_at("http://127.0.0.1:9/v1")) as stage:
        print(stage.relay.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@LINUX
def test_the_relay_ends_with_a_program_that_is_killed() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen((sys.executable, "-c", _PARENT), stdout=subprocess.PIPE, cwd=root) as one:
        assert one.stdout is not None
        child = os.pidfd_open(int(one.stdout.readline()))
        one.kill()
    try:
        assert select.select([child], [], [], 60)[0]  # it is readable once the process is gone
    finally:
        os.close(child)


@LINUX
async def test_signals_of_a_terminal_do_not_end_the_relay() -> None:
    async with (
        serving(answering(JSON)) as url,
        relaying_in_a_process(upstream_at(url)) as stage,
    ):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid_of(stage.relay), number)
        assert JSON in await talk(stage.port, post(b"{}", PATH, LAST))
    assert stage.reports == []


async def test_a_command_that_fails_is_an_error_of_the_start() -> None:
    command = (sys.executable, "-c", "raise SystemExit('no room')")
    relay = RelayProcess(command, [], Watcher(), report=print)
    with pytest.raises(RelayFailed, match="ended at its start"):
        await relay.start(0)
    await relay.close()


async def test_faults_are_chosen_by_the_program() -> None:
    plan = FaultPlan([parse_rule("first=1 status=503")], 1, lambda _query, _request: True)
    async with (
        serving(answering(JSON)) as url,
        relaying_in_a_process(upstream_at(url), faults=plan.choose_in_thread) as stage,
    ):
        first = await talk(stage.port, post(b"{}", PATH, LAST))
        assert first.startswith(b"HTTP/1.1 503")
        assert JSON in await talk(stage.port, post(b"{}", PATH, LAST))
        calls = await stage.watcher.ended(2)
    assert [one.request.fault for one in calls] == ["first=1 status=503", ""]


async def test_a_recorded_reply_is_sent_by_the_relay() -> None:
    gate = answering_recorded(recorded())
    async with relaying_in_a_process(upstream_at("http://127.0.0.1:9/v1"), gate=gate) as stage:
        got = await talk(stage.port, post(b'{"stream": true}', PATH, LAST))
        (call,) = await stage.watcher.ended(1)
    assert b"Hello" in got
    assert "answered with the recorded reply" in call.request.intervention


async def test_a_gate_that_fails_lets_the_call_pass() -> None:
    async def fail(_request: WatchedRequest) -> Decision:
        raise RuntimeError("no terminal")

    async with (
        serving(answering(SSE)) as url,
        relaying_in_a_process(upstream_at(url), gate=GateBy(fail)) as stage,
    ):
        assert SSE in await talk(stage.port, post(b"{}", PATH, LAST))
        await stage.relay.settle(20)
    assert stage.reports == [
        "A call could not be decided about (no terminal). It was forwarded unchanged."
    ]


@pytest.mark.parametrize("source", ["a file", "the system"])
async def test_the_relay_trusts_the_same_authorities(source: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(bundle))
    system = ssl.create_default_context()
    authority.configure_trust(system)
    with LoopbackServer(context) as server:
        variables = {"SSL_CERT_FILE": str(bundle)} if source == "a file" else {}
        endpoint = Endpoint("up", server.base_url)
        upstreams: list[Any] = [
            Upstream("up", server.base_url, find_route(endpoint, variables, lambda: system)),
            Upstream("other", server.base_url, Route(ssl.create_default_context())),
        ]
        async with relaying_in_a_process(*upstreams) as stage:
            assert b"Hello" in await talk(stage.port, post(b"{}", PATH, LAST))
            refused = await talk(stage.port, post(b"{}", f"/other{PATH}", LAST))
    assert b"its certificate is not valid" in refused
