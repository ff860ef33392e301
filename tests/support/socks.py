"""A SOCKS 5 proxy on loopback that leads every name to one port of this machine."""

import socket
import struct
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any


class SocksServer:
    """`asked` are the hosts and ports that it was asked for. With a login, nobody else may."""

    def __init__(self, leads_to: int, login: tuple[str, str] | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self._tcp = ThreadingTCPServer(("127.0.0.1", 0), _handler(self, leads_to, login))
        self._tcp.daemon_threads = True
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.01,), daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._tcp.server_address[1]}"

    def __enter__(self) -> "SocksServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        self._thread.join()


def _handler(
    owner: SocksServer, leads_to: int, login: tuple[str, str] | None
) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            count = self.rfile.read(2)[1]
            self.rfile.read(count)
            self.wfile.write(b"\x05\x02" if login else b"\x05\x00")
            if login is not None and not self._is_let_in(login):
                return
            kind = self.rfile.read(4)[3]
            size = self.rfile.read(1)[0] if kind == 3 else 4 if kind == 1 else 16
            host = self.rfile.read(size)
            (port,) = struct.unpack(">H", self.rfile.read(2))
            owner.asked.append((host.decode() if kind == 3 else socket.inet_ntoa(host), port))
            with socket.create_connection(("127.0.0.1", leads_to)) as far:
                self.wfile.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
                back = threading.Thread(target=_pass_on, args=(far, self.request), daemon=True)
                back.start()
                _pass_on(self.request, far)
                back.join()

        def _is_let_in(self, wanted: tuple[str, str]) -> bool:
            name = self.rfile.read(self.rfile.read(2)[1]).decode()
            password = self.rfile.read(self.rfile.read(1)[0]).decode()
            is_right = (name, password) == wanted
            self.wfile.write(b"\x01\x00" if is_right else b"\x01\x01")
            return is_right

    return Handler


def _pass_on(source: Any, target: Any) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side went away
