"""Runs reading jobs on a hub, off the event loop: one connection for searches, one for the rest."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg

from replyscope.domain.errors import HubError, StoreError
from replyscope.hub.postgres.address import Address
from replyscope.hub.postgres.connecting import Connection, Password, connect
from replyscope.hub.postgres.faults import search_translated
from replyscope.hub.postgres.founding import check_version

T = TypeVar("T")
Job = Callable[[Connection], T]
_CANCEL_S = 5


class HubReader:
    """Runs jobs. `interrupt` cancels the search that runs. Raises StoreError."""

    def __init__(self, address: Address, password: Password) -> None:
        self.address = address
        self._searching = _Line(address, password, "hub-search")
        self._reading = _Line(address, password, "hub-read")
        self._cancelling = ThreadPoolExecutor(1, thread_name_prefix="hub-cancel")

    async def read(self, job: Job[T], *, is_search: bool = False) -> T:
        """Run a job. With `is_search`, `interrupt` cancels it, and other jobs run meanwhile.
        Raises StoreError, and SearchInterrupted for a search.
        """
        line = self._searching if is_search else self._reading
        return await line.run(job)

    def interrupt(self) -> None:
        """Cancel the running search, without waiting for the server."""
        self._cancelling.submit(self._searching.cancel)

    async def close(self) -> None:
        """Cancel the search and end the connections."""
        self.interrupt()
        await asyncio.to_thread(self._cancelling.shutdown)
        await self._searching.close()
        await self._reading.close()


class _Line:
    """A connection and its thread."""

    def __init__(self, address: Address, password: Password, name: str) -> None:
        self._address = address
        self._password = password
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: Connection | None = None
        self._cancellable = threading.Lock()
        self._is_busy = False

    async def run(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, job)

    def _run(self, job: Job[T]) -> T:
        try:
            with search_translated(self._address.shown):
                connection = self._open()
                with self._cancellable:
                    self._is_busy = True
                try:
                    return job(connection)
                finally:
                    with self._cancellable:
                        self._is_busy = False
        except HubError as error:
            raise StoreError(error.message, error.next_step) from error

    def cancel(self) -> None:
        # The lock keeps the thread from a next query, which the cancellation could hit.
        with self._cancellable:
            if self._is_busy and self._connection is not None:
                try:
                    self._connection.cancel_safe(timeout=_CANCEL_S)
                except psycopg.Error:
                    return  # the connection is broken, and the query fails by itself

    def _open(self) -> Connection:
        connection = self._connection
        if connection is None or connection.closed or connection.broken:
            connection = connect(self._address, self._password, reads=True)
            check_version(connection, self._address)
            self._connection = connection
        return connection

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
