"""An HTTP server that never ends, in one mode for each place of HTTP and of event streams.

A mode is a function that yields the bytes of one answer, its head included; the server sends
them until the client has gone.
"""

import gzip
import itertools
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.support.server import delta, sse

OK, ERROR = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 Broken\r\n"
JSON = b"content-type: application/json\r\n"
EVENTS = b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
END = b"\r\n"
MB = 1024 * 1024
_MUCH = b"x" * 65_536
_BEGUN = sse(delta("half"), done=False)[0]

Mode = Callable[[], Iterator[bytes]]


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def endless(head: bytes, first: bytes, piece: bytes) -> Mode:
    """A body that begins, and repeats one piece for ever."""

    def answer() -> Iterator[bytes]:
        yield head + CHUNKED + END + (chunk(first) if first else b"")
        yield from itertools.repeat(chunk(piece))

    return answer


def trickle(head: bytes, first: bytes, piece: bytes) -> Mode:
    """The same, a piece every 50 ms."""

    def answer() -> Iterator[bytes]:
        yield head + CHUNKED + END + (chunk(first) if first else b"")
        while True:
            time.sleep(0.05)
            yield chunk(piece)

    return answer


def bomb(head: bytes, first: bytes, layers: int = 1, unit: bytes = b" ") -> Mode:
    """A gigabyte in compressed bytes, packed `layers` times."""

    def answer() -> Iterator[bytes]:
        encodings = b", ".join([b"gzip"] * layers)
        yield head + CHUNKED + b"content-encoding: " + encodings + END + END
        packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        begun = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
        # After a full flush a block stands for itself, so that it can come again.
        block = packer.compress(unit * (MB // len(unit))) + packer.flush(zlib.Z_FULL_FLUSH)
        if layers > 1:
            packed = begun + block * 1024
            for _ in range(layers - 1):
                packed = gzip.compress(packed, 9)
            yield chunk(packed) + b"0\r\n\r\n"
            return
        yield chunk(begun)
        yield from itertools.repeat(chunk(block), 1024)
        yield b"0\r\n\r\n"

    return answer


def whole(head: bytes, body: bytes) -> Mode:
    """One body, whole."""

    def answer() -> Iterator[bytes]:
        yield head + b"content-length: %d\r\n\r\n" % len(body)
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    return answer


def head(first: bytes, piece: bytes, pause_s: float = 0.0) -> Mode:
    """A head that never ends."""

    def answer() -> Iterator[bytes]:
        yield first
        while True:
            time.sleep(pause_s)
            yield piece

    return answer


def encoded_often() -> Iterator[bytes]:
    """A body that says to be packed four thousand times."""
    yield OK + JSON + b"content-encoding: " + b", ".join([b"gzip"] * 4_000) + END + END + b"{}"


_EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
HEADS: dict[str, Mode] = {
    "1xx answers": head(b"", _EARLY * 500),
    "1xx answers, slowly": head(b"", _EARLY, 0.05),
    "header lines": head(OK, b"x-a: " + b"b" * 1_000 + END),
    "one header line": head(OK + b"x-a: ", _MUCH),
    "a status line": head(b"HTTP/1.1 200 ", _MUCH),
    "a status line, slowly": head(b"HTTP/1.1 200 ", b"x", 0.05),
    "encodings": encoded_often,
}
"""For any request: what of its head has no end."""

LISTS: dict[str, Mode] = {
    "models": endless(OK + JSON, b'{"data": [{"id": "m"}', b',{"id": "m"}' * 5_000),
    "blanks before the list": endless(OK + JSON, b" ", b" " * 65_536),
    "one string": endless(OK + JSON, b'{"data": [{"id": "', _MUCH),
    "a gzipped list": bomb(OK + JSON, b'{"data": ['),
    "a list packed twice": bomb(OK + JSON, b'{"data": [', layers=2),
    "values": whole(OK + JSON, b'{"data": [' + b"[]," * 2_500_000 + b"1]}"),
    "brackets": whole(OK + JSON, b"[" * 4_000_000),
    "a list, slowly": trickle(OK + JSON, b'{"data": [1', b",1"),
    "a body without its end": whole(OK + JSON + b"x-a: b\r\n", b""),
}
ERRORS: dict[str, Mode] = {
    "an error": endless(ERROR + JSON, b'{"error": {"message": "no', _MUCH),
    "a gzipped error": bomb(ERROR + JSON, b'{"error": {"message": "no'),
    "an error packed thrice": bomb(ERROR + JSON, b'{"error": {"message": "no', layers=3),
    "an error, slowly": trickle(ERROR + JSON, b'{"error": {"message": "no', b"o"),
}
STREAMS: dict[str, Mode] = {
    "comments": endless(OK + EVENTS, b": hi\n\n", b": hi\n\n" * 5_000),
    "large comments": endless(OK + EVENTS, b": hi\n\n", b":" + b"x" * MB + b"\n\n"),
    "one comment": endless(OK + EVENTS, b": ", _MUCH),
    "one line": endless(OK + EVENTS, b"data: ", _MUCH),
    "event names": endless(OK + EVENTS, b"event: a\n", b"event: " + _MUCH + b"\n"),
    "data lines": endless(OK + EVENTS, b"", b"data: x\n" * 5_000),
    "blank lines": endless(OK + EVENTS, b"\n\n", b"\n" * 65_536),
    "a gzipped line": bomb(OK + EVENTS, b"data: "),
    "gzipped comments": bomb(OK + EVENTS, b"", unit=b": hi\n\n"),
    "a line packed twice": bomb(OK + EVENTS, b"data: ", layers=2),
    "values of a frame": endless(OK + EVENTS, b'data: {"a": [', b"[]," * 20_000),
    "a frame of values": whole(OK + EVENTS, b'data: {"a": [' + b"[]," * 2_500_000 + b"1]}\n\n"),
    "one JSON string": endless(OK + JSON, b'{"choices": "', _MUCH),
    "comments, slowly": trickle(OK + EVENTS, b"", b": hi\n\n"),
    "a frame, slowly": trickle(OK + EVENTS, b"data: {", b"x"),
    "blank lines, slowly": trickle(OK + EVENTS, b"", b"\n"),
    "one byte, slowly": trickle(OK + EVENTS, b"", b"d"),
    "comments after a reply began": endless(OK + EVENTS, _BEGUN, b": hi\n\n" * 5_000),
    "comments after it began, slowly": trickle(OK + EVENTS, _BEGUN, b": hi\n\n"),
}
"""For a reply that streams."""


class BadServer:
    """Answers GET in the mode `lists` and POST in the mode `replies`, for ever."""

    def __init__(self, lists: Mode, replies: Mode) -> None:
        self._stopped = threading.Event()
        self._tcp = ThreadingTCPServer(("127.0.0.1", 0), _handler(lists, replies, self._stopped))
        self._tcp.daemon_threads = True
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._tcp.server_address[1]}/v1"

    def __enter__(self) -> "BadServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._tcp.shutdown()
        self._tcp.server_close()
        self._thread.join()


def _handler(lists: Mode, replies: Mode, stopped: threading.Event) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline()
            length = 0
            while (line := self.rfile.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            mode = lists if asked.startswith(b"GET") else replies
            try:
                for piece in mode():
                    if stopped.is_set():
                        return
                    self.wfile.write(piece)
            except OSError:
                pass  # the client went away, as it should

    return Handler
