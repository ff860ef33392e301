"""What the relay of `replyscope watch` adds, against a plain TCP relay in the same run."""

import json
import os
import re
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.terminal import PYTHON, Program

_CALLS = 300
_CHUNKS = 400
_CHUNK = 200
_PAUSE_MS = 2.0
_REST_S = 0.02
"""The pause before each call, so that it does not meet the saving of the one before."""
_MB = int(os.environ.get("REPLYSCOPE_BENCH_MB", "200"))
"""The size of the traffic for throughput and memory."""
_PART = 65_536
_BUSY_CLIENTS = 3
"""The programs whose replies stream while the live screen is measured."""
_BUSY_CHUNKS = 1_500
_BUSY_PAUSE_MS = 20.0
_HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\n"
    b"Authorization: Bearer sk-bench-0123456789abcdef\r\nContent-Length: %d\r\n\r\n"
)


class Client:
    """A client with one connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        self._asked = 0

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def first_byte_ms(self) -> float:
        """The time from a request to the first byte of its response."""
        began = time.monotonic_ns()
        self._ask(1, 100, 0)
        data = self._socket.recv(_PART)
        passed_ms = (time.monotonic_ns() - began) / 1e6
        while not data.endswith(b"0\r\n\r\n"):
            data += self._socket.recv(_PART)
        return passed_ms

    def chunk_delays_ms(
        self, count: int = _CHUNKS, size: int = _CHUNK, pause_ms: float = _PAUSE_MS
    ) -> list[float]:
        """The time from the server to here, for each chunk of a paced stream."""
        self._ask(count, size, pause_ms)
        delays, rest = list[float](), b""
        while not rest.endswith(b"0\r\n\r\n"):
            rest += self._socket.recv(_PART)
            now = time.monotonic_ns()
            *lines, rest = rest.split(b"}\n\n")
            sent = [re.search(rb"(\d{12,19})x", line) for line in lines]
            delays += [(now - int(found[1])) / 1e6 for found in sent if found is not None]
        return delays

    def seconds_for(self, megabytes: int) -> float:
        """The time that a large response takes."""
        began = time.monotonic()
        self._ask(megabytes * 16, _PART, 0)
        end = b""
        while not end.endswith(b"\r\n0\r\n\r\n"):
            end = (end + self._socket.recv(1_048_576))[-16:]
        return time.monotonic() - began

    def _ask(self, count: int, size: int, pause_ms: float) -> None:
        self._asked += 1  # no call is a retry of another
        text = f"{count} {size} {pause_ms} {self._socket.getsockname()[1]} {self._asked}"
        prompt = {"role": "user", "content": text}
        body = json.dumps({"model": "bench", "stream": True, "messages": [prompt]}).encode()
        self._socket.sendall(_HEAD % len(body) + body)


@contextmanager
def _running(*argv: str) -> Iterator[tuple[int, int]]:
    """A process that prints its port first: the port, and the pid of what forwards."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        # The lines of calls are read, so that the process never waits for its output.
        threading.Thread(target=list, args=(process.stdout,), daemon=True).start()
        try:
            found = re.search(r"127\.0\.0\.1:(\d+)/v1 forwards|^(\d+)(?: (\d+))?$", first)
            assert found is not None, first
            yield int(found[1] or found[2]), int(found[3] or process.pid)
        finally:
            process.kill()


@contextmanager
def _all_ways(bench: Bench) -> Iterator[tuple[dict[str, int], int]]:
    """The ports by way, and the pid of the relay without an archive."""
    module = (PYTHON, "-m", "benchmarks.relays")
    place = ("--data-dir", str(bench.folder / "watch"))
    with ExitStack() as stack:
        direct, _ = stack.enter_context(_running(*module, "server"))
        url = f"http://127.0.0.1:{direct}/v1"
        plain, _ = stack.enter_context(_running(*module, "plain", str(direct)))
        relay, pid = stack.enter_context(_running(*module, "watch", url))
        whole = (PYTHON, "-m", "replyscope", "watch", "--to", url, *place)
        saving, _ = stack.enter_context(_running(*whole))
        yield {"direct": direct, "plain": plain, "relay": relay, "saving": saving}, pid


