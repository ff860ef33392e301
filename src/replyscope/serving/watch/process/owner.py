"""The side of the program: reports calls to its observer, and answers the questions of the relay.

All of it happens in the loop of the program, so that archive, store, rules and screen need no
locks.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, assert_never

from replyscope.domain.watched import CallListener, CallObserver, WatchedRequest
from replyscope.serving.faults.rule import ChooseFault
from replyscope.serving.gate import Decision, Gate, Send
from replyscope.serving.server import Report
from replyscope.serving.watch.call_copy import ObserverGaps
from replyscope.serving.watch.process.messages import (
    Asked,
    Called,
    Decided,
    Ended,
    FaultAsked,
    FaultChosen,
    FaultMissed,
    FromRelay,
    Noted,
    Received,
    Responded,
    ToRelay,
    Withdrawn,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A call that runs, and the time of its last report."""

    listener: CallListener
    at_ms: float = 0.0


class Owner:
    """Takes the messages of a relay about its calls; `send` sends the answers.

    An observer that raises is left alone for the rest of the call, and the gap is counted.
    """

    def __init__(
        self,
        observer: CallObserver,
        gate: Gate | None,
        choose_fault: ChooseFault | None,
        report: Report,
        send: Callable[[ToRelay], None],
    ) -> None:
        self._observer = observer
        self._gate = gate
        self._choose_fault = choose_fault
        self._report = report
        self._send = send
        self._gaps = ObserverGaps(report)
        self._running: dict[int, _Running] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}

    @property
    def has_gate(self) -> bool:
        """Whether the relay has to ask about calls."""
        return self._gate is not None

    @property
    def has_faults(self) -> bool:
        """Whether the relay has to ask for faults."""
        return self._choose_fault is not None

    def take(self, message: FromRelay) -> None:
        """Handle a message; those about the relay itself are ignored."""
        match message:
            case Called(call=call, request=request):
                self._called(call, request)
            case Responded() | Received() | FaultMissed() | Ended():
                self._report_call(message)
            case Asked(question=question, request=request):
                self._answer(question, self._decide(question, request))
            case FaultAsked(question=question, request=request):
                self._answer(question, self._choose(question, request))
            case Withdrawn(question=question):
                if question in self._answering:
                    self._answering[question].cancel()
            case Noted(text=text):
                self._report(text)
            case _:
                pass

    def break_off(self, fault: str) -> None:
        """End the calls that run with a fault, and forget the questions: the relay is gone."""
        for task in self._answering.values():
            task.cancel()
        for call, running in tuple(self._running.items()):
            self._report_call(Ended(call, fault, running.at_ms, None))

    def _called(self, call: int, request: WatchedRequest) -> None:
        try:
            self._running[call] = _Running(self._observer.called(request))
        except Exception as error:  # noqa: BLE001 - the traffic goes on
            self._gaps.add(error)

    def _report_call(self, message: Responded | Received | FaultMissed | Ended) -> None:
        running = self._running.get(message.call)
        if running is None:
            return
        listener = running.listener
        try:
            match message:
                case Responded(status=status, headers=headers, at_ms=at_ms):
                    running.at_ms = at_ms
                    listener.responded(status, headers, at_ms)
                case Received(data=data, at_ms=at_ms):
                    running.at_ms = at_ms
                    listener.received(data, at_ms)
                case FaultMissed():
                    listener.fault_missed()
                case Ended(fault=fault, at_ms=at_ms, lack=lack):
                    del self._running[message.call]
                    listener.ended(fault, at_ms, lack)
                case _:
                    assert_never(message)
        except Exception as error:  # noqa: BLE001 - the traffic goes on
            self._running.pop(message.call, None)
            self._gaps.add(error)

    def _answer(self, question: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._answering[question] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._answering.pop(question, None))

    async def _decide(self, question: int, request: WatchedRequest) -> None:
        decision: Decision = Send()
        try:
            if self._gate is not None:
                decision = await self._gate.decide(request)
        except Exception as error:  # noqa: BLE001 - a call must not wait forever
            self._say_failed("decided about", error)
        self._send(Decided(question, decision))

    async def _choose(self, question: int, request: WatchedRequest) -> None:
        rule = None
        try:
            if self._choose_fault is not None:
                rule = await self._choose_fault(request)
        except Exception as error:  # noqa: BLE001 - as above
            self._say_failed("compared with the rules of faults", error)
        self._send(FaultChosen(question, None if rule is None else replace(rule, when=None)))

    def _say_failed(self, what: str, error: Exception) -> None:
        _log.exception("an answer to the relay failed", exc_info=error)
        self._report(f"A call could not be {what} ({error}). It was forwarded unchanged.")
