"""Several processes on one data folder: every exchange is there, and none twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Role
from tests.cli.run import environment
from tests.faults.aftermath import look_after
from tests.support.server import Answer, LoopbackServer, delta, sse, usage
from tests.support.suite import Suite

_ROOT = Path(__file__).parents[2]
_FRAMES = 13


@pytest.mark.parametrize("processes", [2, 8])
def test_processes_that_write_at_once(
    processes: int, suite: Suite, server: LoopbackServer, tmp_path: Path
) -> None:
    if suite.size < 0.1:
        processes = min(processes, 3)  # eight have to start before they can write
    whole = sse(*(delta(f"w{n} ") for n in range(10)), delta(finish="stop"), usage())
    server.answer = lambda _request: Answer(chunks=[b"".join(whole)])
    seconds = 60 * suite.size
    writing = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer", f"p{n}", server.base_url, str(seconds)],
            env=environment(tmp_path),
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    prompts: list[str] = []
    for process in writing:
        told, faults = process.communicate(timeout=600)
        assert process.returncode == 0, faults
        prompts += json.loads(told)
    left = look_after(tmp_path)
    said = Counter(m.text for s in left.sessions for m in s.messages if m.role is Role.USER)
    assert said == Counter(prompts)
    assert len(left.exchanges) == len(prompts)
    assert len(left.frames) == len(prompts)
    for exchange in left.exchanges:
        assert exchange.state is ExchangeState.COMPLETED
        assert len(exchange.choice(0).text.split()) == 10
        assert len(left.frames[exchange.id]) == _FRAMES
    assert not any((tmp_path / "data" / "live").iterdir())
    suite.say(
        f"{processes} processes writing for {seconds:.0f} s: {len(prompts):,} exchanges, all of "
        "them there, none doubled, and nobody was told that the file was locked"
    )
