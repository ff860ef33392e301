"""A reply of valid events has a bound, too: in bytes, and in parts. What came of it is kept."""

import sys
from pathlib import Path

import pytest

from replyscope.domain.exchange import Api
from replyscope.domain.ports import Clock
from replyscope.inspection.findings import find_oddities
from tests.cli.run import run_program
from tests.hostile.bad_server import BadServer
from tests.hostile.memory import MOST_BYTES, needs_proc, peak
from tests.hostile.valid_floods import COUNTED, FLOODS
from tests.support.build import ask, open_chat, run
from tests.support.server import LoopbackServer
from tests.support.suite import Suite


def _configure(folder: Path, base_url: str, api: Api) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "settings.toml").write_text(
        f'provider = "p"\n[providers.p]\nbase_url = "{base_url}"\nmodel = "m"\n'
        f'api = "{api.value}"\ntimeout_s = 30\nmax_retries = 0\n'
    )


@pytest.mark.parametrize(("api", "name"), [key for key in FLOODS if key[1] in COUNTED])
async def test_a_reply_with_too_many_parts_is_left_kept_and_found(
    api: Api, name: str, clock: Clock
) -> None:
    flood = FLOODS[api, name]
    with BadServer(flood, flood) as server:
        async with open_chat(server.base_url, clock, api=api) as provider:
            exchange = await run(provider, ask())
    assert exchange.failure is not None
    assert exchange.failure.kind == "flood"
    assert f"a reply with more than {COUNTED[name]:,}" in exchange.failure.message
    assert exchange.frame_count > COUNTED[name]
    assert f"the response was not read completely: {exchange.failure.message}" in find_oddities(
        exchange
    )


@needs_proc
@pytest.mark.timeout(3_600)
def test_no_valid_reply_takes_much_memory(
    suite: Suite, server: LoopbackServer, tmp_path: Path
) -> None:
    idle = peak(tmp_path, "ask", "hi", OPENAI_BASE_URL=server.base_url)[2]
    tried = suite.dice("valid").sample(list(FLOODS), suite.count(len(FLOODS)))
    most = 0
    for number, (api, name) in enumerate(tried):
        folder = tmp_path / str(number)
        folder.mkdir()
        with BadServer(FLOODS[api, name], FLOODS[api, name]) as bad:
            _configure(folder, bad.base_url, api)
            status, said, reached = peak(folder, "ask", "hi")
        assert status == 3, (api, name, said)
        assert "The rest was not read." in said
        assert reached - idle <= MOST_BYTES, f"{api}, {name}: {(reached - idle) / 1e6:.0f} MB"
        assert "hi" in run_program(folder, "sessions", "list").stdout
        most = max(most, reached - idle)
    suite.say(
        f"{len(tried)} valid replies of {len(FLOODS)} that never end: each left in words and "
        f"kept, with {most / 1e6:.0f} MB at most"
    )


@needs_proc
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
@pytest.mark.timeout(3_600)
def test_no_valid_reply_takes_much_memory_of_the_app(suite: Suite, tmp_path: Path) -> None:
    from tests.stories.terminal import Terminal  # needs a pty

    tried = suite.dice("app").sample(list(FLOODS), suite.count(6))
    most = 0
    for number, (api, name) in enumerate(tried):
        folder = tmp_path / str(number)
        folder.mkdir()
        with BadServer(FLOODS[api, name], FLOODS[api, name]) as bad:
            _configure(folder, bad.base_url, api)
            with Terminal(folder) as terminal:
                terminal.wait_for("type a message")
                terminal.settle(1.0)
                idle = _memory(terminal.pid)
                terminal.type("hi\r")
                terminal.wait_for("was not read", timeout_s=600)
                reached = _memory(terminal.pid)
        assert reached - idle <= MOST_BYTES, f"{api}, {name}: {(reached - idle) / 1e6:.0f} MB"
        most = max(most, reached - idle)
    suite.say(f"{len(tried)} of them in the app: {most / 1e6:.0f} MB at most")


def _memory(pid: int) -> int:
    """The peak memory of a process, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
