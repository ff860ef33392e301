"""Whatever of HTTP never ends is left: within a limit in bytes and one in time."""

import time
from itertools import product
from pathlib import Path

import pytest

from replyscope.domain.errors import ProviderError
from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.ports import Clock
from replyscope.provider import bounds
from replyscope.provider.discovery import find_servers
from tests.hostile.bad_server import ERRORS, HEADS, LISTS, STREAMS, BadServer
from tests.hostile.memory import MOST_BYTES, needs_proc, peak
from tests.support.build import ask, open_chat, run
from tests.support.server import LoopbackServer
from tests.support.suite import Suite, sample

_LEFT = ("flood", "timeout", "interrupted", "garbled", "not_a_stream", "server", "unreachable")
_LONGEST_S = 20.0


@pytest.fixture(autouse=True)
def _errors_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LONGEST_ERROR_S", 1.0)


CASES = sample(product([*HEADS, *ERRORS, *STREAMS], SENDABLE), 24)


@pytest.mark.parametrize(("mode", "api"), CASES)
async def test_a_reply_that_never_ends_is_left(mode: str, api: Api, clock: Clock) -> None:
    answer = {**HEADS, **ERRORS, **STREAMS}[mode]
    began = time.monotonic()
    with BadServer(answer, answer) as server:
        async with open_chat(server.base_url, clock, api=api, timeout_s=1.0) as provider:
            exchange = await run(provider, ask())
    assert time.monotonic() - began < _LONGEST_S
    assert exchange.failure is not None
    assert exchange.failure.kind in _LEFT, exchange.failure
    assert exchange.state in (ExchangeState.FAILED, ExchangeState.TRUNCATED)
    assert len(exchange.failure.message) < 1_000


@pytest.mark.parametrize("mode", [*HEADS, *LISTS, *ERRORS])
async def test_a_list_of_models_that_never_ends_is_left(
    mode: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replyscope.provider.openai_provider.LONGEST_LIST_S", 2.0)
    answer = {**HEADS, **LISTS, **ERRORS}[mode]
    began = time.monotonic()
    with BadServer(answer, answer) as server:
        port = int(server.base_url.rpartition(":")[2].removesuffix("/v1"))
        assert await find_servers((("bad", port),)) == ()
        async with open_chat(server.base_url, clock) as provider:
            with pytest.raises(ProviderError) as left:
                await provider.list_models()
    assert time.monotonic() - began < _LONGEST_S
    assert len(str(left.value)) < 1_000


async def test_heads_are_counted_in_bytes(clock: Clock) -> None:
    """Pins what of the HTTP client is private: that connections can be watched."""
    for mode in ("1xx answers", "encodings"):
        with BadServer(HEADS[mode], HEADS[mode]) as server:
            async with open_chat(server.base_url, clock, timeout_s=60.0) as provider:
                exchange = await run(provider, ask())
        assert exchange.failure is not None
        assert exchange.failure.kind == "flood"


@needs_proc
@pytest.mark.timeout(900)
def test_no_answer_takes_much_memory(suite: Suite, server: LoopbackServer, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    idle = peak(tmp_path, "ask", "hi", OPENAI_BASE_URL=server.base_url)[2]
    commands = {
        "doctor": {**HEADS, **LISTS, **ERRORS},
        "ask": {**HEADS, **ERRORS, **STREAMS},
    }
    all_of_it = [(name, mode) for name, modes in commands.items() for mode in modes]
    tried = suite.dice("http").sample(all_of_it, suite.count(len(all_of_it), least=3))
    most = 0
    for name, mode in tried:
        answer = commands[name][mode]
        with BadServer(answer, answer) as bad:
            (config / "settings.toml").write_text(
                f'provider = "p"\n[providers.p]\nbase_url = "{bad.base_url}"\nmodel = "m"\n'
                "timeout_s = 10\nmax_retries = 0\n"
            )
            arguments = ("ask", "hi") if name == "ask" else ("doctor",)
            status, said, reached = peak(tmp_path, *arguments)
        assert status == 3, (name, mode, said)
        assert "Traceback" not in said
        assert reached - idle <= MOST_BYTES, f"{name}, {mode}: {(reached - idle) / 1e6:.0f} MB"
        most = max(most, reached - idle)
    suite.say(
        f"{len(tried)} answers of {len(all_of_it)} that never end: each left in words, "
        f"with {most / 1e6:.0f} MB at most"
    )
