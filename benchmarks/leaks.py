"""Two hours of use in a few minutes: does memory grow with what was done?

Replies with pictures, diagrams, formulas and calls of a tool; now and then three sessions stream
beside the open one; and a program calls through the watch of the chat.
"""

import json
import re
import time
import urllib.request

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.terminal import Program

_IN_A_SESSION = 20
_WATCHED_EVERY = 5
_ORDERS = (
    *("30 chunks", "1 pictures", "30 chunks", "1 diagrams", "2 calls", "3 formulas"),
    *("30 chunks", "8 pictures", "400 chunks"),
)
"""What the prompts ask for, in turn."""
_BESIDE = 3
"""Sessions that stream beside the open one at the end of each."""
_SETTINGS = """\
[tools]
enabled = ["shipped/calculate"]

[[tools.allow]]
tool = "shipped/calculate"
arguments = { expression = "*" }
"""
_ADDRESS = re.compile(r"OPENAI_BASE_URL=(\S+)")
_LONGEST_S = 60.0


def use(bench: Bench, program: Program, exchanges: int, watched: str) -> None:
    """Ask and read, and begin a new session now and then. `watched` is the address of the watch."""
    bench.forget_times()
    for number in range(exchanges):
        _ask(bench, program, f"{_ORDERS[number % len(_ORDERS)]} at 0")
        if number % _WATCHED_EVERY == 0:
            _call(bench, program, watched)
        if number % _IN_A_SESSION == _IN_A_SESSION - 1:
            _stream_beside(bench, program)


def _ask(bench: Bench, program: Program, prompt: str) -> None:
    """Send a prompt, and wait until its reply, and that to its calls, was sent."""
    program.type(f"{prompt}\r")
    for _ in range(2 if "calls" in prompt else 1):
        # What is written says little: a line that moves is written again.
        _wait_for_answer(bench, program)
    program.settle(0.1)


def _wait_for_answer(bench: Bench, program: Program) -> None:
    ends_s = time.monotonic() + _LONGEST_S
    while not bench.is_told:
        program.read(0.02)
        if time.monotonic() > ends_s:
            raise TimeoutError(f"nothing was asked:\n{program.screen.text()}")
    bench.times()


def _stream_beside(bench: Bench, program: Program) -> None:
    """Let some sessions stream at once, and go on in a new one."""
    for _ in range(_BESIDE):
        program.type("\x0e")
        program.settle(0.2)
        program.type("150 chunks at 100\r")
        program.settle(0.3)
    program.type("\x0e")
    program.settle(0.2)
    for _ in range(_BESIDE):
        _wait_for_answer(bench, program)


def _call(bench: Bench, program: Program, watched: str) -> None:
    """Call through the watch, as another program does."""
    messages = [{"role": "user", "content": "30 chunks at 0"}]
    body = json.dumps({"model": "bench", "stream": True, "messages": messages}).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer none"}
    request = urllib.request.Request(f"{watched}/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=_LONGEST_S) as response:
        response.read()
    _wait_for_answer(bench, program)


def _watched(program: Program) -> str:
    """Start the watch in the chat. Returns the base URL for other programs."""
    program.type("/watch\r")
    program.wait_for("OPENAI_BASE_URL=http")
    found = _ADDRESS.search(program.screen.text())
    assert found is not None
    program.settle(1.0)
    program.type("\x1b")
    program.settle(1.0)
    return found[1]


def measure_leaks(bench: Bench, exchanges: int = 2_000) -> list[Row]:
    """Memory after the first half of the exchanges, and after all of them."""
    with bench.started("leaks", settings=_SETTINGS) as program:
        watched = _watched(program)
        use(bench, program, exchanges // 2, watched)
        program.settle(3.0)
        half = program.resident_mb()
        use(bench, program, exchanges // 2, watched)
        program.settle(3.0)
        grown = program.resident_mb() - half
    what = f"memory over the last {exchanges // 2:,} of {exchanges:,} exchanges"
    return [Row(what, grown, "MB", 2, f"{half:.0f} MB after the first half")]
