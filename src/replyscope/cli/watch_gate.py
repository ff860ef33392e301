"""Builds the gate of `watch --hold` and `watch --answer`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

from replyscope.cli.holding import HoldGate
from replyscope.cli.mock import recordings_of
from replyscope.cli.terminal_person import Terminal, TerminalPerson
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.exchange import Api
from replyscope.domain.watched import WatchedRequest
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.watching.held_calls import Person
from replyscope.engine.watching.request_facts import request_facts
from replyscope.serving.gate import AnswerRecorded, Decision, Gate, Send
from replyscope.serving.mock.matching import find_recording
from replyscope.serving.mock.playing import choose_form
from replyscope.serving.mock.recording import Recording


class RecordedAnswers:
    """Answers the calls whose messages were recorded; `others` decides about the rest.

    Implements Gate.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        api_of: Callable[[WatchedRequest], Api | None],
        others: Gate | None,
    ) -> None:
        self._recordings = recordings
        self._api_of = api_of
        self._others = others
        self._served: list[str] = []

    async def decide(self, request: WatchedRequest) -> Decision:
        """See Gate."""
        found = await asyncio.to_thread(self._find, request)
        if found is not None:
            self._served.append(found.exchange.id)
            return AnswerRecorded(choose_form(found, request.body).playback())
        return Send() if self._others is None else await self._others.decide(request)

    def _find(self, request: WatchedRequest) -> Recording | None:
        api = self._api_of(request)
        if api is None:
            return None
        fitting = find_recording(
            self._recordings, api, request.body, tuple(self._served), any_=False
        )
        return None if fitting is None else fitting[0]


async def build_gate(
    arguments: argparse.Namespace, wiring: Wiring, wire: WireReading, person: Person | None
) -> Gate | None:
    """The gate of the options; None without one. Held calls are decided by `person`, or on the
    terminal. Raises SettingsError.
    """
    gate: Gate | None = None
    if arguments.hold is not None:
        if person is None:
            _check_terminal(arguments)
        gate = HoldGate(
            arguments.hold,
            lambda request: request_facts(wire, request),
            wire.api_of,
            lambda what: recordings_of(what, wiring),
            person or TerminalPerson(Terminal().ask),
        )
    if arguments.answer is None:
        return gate
    return RecordedAnswers(await recordings_of(arguments.answer, wiring), wire.api_of, gate)


def _check_terminal(arguments: argparse.Namespace) -> None:
    if arguments.program:
        raise SettingsError(
            "--hold asks on the terminal, which a COMMAND would share.",
            "Start watch without a command, and the program in another terminal.",
        )
    if arguments.json or sys.stdin is None or not sys.stdin.isatty():
        raise SettingsError(
            "--hold asks on the terminal.", "Start watch in a terminal, without --json."
        )
