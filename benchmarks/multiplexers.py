"""The chat within tmux and screen: keys, Esc, and whether the screen is right in the end.

A multiplexer draws what the chat sends on a screen of its own, and sends that to the terminal. It
answers the status requests of the chat itself.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.streaming import at, echo_delays
from benchmarks.terminal import PYTHON, Program

_KEYS = 100


@dataclass(frozen=True, slots=True)
class Multiplexer:
    """`settings` is its settings file. `PLACE` in the arguments is where it keeps its sockets,
    `FILE` is the settings file; `ends` are the arguments that end it.
    """

    name: str
    settings: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]


MULTIPLEXERS = (
    Multiplexer(
        "tmux",
        "set -g status off\nset -s escape-time 10\n",
        ("-S", "PLACE/tmux", "-f", "FILE", "new-session"),
        ("-S", "PLACE/tmux", "kill-server"),
    ),
    Multiplexer(
        "screen",
        "startup_message off\ndefutf8 on\nterm screen-256color\n",
        ("-c", "FILE", "-S", "benchmark"),
        ("-S", "benchmark", "-X", "quit"),
    ),
)


def measure_multiplexers(bench: Bench) -> list[Row]:
    """Those that are installed."""
    return [row for one in MULTIPLEXERS if shutil.which(one.name) for row in _measure(bench, one)]


def _measure(bench: Bench, multiplexer: Multiplexer) -> list[Row]:
    with _started(bench, multiplexer) as program:
        program.wait_for(READY)
        program.settle(3.0)
        program.ask("20000 chunks at 100")
        program.wait_for("lazy")
        program.settle(2.0)
        delays = echo_delays(program, _KEYS)
        program.type("\x1b")
        program.wait_for("cancelled", 10.0)
        program.settle(3.0)
        wrong = _wrong_cells(program)
    what = f"in {multiplexer.name}"
    detail = f"median {at(delays, 0.5):.0f} ms"
    return [
        Row(f"{what}: key echo at 100 chunks/s, p99", at(delays, 0.99), "ms", 100, detail),
        Row(f"{what}: cells that are wrong in the end", wrong, "", 0),
    ]


@contextmanager
def _started(bench: Bench, multiplexer: Multiplexer) -> Iterator[Program]:
    """The chat in a multiplexer with a server of its own."""
    folder = bench.folder / multiplexer.name
    place = folder / "sockets"
    place.mkdir(parents=True)
    place.chmod(0o700)
    file = folder / "settings"
    file.write_text(multiplexer.settings)
    config = folder / "config"
    environment = {
        "REPLYSCOPE_DATA_DIR": str(folder),
        "REPLYSCOPE_CONFIG_DIR": str(config),
        "SCREENDIR": str(place),
        "TMUX": "",
        "STY": "",
    }
    starts = _filled(multiplexer, multiplexer.starts, place, file)
    chat = [PYTHON, "-m", "replyscope", "--base-url", bench.base_url, "--model", "bench"]
    try:
        with Program([*starts, *chat], environment) as program:
            yield program
    finally:
        ends = _filled(multiplexer, multiplexer.ends, place, file)
        subprocess.run(
            ["env", f"SCREENDIR={place}", *ends], check=False, capture_output=True, timeout=30
        )


def _filled(
    multiplexer: Multiplexer, arguments: tuple[str, ...], place: Path, file: Path
) -> list[str]:
    filled = (one.replace("PLACE", str(place)).replace("FILE", str(file)) for one in arguments)
    return [multiplexer.name, *filled]


def _wrong_cells(program: Program) -> int:
    """How many cells differ after the whole screen was drawn again."""
    before = program.screen.text()
    program.type("\x0c")
    program.settle(3.0)
    return sum(a != b for a, b in zip(before, program.screen.text(), strict=True))
