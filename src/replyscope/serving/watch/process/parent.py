"""Starts the process of a relay, and ends it. A process that ends by itself is started again.

So forwarding never waits for what the program does: a screen, a save, a collection of garbage.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from replyscope.domain.errors import RelayFailed
from replyscope.domain.isolated_python import python_environment
from replyscope.domain.watched import CallObserver
from replyscope.serving.faults.rule import ChooseFault
from replyscope.serving.gate import Gate
from replyscope.serving.server import LOOPBACK, Report
from replyscope.serving.watch.forwarding import STOPPED
from replyscope.serving.watch.process.delivery import MOST_WAITING
from replyscope.serving.watch.process.messages import (
    FromRelay,
    Listening,
    Message,
    NotListening,
    Settle,
    Settled,
    Setup,
    Stop,
    ToRelay,
    UpstreamSetup,
)
from replyscope.serving.watch.process.owner import Owner
from replyscope.serving.watch.process.stream import MessageStream, connect
from replyscope.serving.watch.process.trust import trust_of
from replyscope.serving.watch.upstream import Upstream

_log = logging.getLogger(__name__)
_START_S = 60.0
"""The longest time for the start: the machine may be busy."""
_CLOSE_S = 60.0
_MOST_RESTARTS = 3
_RESTARTS_S = 60.0
_MOST_SAID = 300
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "131072"}
"""Makes the C library of Linux return memory that waiting copies took, instead of keeping it for
the next ones. Others ignore it."""
ENDED = "The process of the relay ended unexpectedly, which cut the call off."
"""The fault of a call that was running then."""


class RelayProcess:
    """A relay in a process of its own, started by `command`. It reports to `observer`, and asks
    `gate` and `faults`, in the loop in which it was started.

    See Relay for the other parameters.
    """

    def __init__(
        self,
        command: Sequence[str],
        upstreams: Sequence[Upstream],
        observer: CallObserver,
        *,
        report: Report,
        token: str | None = None,
        own_names: Collection[str] = (),
        gate: Gate | None = None,
        faults: ChooseFault | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._command = command
        self._report = report
        self._owner = Owner(observer, gate, faults, report, self._send)
        self._setup = Setup(
            tuple(map(_described, upstreams)),
            LOOPBACK,
            0,
            token,
            tuple(own_names),
            self._owner.has_gate,
            self._owner.has_faults,
            most_waiting,
        )
        self._run: _Run | None = None
        self._living: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return None if self._run is None else self._run.pid

    async def start(self, port: int, address: str = LOOPBACK) -> int:
        """Start the process, and listen. See HttpServer. Raises RelayFailed too."""
        self._setup = replace(self._setup, port=port, address=address)
        port = await self._begin()
        self._setup = replace(self._setup, port=port)  # also after a restart
        self._living = asyncio.create_task(self._live())
        return port

    async def serve(self) -> None:
        """Wait until the relay can't go on. Raises RelayFailed."""
        assert self._living is not None
        await asyncio.shield(self._living)

    async def settle(self, longest_s: float) -> None:
        """See Relay."""
        run = self._run
        if run is None or run.is_lost.is_set():
            return
        run.is_settled.clear()
        run.stream.send(Settle(longest_s))
        settled, lost = (asyncio.create_task(one.wait()) for one in (run.is_settled, run.is_lost))
        try:
            await asyncio.wait((settled, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
            lost.cancel()

    async def close(self) -> None:
        """End the process. All calls have been reported afterwards."""
        self._is_closing = True
        run = self._run
        try:
            if run is not None and not run.is_lost.is_set():
                run.stream.send(Stop())
                with suppress(TimeoutError):
                    await asyncio.wait_for(run.is_lost.wait(), _CLOSE_S)
        finally:
            if self._living is not None:
                self._living.cancel()
                await asyncio.gather(self._living, return_exceptions=True)
            if run is not None:
                await run.end()
            self._owner.break_off(STOPPED)
            self._run = None

    def _send(self, message: ToRelay) -> None:
        if self._run is not None:
            self._run.stream.send(message)

    async def _begin(self) -> int:
        """Start the process. Returns the port. Raises OSError and RelayFailed."""
        run = self._run = _Run(self._owner)
        try:
            await run.start(self._command, self._setup)
            return await asyncio.wait_for(run.listening(), _START_S)
        except TimeoutError as error:
            await run.end()
            raise RelayFailed(
                f"The process of the relay did not start in {_START_S:g} s."
            ) from error
        except BaseException:
            await run.end()
            raise

    async def _live(self) -> None:
        """Start the process again whenever it ends. Raises RelayFailed when that is of no use."""
        restarts: list[float] = []
        while self._run is not None:
            run = self._run
            await run.is_lost.wait()
            if self._is_closing:
                return
            why = await run.end()
            self._owner.break_off(ENDED)
            restarts = [one for one in restarts if one > monotonic() - _RESTARTS_S]
            restarts.append(monotonic())
            try:
                if len(restarts) > _MOST_RESTARTS:
                    raise RelayFailed(f"The process of the relay ended {len(restarts)} times.")
                await self._begin()
            except (OSError, RelayFailed) as error:
                failed = f"The process of the relay ended ({why}), and forwarding stopped"
                self._report(f"{failed}: {error}")
                raise RelayFailed(f"{failed}.", "Start watch again.") from error
            self._report(f"The process of the relay ended ({why}), and was started again.")


class _Run:
    """One process, from its start to its end."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.is_lost = asyncio.Event()
        self.is_settled = asyncio.Event()
        self._answer: asyncio.Future[Listening | NotListening] = (
            asyncio.get_running_loop().create_future()
        )
        self.stream = MessageStream(self._take, self._lose)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._said = ""

    @property
    def pid(self) -> int | None:
        """The id of the process; None before it is started."""
        return None if self._process is None else self._process.pid

    async def start(self, command: Sequence[str], setup: Setup) -> None:
        """Start the process, and send its setup. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            is_inherited = sys.platform != "win32"
            process = self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=theirs.fileno() if is_inherited else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=python_environment() | _MEMORY,
                start_new_session=True,  # so that Ctrl+C in the terminal does not reach it
            )
            if sys.platform == "win32" and process.stdin is not None:
                process.stdin.write(theirs.share(process.pid))
                process.stdin.close()
        self._reading = asyncio.create_task(self._read_errors(process.stderr))
        ours.setblocking(False)
        await connect(self.stream, ours)
        self.stream.send(setup)

    async def listening(self) -> int:
        """The port. Raises OSError, and RelayFailed if the process ends before."""
        answer = await self._answer
        if isinstance(answer, NotListening):
            raise OSError(answer.number, answer.reason)
        return answer.port

    async def end(self) -> str:
        """Make sure that the process is gone. Returns how it ended, as a clause."""
        self.stream.close()
        process = self._process
        if process is None:
            return "it did not start"
        try:
            await asyncio.wait_for(process.wait(), 2.0)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading
        status = process.returncode or 0
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"{how}: {self._said}" if self._said else how

    def _take(self, message: Message) -> None:
        match message:
            case Listening() | NotListening():
                if not self._answer.done():
                    self._answer.set_result(message)
            case Settled():
                self.is_settled.set()
            case _:
                if isinstance(message, FromRelay):
                    self._owner.take(message)

    def _lose(self) -> None:
        self.is_lost.set()
        if not self._answer.done():
            self._answer.set_exception(RelayFailed("The process of the relay ended at its start."))

    async def _read_errors(self, stderr: asyncio.StreamReader | None) -> None:
        """Log what the process writes to stderr."""
        assert stderr is not None
        while data := await stderr.read(65_536):
            for line in data.decode("utf-8", "replace").splitlines():
                _log.warning("the process of the relay: %s", line)
                self._said = line[:_MOST_SAID] or self._said


def _described(upstream: Upstream) -> UpstreamSetup:
    """An upstream in a form that another process can use."""
    proxy = upstream.route.proxy
    is_tls = upstream.is_tls or (proxy is not None and proxy.url.startswith("https:"))
    return UpstreamSetup(
        upstream.name,
        upstream.base_url,
        upstream.secrets,
        upstream.access,
        None if proxy is None else (proxy.url, proxy.source),
        trust_of(upstream.route, is_tls=is_tls),
    )
