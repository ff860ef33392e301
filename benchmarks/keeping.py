"""What a backup costs: its time against a plain copy, its memory, and the keys meanwhile."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

from tests.support.build import NOON, make_exchange

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.streaming import at, echo_delays
from benchmarks.terminal import PYTHON
from replyscope.domain.json_values import to_ms
from replyscope.domain.session import SessionSettings
from replyscope.store.codec import encode_exchange, encode_settings
from replyscope.store.schema import migrate

_MB = int(os.environ.get("REPLYSCOPE_BENCH_BACKUP_MB", "1000"))
_KEYS = 120
_HIGHEST = re.compile(r"VmHWM:\s+(\d+) kB")


def measure_backup(bench: Bench) -> list[Row]:
    """A backup of a large archive, and a daily one in the app while a person types."""
    folder = bench.folder / "backup"
    fill(folder / "sessions.db", _MB)
    target = bench.folder / "made.db"
    rows = [_copied(folder / "sessions.db", bench.folder / "copied.db", target, folder)]
    rows.append(Row("backup: peak memory", _peak_mb(folder, target), "MB", 90))
    rows += _keys(bench)
    shutil.rmtree(folder)
    target.unlink()
    return rows


def fill(path: Path, megabytes: int) -> None:
    """An archive with one reply and a journal of that size."""
    path.parent.mkdir(parents=True)
    at_ms = to_ms(NOON)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, None)
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO session (id, title, created_at, updated_at, settings) "
            "VALUES ('s', 'Large', ?, ?, ?)",
            (at_ms, at_ms, encode_settings(SessionSettings())),
        )
        connection.execute(
            "INSERT INTO message VALUES ('m', 's', NULL, 'assistant', '[]', ?)", (at_ms,)
        )
        connection.execute(
            "INSERT INTO exchange (id, session_id, message_id, position, choice_index, state, "
            "model, started_at, folded) VALUES ('x1', 's', 'm', 0, 0, 'completed', 'm', ?, ?)",
            (at_ms, encode_exchange(make_exchange())),
        )
        for number in range(megabytes):
            data = os.urandom(1_000_000)
            connection.execute("INSERT INTO segment VALUES ('x1', ?, ?)", (number, data))
        connection.execute("COMMIT")


def _copied(database: Path, copied: Path, target: Path, folder: Path) -> Row:
    """The time of a backup for each GB, with that of a plain copy which ends on the disk too."""
    began = time.monotonic()
    subprocess.run(
        ["dd", f"if={database}", f"of={copied}", "bs=1M", "conv=fsync"],
        check=True,
        capture_output=True,
    )
    plain_s = time.monotonic() - began
    copied.unlink()
    began = time.monotonic()
    _back_up(folder, target).wait()
    took_s = time.monotonic() - began
    megabytes = target.stat().st_size / 1e6
    detail = f"{megabytes / took_s:.0f} MB/s, a plain copy {megabytes / plain_s:.0f} MB/s"
    return Row("backup: time for a GB", took_s / megabytes * 1000, "s", 10, detail)


def _back_up(folder: Path, target: Path) -> "subprocess.Popen[bytes]":
    argv = [PYTHON, "-m", "replyscope", "--data-dir", str(folder), "backup", str(target)]
    return subprocess.Popen([*argv, "--replace"], stdout=subprocess.DEVNULL)


def _peak_mb(folder: Path, target: Path) -> float:
    """The most memory that the process of a backup had.

    The figure that the system tells after its end would count the memory of this process, from
    which it was forked.
    """
    process = _back_up(folder, target)
    status = Path(f"/proc/{process.pid}/status")
    peak_kb = 0
    while process.poll() is None:
        found = _HIGHEST.search(status.read_text())
        peak_kb = max(peak_kb, int(found[1])) if found else peak_kb
        time.sleep(0.01)
    return peak_kb / 1000


def _keys(bench: Bench) -> list[Row]:
    """Key to screen while the app makes its daily backup, and without one."""
    name = "backup"
    with bench.started(name) as program:
        without = echo_delays(program, _KEYS)
    with bench.started(name, settings="[backup]\nkeep = 1\n") as program:
        folder = bench.folder / name / "backups"
        while not list(folder.glob(".replyscope-*.part")):
            program.settle(0.2)
        delays = echo_delays(program, _KEYS)
        is_running = bool(list(folder.glob(".replyscope-*.part")))
    detail = f"{at(without, 0.5):.0f} ms without"
    tail = f"{at(without, 0.99):.0f} ms without"
    was = "" if is_running else ", but the backup ended meanwhile"
    return [
        Row("key echo during a daily backup, median", at(delays, 0.5), "ms", 16, detail + was),
        Row("key echo during a daily backup, 99th percentile", at(delays, 0.99), "ms", 50, tail),
    ]
