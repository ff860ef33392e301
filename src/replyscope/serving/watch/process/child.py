"""The main function of the process of the relay: it forwards calls until the program ends it.

The process ends with its socket, so also when the program is killed.
"""

import asyncio
import gc
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from replyscope.domain.proxies import Proxy, RouteFault
from replyscope.domain.route import Route
from replyscope.serving.watch.process.delivery import DeliveredCalls, Delivery, Questions
from replyscope.serving.watch.process.messages import (
    Decided,
    FaultChosen,
    FromRelay,
    Listening,
    Message,
    Noted,
    NotListening,
    Settle,
    Settled,
    Setup,
    Stop,
    ToRelay,
    UpstreamSetup,
)
from replyscope.serving.watch.process.stream import MessageStream, connect, inherited_socket
from replyscope.serving.watch.relay import Relay
from replyscope.serving.watch.upstream import Upstream

if TYPE_CHECKING:  # this process loads few modules
    from replyscope.domain.ports import Clock, NewId

_OF_THE_PROGRAM = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


def run_child(clock: "Clock", new_id: "NewId") -> None:
    """Forward calls until the program says stop, or ends."""
    for name in _OF_THE_PROGRAM:  # the program gets them too, and ends this process in order
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_IGN)
    asyncio.run(_Child(clock, new_id).run())


class _Child:
    """The relay of this process, and its connection to the program."""

    def __init__(self, clock: "Clock", new_id: "NewId") -> None:
        self._clock = clock
        self._new_id = new_id
        self._orders: asyncio.Queue[ToRelay] = asyncio.Queue()
        self._is_lost = asyncio.Event()
        self._stream = MessageStream(self._take, self._is_lost.set)
        self._questions: Questions | None = None
        self._relay: Relay | None = None
        self._settling: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Live as long as the program."""
        await connect(self._stream, inherited_socket())
        obeying = asyncio.create_task(self._obey())
        await self._is_lost.wait()
        obeying.cancel()
        with suppress(asyncio.CancelledError):
            await obeying

    def _take(self, message: Message) -> None:
        if isinstance(message, Decided | FaultChosen):
            if self._questions is not None:
                self._questions.answer(message)
        elif isinstance(message, ToRelay):
            self._orders.put_nowait(message)

    async def _obey(self) -> None:
        while True:
            order = await self._orders.get()
            match order:
                case Setup():
                    self._stream.send(await self._start(order))
                case Settle(longest_s=longest_s):
                    task = asyncio.create_task(self._settle(longest_s))
                    self._settling.add(task)
                    task.add_done_callback(self._settling.discard)
                case Stop():
                    await self._stop()
                case Decided() | FaultChosen():
                    pass  # taken at once
                case _:
                    assert_never(order)

    async def _start(self, setup: Setup) -> FromRelay:
        """Start the relay. Returns what came of it."""
        self._delivery = delivery = Delivery(self._stream, setup.most_waiting)
        self._questions = questions = Questions(delivery)
        try:
            self._relay = Relay(
                [_upstream(one) for one in setup.upstreams],
                DeliveredCalls(delivery),
                clock=self._clock,
                new_id=self._new_id,
                report=lambda text: delivery.put(Noted(text)),
                token=setup.token,
                own_names=setup.own_names,
                gate=questions if setup.has_gate else None,
                faults=questions.choose_fault if setup.has_faults else None,
            )
            port = await self._relay.start(setup.port, setup.address)
        except RouteFault as fault:  # a file was changed since the program has read it
            return NotListening(0, str(fault))
        except OSError as error:
            return NotListening(error.errno or 0, error.strerror or str(error))
        gc.collect()
        gc.freeze()  # a collection then visits only what calls have made
        return Listening(port)

    async def _settle(self, longest_s: float) -> None:
        if self._relay is not None:
            await self._relay.settle(longest_s)
        self._delivery.put_now(Settled())

    async def _stop(self) -> None:
        if self._relay is not None:
            await self._relay.close()
        await self._delivery.finish()
        self._stream.close()


def _upstream(one: UpstreamSetup) -> Upstream:
    proxy = None if one.proxy is None else Proxy(*one.proxy)
    return Upstream(
        one.name, one.base_url, Route(one.trust.context, proxy), one.secrets, one.access
    )
