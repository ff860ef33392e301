"""Other programs, through the same driver and the same server.

elia and llm are driven when they are on the PATH, and codex, which npm installs; oterm and
parllama speak to other servers than this one until a person has set them up on their screens.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.npm import install

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.terminal import Program

_COUNT = 10_000
_LONGEST_S = 60.0
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Peer:
    """`prepare` writes its settings below a folder, in which it runs, and gives its environment.
    `find` gives the path of the program if it is not looked for on the PATH. The prompt is typed
    when `ready` is on the screen, and Enter pressed until `taken` is; without `ready`, the prompt
    is an argument. `done` is what the screen shows at the end: that of codex scrolls in a way that
    the driver does not follow.
    """

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path, str], dict[str, str]]
    find: Callable[[], str | None] | None = None
    ready: str = ""
    taken: str = ""
    done: str = LAST

    def path(self) -> str | None:
        """The path of the program, None where it is not installed."""
        return shutil.which(self.name) if self.find is None else self.find()


def _elia(folder: Path, base_url: str) -> dict[str, str]:
    settings = folder / "elia" / "config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(
        'default_model = "openai/bench"\n\n[[models]]\nname = "openai/bench"\n'
        f'api_base = "{base_url}"\napi_key = "none"\n'
    )
    return {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def _llm(folder: Path, base_url: str) -> dict[str, str]:
    model = "- model_id: bench\n  model_name: bench\n"
    (folder / "extra-openai-models.yaml").write_text(f"{model}  api_base: {base_url}\n")
    return {"LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "none"}


def _codex(folder: Path, base_url: str) -> dict[str, str]:
    (folder / "config.toml").write_text(
        'model = "bench"\nmodel_provider = "bench"\ncheck_for_update_on_startup = false\n'
        f'[model_providers.bench]\nname = "bench"\nbase_url = "{base_url}"\n'
        f'wire_api = "responses"\nenv_key = "BENCH_KEY"\n'
        f'[projects."{folder}"]\ntrust_level = "trusted"\n'
    )
    return {"CODEX_HOME": str(folder), "BENCH_KEY": "none"}


def _installed_codex() -> str | None:
    """The path of codex, installed with npm where that is possible. Its npm script only starts
    the program of the platform.
    """
    try:
        script = install("codex", "@openai/codex", "codex")
    except pytest.skip.Exception:
        return None
    packages = script.resolve().parents[2]
    found = packages.glob("codex-*/vendor/*/bin/codex")
    return next(map(str, found), None)


CODEX = Peer(
    "codex",
    ("--no-alt-screen",),
    _codex,
    _installed_codex,
    ready="for shortcuts",
    taken="Ask Codex",
    done="Worked for",
)
PEERS = (Peer("elia", (), _elia), Peer("llm", ("-m", "bench"), _llm), CODEX)


def measure_peers(bench: Bench) -> list[Row]:
    """Those that are installed: many chunks at full speed."""
    rows = []
    for peer in PEERS:
        path = peer.path()
        if path is not None:
            rows.append(_measure(bench, peer, path))
    return rows


@contextmanager
def asked(bench: Bench, peer: Peer, path: str, prompt: str) -> Iterator[Program]:
    """A peer in a folder of its own that was asked a prompt."""
    folder = bench.folder / f"peer-{peer.name}-{prompt.replace(' ', '-')}"
    folder.mkdir(exist_ok=True)
    environment = peer.prepare(folder, bench.base_url)
    bench.forget_times()
    argv = [path, *peer.arguments, *([] if peer.ready else [prompt])]
    try:
        with chdir(folder), Program(argv, environment) as program:
            if peer.ready:
                program.wait_for(peer.ready)
                program.type(prompt)
                program.wait_for(prompt)
                _press_enter(program, peer.taken)
            yield program
    finally:
        _end_daemons(folder)


def _end_daemons(folder: Path) -> None:
    """End the programs that a peer started from its folder and left running, as codex does."""
    for path in Path("/proc").glob("[0-9]*/exe"):
        with suppress(OSError):  # it has ended, or is another user's
            if path.readlink().is_relative_to(folder):
                os.kill(int(path.parent.name), signal.SIGKILL)


def _press_enter(program: Program, taken: str) -> None:
    """Press Enter until the prompt was taken: while it starts, codex leaves the key out."""
    for _ in range(_TRIES):
        program.settle(1.0)
        program.type("\r")
        try:
            program.wait_for(taken, 2.0)
        except TimeoutError:
            continue
        return
    raise TimeoutError(f"the prompt was never taken:\n{program.screen.text()}")


def _measure(bench: Bench, peer: Peer, path: str) -> Row:
    what = f"{peer.name}: {_COUNT:,} chunks, until the last text is seen"
    with asked(bench, peer, path, f"{_COUNT} chunks at 0") as program:
        try:
            shown = program.wait_for(peer.done, _LONGEST_S)
        except TimeoutError:
            took = time.monotonic() - program.started_s
            return Row(what, took, "s", None, "given up; the text had not come")
        came = bench.times()["came"]
        return Row(what, shown - came, "s", None, f"{program.cpu_s():.1f} s of CPU, start included")
