"""What the relay of `replyscope watch` adds, against a plain TCP relay in the same run."""

import os
import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.terminal import PYTHON

_CALLS = 400
_CHUNKS = 400
_CHUNK = 200
_PAUSE_MS = 2.0
_MB = int(os.environ.get("REPLYSCOPE_BENCH_MB", "200"))
"""The size of the traffic for throughput and memory."""
_PART = 65_536


class Client:
    """A client with one connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def first_byte_ms(self) -> float:
        """The time from a request to the first byte of its response."""
        began = time.monotonic_ns()
        self._ask(1, 30, 0)
        data = self._socket.recv(_PART)
        passed_ms = (time.monotonic_ns() - began) / 1e6
        while not data.endswith(b"0\r\n\r\n"):
            data += self._socket.recv(_PART)
        return passed_ms

    def chunk_delays_ms(self) -> list[float]:
        """The time from the server to here, for each chunk of a paced stream."""
        self._ask(_CHUNKS, _CHUNK, _PAUSE_MS)
        delays, rest = list[float](), b""
        while not rest.endswith(b"0\r\n\r\n"):
            rest += self._socket.recv(_PART)
            now = time.monotonic_ns()
            *lines, rest = rest.split(b"x\n")
            sent = [re.search(rb"(\d{12,19})x", line + b"x") for line in lines]
            delays += [(now - int(found[1])) / 1e6 for found in sent if found is not None]
        return delays

    def seconds_for(self, megabytes: int) -> float:
        """The time that a large response takes."""
        began = time.monotonic()
        self._ask(megabytes * 16, _PART, 0)
        end = b""
        while not end.endswith(b"\n\r\n0\r\n\r\n"):
            end = (end + self._socket.recv(1_048_576))[-16:]
        return time.monotonic() - began

    def _ask(self, count: int, size: int, pause_ms: float) -> None:
        body = f"{count} {size} {pause_ms}".encode()
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        )
        self._socket.sendall(head % len(body) + body)


@contextmanager
def _running(*argv: str) -> Iterator[tuple[int, int]]:
    """A process of `benchmarks.relays`: its port and pid."""
    command = [PYTHON, "-m", "benchmarks.relays", *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


def _most_memory_mb(pid: int) -> float:
    """The largest resident size of a process so far; Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_watch(bench: Bench) -> list[Row]:
    """First byte, chunks, throughput and memory: direct, through a plain relay, through ours."""
    with ExitStack() as stack:
        direct, _ = stack.enter_context(_running("server"))
        plain, _ = stack.enter_context(_running("plain", str(direct)))
        url = f"http://127.0.0.1:{direct}/v1"
        ours, pid = stack.enter_context(_running("watch", url))
        clients = [Client(port) for port in (direct, plain, ours)]
        for client in clients:
            stack.callback(client.close)
            client.first_byte_ms()
        rows = [*_first_byte(clients), *_new_connections((direct, plain, ours)), *_chunks(clients)]
        return rows + _bulk(bench, clients, pid)


def _added(what: str, times: list[list[float]], targets: tuple[float, float]) -> list[Row]:
    """Median and 99th percentile of the added time in microseconds."""
    rows = []
    for name, share, target in (("median", 0.5, targets[0]), ("99th percentile", 0.99, targets[1])):
        direct, plain, ours = (_percentile(one, share) for one in times)
        detail = f"a plain relay {(plain - direct) * 1000:.0f} µs, direct {direct * 1000:.0f} µs"
        row = Row(f"{what}, {name}", (ours - direct) * 1000, "µs", target * 1000, detail)
        rows.append(row)
    return rows


def _first_byte(clients: list[Client]) -> list[Row]:
    times: list[list[float]] = [[], [], []]
    for _ in range(_CALLS):  # in turn, so that noise of the machine hits all
        for place, client in enumerate(clients):
            times[place].append(client.first_byte_ms())
    return _added("first byte: added on a kept connection", times, (2.0, 5.0))


def _new_connections(ports: tuple[int, ...]) -> list[Row]:
    times: list[list[float]] = [[], [], []]
    for _ in range(_CALLS // 4):
        for place, port in enumerate(ports):
            client = Client(port)
            times[place].append(client.first_byte_ms())
            client.close()
    return _added("first byte: added on a new connection", times, (2.0, 5.0))


def _chunks(clients: list[Client]) -> list[Row]:
    times = [client.chunk_delays_ms() for client in clients]
    return _added(f"chunk of {_CHUNK} bytes: added", times, (2.0, 5.0))


def _bulk(bench: Bench, clients: list[Client], pid: int) -> list[Row]:
    before = _most_memory_mb(pid)
    _, plain, ours = (
        statistics.median(client.seconds_for(_MB) for _ in range(bench.runs)) for client in clients
    )
    speeds = f"{_MB / ours:,.0f} MB/s, a plain relay {_MB / plain:,.0f} MB/s"
    sent = bench.runs * _MB
    return [
        Row("time for a large response, of a plain relay's", ours / plain, "x", None, speeds),
        Row(f"memory added by {sent:,} MB of traffic", _most_memory_mb(pid) - before, "MB", 16),
    ]
