"""Consent: decisions about waiting tool calls, on a card that no key answers by accident.

A card can appear while a person types. Its keys answer only after a pause of `LOOK_S`
without a key, counted from its drawing. Before that, and after each answer, keys reach
the composer. The app passes every key to `takes_input` in the order of typing, before any
widget gets it.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.message import Message

from replyscope.engine.consent import CallToDecide
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import Answer, ConsentCard
from replyscope.ui.chat.decisions import Decisions
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.waiting_calls import WaitingCalls
from replyscope.ui.terminal.frame_pace import Stoppable
from replyscope.ui.working_screen import WorkingScreen

_ASKS = (Answer.ALWAYS, Answer.BECAUSE, Answer.EDIT)
"""The answers that open a dialog."""


class ConsentPrompt:
    """Controls the consent card: its drawing, and the keys that answer it."""

    LOOK_S: ClassVar[float] = 0.7
    """The pause without a key after which answers count, in seconds: time to read the card."""
    REPEAT_S: ClassVar[float] = 0.2
    """The longest interval between the repeats of a held key, in seconds."""

    def __init__(self, desk: Desk, screen: WorkingScreen[None]) -> None:
        self._desk = desk
        self._screen = screen
        self._decisions = Decisions(desk)
        self._calls: WaitingCalls | None = None
        self._look_timer: Stoppable | None = None
        self._looked_at = 0.0
        self._answer_key = ""
        self._repeat_timer: Stoppable | None = None

    def open(self, refresh_sidebar: Callable[[], None]) -> None:
        """Show waiting calls from now on."""
        consent = self._desk.services.consent
        if consent is None:
            return

        def changed() -> None:
            self._draw_change()
            if self._screen.is_attached:
                self._desk.draw_status()  # the reply that asked has ended
                refresh_sidebar()

        self._calls = WaitingCalls(changed)
        consent.ask = self._calls.ask

    @property
    def _composer(self) -> Composer:
        return self._screen.query_one(Composer)

    def asking(self) -> frozenset[str]:
        """The ids of the sessions in which a tool call waits for a decision."""
        return self._calls.sessions if self._calls is not None else frozenset()

    def _draw_change(self) -> None:
        self.draw()
        if self._screen.is_attached and self.asking() - {self._desk.conversation.session.id}:
            self._desk.tell(
                "A tool call in another session waits (? in the list).",
                is_error=False,
            )

    def draw(self) -> None:
        """Show the call of this session that waits longest."""
        if not self._screen.is_attached or self._calls is None:
            return
        waiting = self._calls.waiting(self._desk.conversation.session.id)
        card = self._screen.query_one(ConsentCard)
        before = card.wanted
        card.show(waiting[0] if waiting else None, len(waiting))
        if card.wanted is not before:
            self._stop_repeat()
            if card.has_focus:
                self._screen.set_focus(self._composer)
            self._screen.call_after_refresh(self._await_look)

    def _await_look(self) -> None:
        """Ignore answers until the next pause."""
        if self._look_timer is not None:
            self._look_timer.stop()
            self._look_timer = None
        card = self._screen.query_one(ConsentCard)
        if card.wanted is not None:
            card.set_ready(is_ready=False)
            self._look_timer = self._desk.set_timer(self.LOOK_S, self._look)

    def _look(self) -> None:
        """Accept answers after the pause, if the card was visible during it."""
        card = self._screen.query_one(ConsentCard)
        if card.wanted is None:
            return
        if self._screen.app.screen is not self._screen or not self._desk.app.app_focus:
            self._await_look()
            return
        self._looked_at = Message().time  # the clock of key events
        card.set_ready(is_ready=True)
        if self._screen.focused is self._composer and not self._composer.text:
            self._screen.set_focus(card)

    def takes_input(self, event: events.Event) -> bool:
        """Whether a key was an answer. Every other key, and a paste, reaches the focused
        widget; the composer gets the focus when the card must not have the key.
        """
        if not self.asking():
            return False
        card = self._screen.query_one(ConsentCard)
        if card.wanted is None:
            return False
        key = event if isinstance(event, events.Key) else None
        is_repeat = self._stop_repeat()
        if not card.is_ready or is_repeat or event.time < self._looked_at:
            self._await_look()
        elif (
            key is not None
            and self._screen.app.screen is self._screen
            and self._screen.focused is card
        ):
            answer = card.answer_of(key.key)
            if answer is not None:
                self._take_answer(card, answer, key.key)
                return True
            if card.has_key(key.key) or not key.is_printable:
                return False
        if key is None or key.key != self._answer_key:
            self._answer_key = ""
        if self._screen.app.screen is self._screen and self._screen.focused is card:
            self._screen.set_focus(self._composer)
        return False

    def focus_next(self) -> None:
        """Focus the next pane: the card, from anywhere, while a call waits."""
        card = self._screen.query_one(ConsentCard)
        if card.wanted is not None and not card.has_focus:
            self._screen.set_focus(card)
        else:
            self._screen.focus_next()

    def _take_answer(self, card: ConsentCard, answer: Answer, key: str) -> None:
        """Answer at once, except with the key that answered the previous card. That key may
        be held down, so it counts only when it does not repeat.
        """
        if key == self._answer_key:
            self._repeat_timer = self._desk.set_timer(self.REPEAT_S, lambda: self._say(answer))
        elif card.answer(answer):
            self._answer_key = key

    def _say(self, answer: Answer) -> None:
        self._repeat_timer = None
        self._screen.query_one(ConsentCard).answer(answer)

    def _stop_repeat(self) -> bool:
        """Drop the delayed answer. Returns whether one was delayed."""
        timer, self._repeat_timer = self._repeat_timer, None
        if timer is not None:
            timer.stop()
        return timer is not None

    def take_answer(self, wanted: CallToDecide, answer: Answer) -> None:
        """Pass the decision about a call to the engine."""
        self._desk.start_work(
            self._answer, wanted, answer, group="consent", holds_keys=answer in _ASKS
        )

    async def _answer(self, wanted: CallToDecide, answer: Answer) -> None:
        decision = await self._decisions.decide(wanted, answer)
        if decision is not None and self._calls is not None:
            self._calls.answer(wanted, decision)
        else:
            self._await_look()
