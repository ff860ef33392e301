"""What every measure needs: the server, a scratch folder, and replyscope started on both."""

import json
import os
import queue
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.terminal import PYTHON, Program

READY = "ype a message"
"""What stands in the empty composer."""


def kept_folder() -> Path:
    """The folder of what takes long to build, which later runs use again."""
    return Path(os.environ.get("REPLYSCOPE_BENCH_CACHE", "~/.cache/replyscope-bench")).expanduser()


@dataclass
class Bench:
    """`runs` is how often each measure is repeated; medians are told."""

    base_url: str
    folder: Path
    runs: int
    _told: "queue.Queue[str]"

    def median(self, measure: Callable[[int], float]) -> float:
        """The median of several runs."""
        return statistics.median(measure(number) for number in range(self.runs))

    def start(self, name: str, *more: str, settings: str = "") -> Program:
        """The chat, on a data folder of that name."""
        folder = self.folder / name
        config = folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        if settings:
            (config / "settings.toml").write_text(settings)
        env = {"REPLYSCOPE_DATA_DIR": str(folder), "REPLYSCOPE_CONFIG_DIR": str(config)}
        argv = [PYTHON, "-m", "replyscope", "--base-url", self.base_url, "--model", "bench"]
        return Program([*argv, *more], env)

    def started(self, name: str, *more: str, settings: str = "") -> Program:
        """The same, ready and at rest."""
        program = self.start(name, *more, settings=settings)
        program.wait_for(READY)
        program.settle(2.0)
        return program

    def floor(self, name: str, *more: str) -> list[float]:
        """What one of the plain programs prints of itself."""
        argv = [PYTHON, "-m", "benchmarks.floors", name, self.base_url, *more]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return [float(word) for word in done.stdout.split()]

    def forget_times(self) -> None:
        """Leave out what the server told so far."""
        while not self._told.empty():
            self._told.get()

    @property
    def is_told(self) -> bool:
        """Whether the server told of an answer."""
        return not self._told.empty()

    def times(self) -> dict[str, float]:
        """When the next answer's request came, and its first and last chunk left."""
        told: dict[str, float] = json.loads(self._told.get(timeout=60))
        return told


def _collect(lines: Iterable[str], told: "queue.Queue[str]") -> None:
    for line in lines:
        told.put(line)


@contextmanager
def open_bench(runs: int) -> Iterator[Bench]:
    """A bench with a server of its own."""
    argv = [PYTHON, "-m", "benchmarks.server"]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, bufsize=1) as server,
    ):
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        told: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_collect, args=(server.stdout, told), daemon=True).start()
        try:
            yield Bench(f"http://127.0.0.1:{port}/v1", Path(name), runs, told)
        finally:
            server.kill()
