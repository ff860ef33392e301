"""Turns: one background worker per conversation, also while another one is open."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from textual.message import Message
from textual.worker import WorkerCancelled, WorkerFailed

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.unlogged import unlogged
from replyscope.engine.conversation import Conversation

Run = Callable[[], Awaitable[str | None]]
"""Runs one turn. Returns the reason why it stopped early; None when it is complete."""
_log = logging.getLogger(__name__)


class TurnEnded(Message):
    """A turn ended, or could not start because of `fault`. `give_back` restores the message if
    it was not sent; `why` is the reason why the turn stopped early.
    """

    def __init__(
        self,
        conversation: Conversation,
        fault: ReplyscopeError | None,
        give_back: Callable[[], None],
        why: str | None = None,
    ) -> None:
        super().__init__()
        self.conversation = conversation
        self.fault = fault
        self.give_back = give_back
        self.why = why


class TurnWorker(Protocol):
    """The task of one turn."""

    def cancel(self) -> object:
        """Cancel the task."""

    async def wait(self) -> object:
        """Wait for the end. Raises WorkerCancelled or WorkerFailed."""


class TurnOwner(Protocol):
    """The interface of the screen: workers and messages."""

    def run_worker(
        self, work: Coroutine[Any, Any, None], *, group: str, exit_on_error: bool
    ) -> TurnWorker:
        """Run a coroutine in a worker."""

    def post_message(self, message: Message) -> bool:
        """Post a message to the screen."""


@dataclass(slots=True, eq=False, repr=False)
class _Turn:
    """The state of a turn. A worker that is cancelled before its first step would never post
    its end, so until then a cancellation is only recorded.
    """

    worker: TurnWorker | None = None
    has_begun: bool = False
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True
        if self.has_begun and self.worker is not None:
            self.worker.cancel()


class Turns:
    """The running turns, by session. The owner gets a `TurnEnded` for each."""

    def __init__(self, owner: TurnOwner) -> None:
        self._owner = owner
        self._turns: dict[str, _Turn] = {}

    def start(self, conversation: Conversation, run: Run, give_back: Callable[[], None]) -> None:
        """Start a worker that runs a turn."""
        turn = _Turn()
        self._turns[conversation.session.id] = turn
        turn.worker = self._owner.run_worker(
            self._drive(turn, conversation, run, give_back),
            group=f"turn-{conversation.session.id}",
            exit_on_error=False,
        )

    def cancel(self, conversation: Conversation) -> None:
        """Cancel a turn; its partial reply is kept."""
        turn = self._turns.get(conversation.session.id)
        if turn is not None:
            turn.cancel()

    def is_running(self, session_id: str) -> bool:
        """Whether a turn of that session is running."""
        return session_id in self._turns

    @property
    def any_running(self) -> bool:
        """Whether any turn is running."""
        return bool(self._turns)

    async def stop_all(self) -> None:
        """Cancel all turns, and wait until each is saved."""
        turns = list(self._turns.values())
        for turn in turns:
            turn.cancel()
        for turn in turns:
            if turn.worker is not None:
                with suppress(WorkerCancelled, WorkerFailed):
                    await turn.worker.wait()

    async def _drive(
        self,
        turn: _Turn,
        conversation: Conversation,
        run: Run,
        give_back: Callable[[], None],
    ) -> None:
        fault: ReplyscopeError | None = None
        why: str | None = None
        turn.has_begun = True
        unlogged.set(conversation.is_private)
        try:
            if not turn.is_cancelled:
                why = await run()
        except ReplyscopeError as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - unexpected: shown on the screen, and logged
            _log.exception("a turn failed")
            fault = ReplyscopeError(
                f"replyscope itself failed: {type(error).__name__}: {error}.",
                "The received part is kept. Report this, with the log of --debug.",
            )
        finally:
            self._turns.pop(conversation.session.id, None)
            self._owner.post_message(TurnEnded(conversation, fault, give_back, why))
