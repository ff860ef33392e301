"""Runs replies: one worker per conversation, wherever the reader looks meanwhile."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Event
from replyscope.engine.conversation import Conversation

_YIELD_AFTER_S = 0.004


class TurnEnded(Message):
    """A reply is over, or could not begin: then `fault` is why, and `give_back` puts what
    was to be sent where it can be sent again.
    """

    def __init__(
        self,
        conversation: Conversation,
        fault: ReplyscopeError | None,
        give_back: Callable[[], None],
    ) -> None:
        super().__init__()
        self.conversation = conversation
        self.fault = fault
        self.give_back = give_back


class Turns:
    """Starts and stops replies. The owner gets `TurnEnded` for each."""

    def __init__(self, owner: Widget) -> None:
        self._owner = owner
        self._workers: dict[str, Worker[None]] = {}

    def start(
        self,
        conversation: Conversation,
        events: AsyncGenerator[Event, None],
        give_back: Callable[[], None],
    ) -> None:
        """Drive a reply to its end in a worker of its own."""
        worker = self._owner.run_worker(
            self._drive(conversation, events, give_back),
            group=f"turn-{conversation.session.id}",
            exclusive=True,
            exit_on_error=False,
        )
        self._workers[conversation.session.id] = worker

    def cancel(self, conversation: Conversation) -> None:
        """Stop a reply; what came is kept."""
        worker = self._workers.get(conversation.session.id)
        if worker is not None:
            worker.cancel()

    def is_running(self, session_id: str) -> bool:
        """Whether a reply of that session is on its way."""
        return session_id in self._workers

    @property
    def any_running(self) -> bool:
        """Whether any reply is on its way."""
        return bool(self._workers)

    async def stop_all(self) -> None:
        """Stop every reply and wait until each is saved."""
        for worker in list(self._workers.values()):
            worker.cancel()
        while self._workers:
            for worker in list(self._workers.values()):
                with suppress(WorkerCancelled, WorkerFailed):
                    await worker.wait()

    async def _drive(
        self,
        conversation: Conversation,
        events: AsyncGenerator[Event, None],
        give_back: Callable[[], None],
    ) -> None:
        fault: ReplyscopeError | None = None
        rested = time.monotonic()
        try:
            async with aclosing(events):
                async for _ in events:
                    # At full speed the loop would never turn: keys come first.
                    if time.monotonic() - rested > _YIELD_AFTER_S:
                        await asyncio.sleep(0)
                        rested = time.monotonic()
        except ReplyscopeError as error:
            fault = error
        finally:
            self._workers.pop(conversation.session.id, None)
            self._owner.post_message(TurnEnded(conversation, fault, give_back))
