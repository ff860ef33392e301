"""Runs replies: one worker per conversation, wherever the reader looks meanwhile."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.unlogged import unlogged
from replyscope.engine.conversation import Conversation

Run = Callable[[], Awaitable[str | None]]
"""Runs one turn to its end; why it stopped early, None when it did not."""
_log = logging.getLogger(__name__)


class TurnEnded(Message):
    """A reply is over, or could not begin: then `fault` is why. `give_back` puts what was
    to be sent, and was not, where it can be sent again; `why` says what tools wait for.
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


@dataclass(slots=True)
class _Turn:
    """A worker that is cancelled before its first step never takes it, and would never
    say that it ended: until then only the wish is noted.
    """

    worker: Worker[None] | None = None
    has_begun: bool = False
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True
        if self.has_begun and self.worker is not None:
            self.worker.cancel()


class Turns:
    """Starts and stops replies. The owner gets `TurnEnded` for each."""

    def __init__(self, owner: Widget) -> None:
        self._owner = owner
        self._turns: dict[str, _Turn] = {}

    def start(self, conversation: Conversation, run: Run, give_back: Callable[[], None]) -> None:
        """Run a turn in a worker of its own."""
        turn = _Turn()
        self._turns[conversation.session.id] = turn
        turn.worker = self._owner.run_worker(
            self._drive(turn, conversation, run, give_back),
            group=f"turn-{conversation.session.id}",
            exit_on_error=False,
        )

    def cancel(self, conversation: Conversation) -> None:
        """Stop a reply; what came is kept."""
        turn = self._turns.get(conversation.session.id)
        if turn is not None:
            turn.cancel()

    def is_running(self, session_id: str) -> bool:
        """Whether a reply of that session is on its way."""
        return session_id in self._turns

    @property
    def any_running(self) -> bool:
        """Whether any reply is on its way."""
        return bool(self._turns)

    async def stop_all(self) -> None:
        """Stop every reply and wait until each is saved."""
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
        except Exception as error:  # noqa: BLE001 - a fault of ours: told, and in the log
            _log.exception("a turn failed")
            fault = ReplyscopeError(
                f"replyscope itself failed: {type(error).__name__}: {error}.",
                "What came is kept. Please report it, with the log of --debug.",
            )
        finally:
            self._turns.pop(conversation.session.id, None)
            self._owner.post_message(TurnEnded(conversation, fault, give_back, why))
