"""The tool calls that wait for a decision, oldest first."""

import asyncio
from collections.abc import Callable

from replyscope.domain.tool import Decision
from replyscope.engine.consent import CallToDecide


class WaitingCalls:
    """A queue of tool calls. `changed` is called when a call is added or removed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._waiting: list[tuple[CallToDecide, asyncio.Future[Decision]]] = []
        self._changed = changed

    async def ask(self, wanted: CallToDecide) -> Decision:
        """Add a call, and wait for its decision. A cancelled call is removed."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        entry = (wanted, future)
        self._waiting.append(entry)
        self._changed()
        try:
            return await future
        finally:
            self._waiting.remove(entry)
            self._changed()

    def waiting(self, session_id: str) -> list[CallToDecide]:
        """The waiting calls of a session, oldest first."""
        return [wanted for wanted, _ in self._waiting if wanted.session_id == session_id]

    @property
    def sessions(self) -> frozenset[str]:
        """The ids of the sessions with waiting calls."""
        return frozenset(wanted.session_id for wanted, _ in self._waiting)

    def answer(self, wanted: CallToDecide, decision: Decision) -> None:
        """Complete a waiting call with a decision."""
        for waiting, future in self._waiting:
            if waiting is wanted and not future.done():
                future.set_result(decision)
