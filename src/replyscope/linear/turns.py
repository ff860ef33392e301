"""Runs turns of the linear chat, with the questions before and during a turn.

The engine's thread puts what to print into a queue, in order; the main thread prints it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from replyscope.domain.errors import ReplyscopeError, SessionMoved
from replyscope.domain.message import Part
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import Decision
from replyscope.domain.unlogged import unlogged
from replyscope.engine.consent import CallToDecide
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.spending import Overrun, SpendingAnswer
from replyscope.linear import asides
from replyscope.linear.consent import ConsentQuestions
from replyscope.linear.desk import LinearDesk, Start
from replyscope.linear.engine_thread import EngineThread, Job, Stopped
from replyscope.linear.reply_printer import ReplyPrinter
from replyscope.linear.signals import Leaving

ChooseTarget = Callable[[], None]
T = TypeVar("T")
_log = logging.getLogger(__name__)
_LOOK_S = 0.5
_STOP = "/stop"
"""The command that is not queued: it stops the reply, as Ctrl+C does."""


class TurnRunner:
    """Runs turns in the open conversation, one at a time."""

    def __init__(self, desk: LinearDesk, choose_target: ChooseTarget) -> None:
        self._desk = desk
        self._choose_target = choose_target
        self._questions = ConsentQuestions(desk)
        self._steps: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.queue = self._steps.put
        """Lets the main thread run a step of printing, in order; for the engine's thread."""
        self._job: Job[Any] | None = None
        if desk.services.consent is not None:
            desk.services.consent.ask = self._ask
        if desk.services.spending is not None:
            desk.services.spending.ask = self._ask_spending
            desk.services.spending.note = self._note

    def send(self, parts: tuple[Part, ...]) -> bool:
        """Send a message. Returns whether it was sent."""
        conversation, edited = self._desk.conversation, self._desk.edited
        self.run(
            lambda target, listen: conversation.send(parts, target, listen, instead_of=edited),
            parts,
        )
        is_sent = any(message.parts is parts for message in conversation.tree.messages)
        if is_sent:
            self._desk.edited = None
        return is_sent

    def run(self, start: Start, parts: Sequence[Part] = (), *, replies: int = 1) -> None:
        """Run a turn to its end, and print it; several replies at once when they have ended.
        Prints errors.
        """
        desk = self._desk
        conversation = desk.conversation
        target = self._target(parts)
        if target is None:
            return
        printer = ReplyPrinter(desk, conversation, self._steps.put, replies)
        job = desk.engine.start(
            _drive(conversation, partial(start, target, printer.listen)),
            lambda: self._steps.put(_nothing),
        )
        self._job = job
        with desk.engine.signals.cancelling(_Stopping(job, conversation, desk.engine)):
            self._print_until_end()
        printer.finish()
        self._report(job, printer)
        self._notify(conversation)
        if not job.is_cancelled:
            asides.title(desk)
        if job.is_cancelled:
            self._confirm_queued()

    def run_beside(self, work: Awaitable[T]) -> T:
        """Run a request that is not a turn. Asks the questions about spending limits."""
        engine = self._desk.engine
        job = engine.start(work, lambda: self._steps.put(_nothing))
        self._job = job
        with engine.signals.cancelling(job):
            self._print_until_end()
        return job.result()

    def _print_until_end(self) -> None:
        while True:
            self._queue_typed()
            try:
                step = self._steps.get(timeout=_LOOK_S)
            except Empty:
                continue
            if step is _nothing:
                return
            step()

    def _queue_typed(self) -> None:
        """Queue the lines that were typed meanwhile."""
        typed = self._desk.terminal.typed
        if not typed.collect():
            return
        if typed.remove(_STOP) and self._job is not None:
            self._job.cancel()
        elif typed:
            self._desk.say("queued", f"{plural(len(typed), 'line')}, sent after this reply")

    def _confirm_queued(self) -> None:
        """Ask whether queued messages are sent although the reply was stopped."""
        desk, typed = self._desk, self._desk.terminal.typed
        desk.terminal.typed.collect()
        if not typed or desk.engine.signals.is_leaving:
            return
        number = plural(len(typed), "queued line")
        if not desk.terminal.confirm(f"The reply was stopped. Send the {number}?"):
            for line in typed.clear():
                desk.terminal.remember(line)
                desk.say("note", f"Not sent: {printable_line(line)}")

    def _notify(self, conversation: Conversation) -> None:
        """Ring the bell and notify the desktop, as the settings say."""
        desk, settings = self._desk, self._desk.services.settings
        if settings.bell:
            desk.terminal.ring()
        if settings.desktop_notification:
            # The desktop may store the notifications that it shows.
            title = "private" if conversation.is_private else conversation.session.title
            desk.services.notify_desktop(f"reply done: {title}")

    def _report(self, job: Job[str | None], printer: ReplyPrinter) -> None:
        desk, conversation = self._desk, self._desk.conversation
        why: str | None = None
        try:
            why = job.result()
        except Stopped:  # the ending of the reply says so
            self._cancel_at_server(conversation)
        except SessionMoved as error:
            desk.say("error", str(error))
            desk.terminal.lines(printer.newest_messages())
        except ReplyscopeError as error:
            desk.say("error", printable_line(str(error)))
        except Exception as error:  # noqa: BLE001 - unexpected: reported, and the chat goes on
            _log.exception("a turn failed")
            text = f"replyscope itself failed: {type(error).__name__}: {error}."
            desk.say("error", printable_line(text))
        if why:
            desk.say("note", f"{why} /run continues.")
        elif conversation.waiting_calls():
            desk.say("note", "A tool call waits for its result. /run runs it.")
        if conversation.unsaved is not None:
            desk.say("error", f"This reply is not saved: {conversation.unsaved}")

    def _cancel_at_server(self, conversation: Conversation) -> None:
        """Cancel a stopped background reply at its server too."""
        desk, endpoint = self._desk, self._desk.targets.endpoint
        ended = [conversation.exchanges[key] for key in conversation.turn[-1:]]
        for exchange in ended:
            if exchange.is_background and not exchange.is_detached and endpoint is not None:
                try:
                    provider = desk.run(desk.services.open_provider(endpoint))
                    response_id = exchange.response_id or ""
                    desk.run(desk.services.remote.cancel(provider.stored, response_id))
                except ReplyscopeError as error:
                    desk.say("error", printable_line(str(error)))

    def _target(self, parts: Sequence[Part]) -> Target | None:
        """The target of the turn. Lets the person choose what is missing; None if they do not."""
        desk, targets = self._desk, self._desk.targets
        try:
            target = desk.run(targets.target_for(desk.conversation))
            if target is None:
                self._choose_target()
                target = desk.run(targets.target_for(desk.conversation))
            if target is None:
                desk.say("note", "Nothing was sent: no model is chosen. /model chooses one.")
                return None
            return self._fitting(target, parts)
        except ReplyscopeError as error:
            desk.say("error", printable_line(str(error)))
        except Stopped:
            desk.say("note", "Stopped. Nothing was sent.")
        return None

    def _fitting(self, target: Target, parts: Sequence[Part]) -> Target | None:
        """The target; asks what to leave out when the messages exceed the context window."""
        desk = self._desk
        fit = desk.targets.fit(desk.conversation, target.model, parts)
        if fit is None or not fit.is_too_large:
            return target
        rows = ["Send all of it; the server may reject it"]
        if fit.drops:
            rows.append(f"Leave out {fit.oldest}, this time")
        title = (
            f"About {fit.tokens:,} tokens exceed the context of {fit.window:,}. "
            "To summarise it first, cancel and enter /compact."
        )
        chosen = desk.terminal.choose(title, rows)
        if chosen is None:
            return None
        return replace(target, leaves_out=fit.drops or 0) if chosen == 1 else target

    async def _ask(self, wanted: CallToDecide) -> Decision:
        """Ask in the main thread. Implements AskPerson."""
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._steps.put(partial(self._decide, wanted, answer))
        return await answer

    async def _ask_spending(self, over: Overrun) -> SpendingAnswer:
        """Ask in the main thread. Implements AskOverrun."""
        answer: asyncio.Future[SpendingAnswer] = asyncio.get_running_loop().create_future()
        self._steps.put(partial(self._decide_spending, over, answer))
        return await answer

    def _decide_spending(self, over: Overrun, answer: "asyncio.Future[SpendingAnswer]") -> None:
        self._queue_typed()  # the question discards what was typed before it
        if self._job is None or self._job.is_cancelled:
            return
        desk, choices = self._desk, over.choices
        desk.say("limit", printable_line(f"{over.title} {over.note}"))
        chosen = desk.terminal.choose("Send it?", [f"{word}, {text}" for _, word, text in choices])
        decided = SpendingAnswer.NO if chosen is None else choices[chosen][0]
        desk.engine.answer(answer, decided)

    def _note(self, sentence: str) -> None:
        self._steps.put(partial(self._desk.say, "note", printable_line(sentence)))

    def _decide(self, wanted: CallToDecide, answer: "asyncio.Future[Decision]") -> None:
        self._queue_typed()  # the question discards what was typed before it
        if self._job is None or self._job.is_cancelled:
            return
        if self._desk.services.settings.bell:
            self._desk.terminal.ring()
        try:
            decision = self._questions.decide(wanted)
        except (KeyboardInterrupt, EOFError, Stopped, Leaving):
            self._job.cancel()
        else:
            self._desk.engine.answer(answer, decision)


@dataclass(frozen=True, slots=True)
class _Stopping:
    """The cancellation of a turn. When the process ends, background replies are detached."""

    job: Job[str | None]
    conversation: Conversation
    engine: EngineThread

    def cancel(self) -> None:
        """Cancel the turn."""
        if self.engine.signals.is_leaving:
            self.conversation.leave()
        self.job.cancel()


def _nothing() -> None:
    """The last step of a turn."""


async def _drive(
    conversation: Conversation, start: Callable[[], Awaitable[str | None]]
) -> str | None:
    unlogged.set(conversation.is_private)
    return await start()