def _memory_mb(pid: int, name: str = "VmRSS") -> float:
    """The resident size of a process, with `VmHWM` the largest so far; Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_watch(bench: Bench) -> list[Row]:
    """First byte, chunks, throughput and memory: direct, through a plain relay, through ours."""
    with _all_ways(bench) as (ports, pid), ExitStack() as stack:
        clients = {way: Client(port) for way, port in ports.items()}
        for client in clients.values():
            stack.callback(client.close)
            for _ in range(20):
                client.first_byte_ms()
        rows = [*_first_byte(clients), *_new_connections(ports), *_chunks(clients)]
        rows += _bulk(bench, clients, pid)
        return rows + _live(bench, ports["direct"], clients["direct"])


def _added(what: str, times: dict[str, list[float]]) -> list[Row]:
    """Median and 99th percentile of the added time in microseconds."""
    rows = []
    for name, share, target_us in (("median", 0.5, 2_000), ("99th percentile", 0.99, 5_000)):
        at = {way: 1_000 * _percentile(one, share) for way, one in times.items()}
        detail = (
            f"a plain relay {at['plain'] - at['direct']:,.0f} µs, ours without saving "
            f"{at['relay'] - at['direct']:,.0f} µs; direct {at['direct']:,.0f} µs"
        )
        rows.append(Row(f"{what}, {name}", at["saving"] - at["direct"], "µs", target_us, detail))
    return rows


def _first_byte(clients: dict[str, Client]) -> list[Row]:
    times: dict[str, list[float]] = {way: [] for way in clients}
    for _ in range(_CALLS):  # in turn, so that noise of the machine hits all
        for way, client in clients.items():
            time.sleep(_REST_S)
            times[way].append(client.first_byte_ms())
    return _added("first byte: added on a kept connection", times)


def _new_connections(ports: dict[str, int]) -> list[Row]:
    times: dict[str, list[float]] = {way: [] for way in ports}
    for _ in range(_CALLS):
        for way, port in ports.items():
            time.sleep(_REST_S)
            client = Client(port)
            times[way].append(client.first_byte_ms())
            client.close()
    return _added("first byte: added on a new connection", times)


def _chunks(clients: dict[str, Client]) -> list[Row]:
    times = {way: client.chunk_delays_ms() for way, client in clients.items()}
    return _added(f"chunk of {_CHUNK} bytes: added", times)


def _live(bench: Bench, upstream: int, direct: Client) -> list[Row]:
    """First byte and chunks while the live screen is open, and draws the replies of programs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, place = f"http://127.0.0.1:{upstream}/v1", str(bench.folder / "live")
    argv = [PYTHON, "-m", "replyscope", "watch", "--to", url, "--port", str(port)]
    has_ended = threading.Event()
    with Program([*argv, "--data-dir", place], {}) as screen:
        screen.wait_for("Waiting for calls")

        def read() -> None:
            while not has_ended.is_set():
                screen.read(0.1)
                screen.output.clear()

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        try:
            return _added_live(direct, port)
        finally:
            has_ended.set()
            reading.join()


def _added_live(direct: Client, port: int) -> list[Row]:
    """What the live screen adds to a first byte and to a chunk."""
    busy = [Client(port) for _ in range(_BUSY_CLIENTS)]
    asked = (_BUSY_CHUNKS, _CHUNK, _BUSY_PAUSE_MS)
    for one in busy:
        threading.Thread(target=one.chunk_delays_ms, args=asked, daemon=True).start()
    client = Client(port)
    pairs = {"direct": direct, "live": client}
    first: dict[str, list[float]] = {way: [] for way in pairs}
    for _ in range(_CALLS):
        for way, one in pairs.items():
            time.sleep(_REST_S)
            first[way].append(one.first_byte_ms())
    chunks = {way: one.chunk_delays_ms() for way, one in pairs.items()}
    client.close()
    rows = []
    for what, times in (("first byte", first), (f"chunk of {_CHUNK} bytes", chunks)):
        for name, share, target_us in (("median", 0.5, 2_000), ("99th percentile", 0.99, 5_000)):
            at = {way: 1_000 * _percentile(one, share) for way, one in times.items()}
            rows.append(
                Row(f"{what}: added with the live screen busy, {name}", at["live"] - at["direct"],
                    "µs", target_us, f"direct {at['direct']:,.0f} µs")
            )  # fmt: skip
    return rows


def _bulk(bench: Bench, clients: dict[str, Client], pid: int) -> list[Row]:
    before = _memory_mb(pid)
    plain, ours = (
        statistics.median(clients[way].seconds_for(_MB) for _ in range(bench.runs))
        for way in ("plain", "relay")
    )
    speeds = f"{_MB / ours:,.0f} MB/s, a plain relay {_MB / plain:,.0f} MB/s"
    sent = bench.runs * _MB
    return [
        Row("time for a large response, of a plain relay's", ours / plain, "x", None, speeds),
        Row(
            f"memory kept after {sent:,} MB of traffic",
            _memory_mb(pid) - before,
            "MB",
            2,
            f"at most {_memory_mb(pid, 'VmHWM') - before:,.0f} MB while copies waited",
        ),
    ]
