"""Type-ahead: keys and pastes are delivered in order, each after the effects of the one before.

A key may open a dialog, and the command that opens it may load something first. Later keys are
queued meanwhile, and delivered to the dialog. Text that is typed into a field is not delayed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Protocol

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

_SETTLE_S = 5.0
"""The longest time that a key waits for the handlers of the key before it, in seconds."""
_POLL_S = 0.005
PATIENCE_S = 0.5
"""The age of a hold in seconds from which Esc cancels the command whose dialog is late."""

_holds_of: dict["asyncio.Task[Any] | None", "KeyHold"] = {}


class CancellableWorker(Protocol):
    """A worker."""

    @property
    def is_finished(self) -> bool:
        """Whether the worker ended."""

    def cancel(self) -> None:
        """Cancel the worker."""


class KeyHold:
    """A command that may open dialogs, as a context manager in its task.

    Keys wait while it is active: until it ends or `end` is called, except while one of its
    dialogs is open.
    """

    def __init__(self) -> None:
        self.worker: CancellableWorker | None = None
        self.began_at = time.monotonic()
        self._dialog: Screen[Any] | None = None
        self._is_over = False
        self.on_release: Callable[[], None] | None = None
        """Called once when keys are delivered again."""

    def __enter__(self) -> "KeyHold":
        _holds_of[asyncio.current_task()] = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _holds_of.pop(asyncio.current_task(), None)
        self.end()

    def end(self) -> None:
        """Deliver the waiting keys."""
        self._is_over = True
        self._release()

    def cancel(self) -> None:
        """Cancel the command."""
        self.end()
        if self.worker is not None:
            self.worker.cancel()

    def ask(self, dialog: Screen[Any]) -> None:
        """Deliver keys while a dialog is open."""
        self._dialog = dialog
        self.began_at = time.monotonic()
        self._release()

    def _release(self) -> None:
        released, self.on_release = self.on_release, None
        if released is not None:
            released()

    @property
    def is_over(self) -> bool:
        """Whether the command ended."""
        return self._is_over or (self.worker is not None and self.worker.is_finished)

    def is_active(self, screens: Iterable[Screen[Any]]) -> bool:
        """Whether keys wait, with the open screens."""
        return not self.is_over and (self._dialog is None or self._dialog not in screens)


def release_keys() -> None:
    """Deliver the waiting keys: the command that runs in this task opens no other dialog soon."""
    hold = _holds_of.get(asyncio.current_task())
    if hold is not None:
        hold.end()


class HoldsKeys:
    """A screen that keys may have to wait for, for example while it works."""

    def holds(self, event: events.Event) -> bool:
        """Whether a key or a paste waits until another screen is open."""
        raise NotImplementedError


class TypeAhead:
    """The queue of keys and pastes in front of the application."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._holds: list[KeyHold] = []
        self._next: events.Event | None = None
        self._target: Widget | None = None
        self._is_text = True
        """Whether each key since the last settling was typed into a field."""
        self._delivery: asyncio.Task[None] | None = None

    def hold(self) -> KeyHold:
        """Add a hold. Keys wait from now on."""
        self._holds = [hold for hold in self._holds if not hold.is_over]
        self._holds.append(KeyHold())
        return self._holds[-1]

    def screen_opened(self, screen: Screen[Any]) -> None:
        """Deliver keys to a screen that the running task opens."""
        hold = _holds_of.get(asyncio.current_task()) if _is_in_loop() else None
        if hold is not None:
            hold.ask(screen)

    def passes(self, event: events.Event) -> bool:
        """Whether to deliver an event now. Otherwise it is queued and posted again, or it has
        cancelled the command that keys wait for.
        """
        if event is self._next:
            self._next = None
            return True
        if self._is_held_back(event):
            self._waiting.clear()
            return True
        if self._cancels(event):
            return False
        if self._delivery is None and not self._must_wait(event):
            return True
        self._waiting.append(event)
        self._start()
        return False

    @contextmanager
    def delivering(self, event: events.Event) -> Iterator[None]:
        """Note what an event is delivered to, and let later ones wait for its effects."""
        target = self._app.focused or self._app.screen
        is_text = self._is_text_for(event, target)
        yield
        self._target = target
        if not is_text:
            self._is_text = False
            self._start()

    def close(self) -> None:
        """Stop the delivery."""
        if self._delivery is not None:
            self._delivery.cancel()

    def _is_text_for(self, event: events.Event, target: Widget) -> bool:
        if isinstance(self._app.screen, ModalScreen):
            return False
        if isinstance(event, events.Key):
            return target.check_consume_key(event.key, event.character)
        return True

    def _must_wait(self, event: events.Event) -> bool:
        """Whether the text before a command, or a screen that opens, comes first."""
        is_command = isinstance(event, events.Key) and not event.is_printable
        return (is_command and self._target is not None) or self._is_held(event)

    def _active_holds(self) -> list[KeyHold]:
        stack = self._app.screen_stack
        return [hold for hold in self._holds if hold.is_active(stack)]

    def _is_held(self, event: events.Event) -> bool:
        screen = self._app.screen
        if not screen.is_mounted:  # it has no focus yet: Textual would drop the key
            return True
        if isinstance(screen, HoldsKeys) and screen.holds(event):
            return True
        return bool(self._active_holds())

    def _is_held_back(self, event: events.Event) -> bool:
        """Whether a screen that works takes this event, though earlier ones wait for its end."""
        screen = self._app.screen
        if not (isinstance(screen, HoldsKeys) and self._waiting):
            return False
        return screen.holds(self._waiting[0]) and not screen.holds(event)

    def _cancels(self, event: events.Event) -> bool:
        """Whether Esc cancels the commands whose dialogs are late. Their keys are dropped."""
        if not (isinstance(event, events.Key) and event.key == "escape"):
            return False
        late = time.monotonic() - PATIENCE_S
        holds = [hold for hold in self._active_holds() if hold.began_at < late]
        for hold in holds:
            self._waiting.clear()
            hold.cancel()
        return bool(holds)

    def _start(self) -> None:
        if self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        """Deliver the queue: settle, then wait for holds, then post one event."""
        is_settled = False
        try:
            while self._waiting or not is_settled:
                if self._waiting and self._is_held(self._waiting[0]):
                    is_settled = False  # the screen that opens has to be ready
                    await asyncio.sleep(_POLL_S)
                elif not is_settled:
                    await self._settle()
                    is_settled = True
                else:
                    self._next = self._waiting.popleft()
                    self._app.post_message(self._next)
                    await _reach(self._app)
                    is_settled = self._is_text
        finally:
            self._delivery = None

    async def _settle(self) -> None:
        """Wait until the target of the last key, every screen and the application have handled
        their messages. Twice: a handler may post to its own queue.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                for _ in range(2):
                    focused = self._app.focused if self._app.screen_stack else None
                    for start in (self._target, focused):
                        for node in start.ancestors_with_self if start is not None else ():
                            await _reach(node)
                    for screen in reversed(self._app.screen_stack):
                        await _reach(screen)
                    await _reach(self._app)
        self._target, self._is_text = None, True


async def _reach(pump: MessagePump) -> None:
    """Wait until a queue has handled the messages that it has now, or is closed."""
    done = asyncio.Event()
    while pump.call_later(done.set) and not done.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await done.wait()
        if done.is_set():
            return


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
