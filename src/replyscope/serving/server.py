"""The base of the HTTP servers: listens, and runs one task per client connection."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

import h11

from replyscope.serving.connection import CHUNK, HttpConnection

LOOPBACK = "127.0.0.1"
Report = Callable[[str], None]


class HttpServer(ABC):
    """A server that handles each connection in `serve_client`. `report` gets a line for each
    event that concerns the person who runs it.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def serve_client(self, connection: HttpConnection) -> None:
        """Answer the requests of one connection, until the client or the server closes it."""

    async def start(self, port: int, address: str = LOOPBACK) -> int:
        """Listen, and return the port; 0 chooses a free one. Raises OSError when it is in use."""
        self._server = await asyncio.start_server(self._serve, address, port, limit=CHUNK)
        return int(self._server.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None
        async with self._server:
            await self._server.serve_forever()

    async def close(self) -> None:
        """Stop listening, and cut off the responses in progress."""
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(self._serve_all(HttpConnection(reader, writer)))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)
        try:
            await client
        except asyncio.CancelledError:
            client.cancel()
        finally:
            writer.close()

    async def _serve_all(self, connection: HttpConnection) -> None:
        with suppress(ConnectionError, TimeoutError):
            try:
                await self.serve_client(connection)
            except h11.RemoteProtocolError as error:
                self._report(f"invalid HTTP request: {error}")
                await connection.reject(error)
        with suppress(ConnectionError):
            await connection.close()
