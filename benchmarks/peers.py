"""Other programs on the PATH, through the same driver and the same server.

elia and llm are driven; oterm and parllama speak to other servers than this one until a
person has set them up on their screens.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.terminal import Program

_COUNT = 10_000
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """`prepare` writes its settings below a folder and gives its environment."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path, str], dict[str, str]]


def _elia(folder: Path, base_url: str) -> dict[str, str]:
    settings = folder / "elia" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(
        'default_model = "openai/bench"\n\n[[models]]\nname = "openai/bench"\n'
        f'api_base = "{base_url}"\napi_key = "none"\n'
    )
    return {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def _llm(folder: Path, base_url: str) -> dict[str, str]:
    model = "- model_id: bench\n  model_name: bench\n"
    (folder / "extra-openai-models.yaml").write_text(f"{model}  api_base: {base_url}\n")
    return {"LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "none"}


PEERS = (Peer("elia", (), _elia), Peer("llm", ("-m", "bench"), _llm))


def measure_peers(bench: Bench) -> list[Row]:
    """Those that are installed: many chunks at full speed."""
    rows = []
    for peer in PEERS:
        if shutil.which(peer.name) is not None:
            rows.append(_measure(bench, peer))
    return rows


def _measure(bench: Bench, peer: Peer) -> Row:
    folder = bench.folder / f"peer-{peer.name}"
    folder.mkdir()
    environment = peer.prepare(folder, bench.base_url)
    bench.forget_times()
    argv = [peer.name, *peer.arguments, f"{_COUNT} chunks at 0"]
    with Program(argv, environment) as program:
        what = f"{peer.name}: {_COUNT:,} chunks, until the last text is seen"
        try:
            shown = program.wait_for(LAST, _LONGEST_S)
        except TimeoutError:
            took = time.monotonic() - program.started_s
            return Row(what, took, "s", None, "given up; the text had not come")
        came = bench.times()["came"]
        return Row(what, shown - came, "s", None, f"{program.cpu_s():.1f} s of CPU, start included")
