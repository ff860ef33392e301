"""Consent: deciding about the calls that wait, with a card that no key reaches by accident.

A card comes while a person types. Its keys answer after the person has looked at it: a
pause of `LOOK_S` without a key, after it was drawn. Until then, and after each answer,
what is typed goes on into the composer. The app hands every key to `takes_input` in the
order in which they were typed, before any widget has it.
"""

import asyncio
from typing import ClassVar

from textual import events, on
from textual.message import Message
from textual.timer import Timer

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.glob import escaped
from replyscope.domain.printable import exact_line
from replyscope.domain.tool import ConsentRule, Decision
from replyscope.engine.consent import CallToDecide
from replyscope.inspection.argument_check import as_texts, check_arguments
from replyscope.inspection.arguments import editable_arguments
from replyscope.ui.chat.consent_card import Answer, ConsentCard
from replyscope.ui.chat.consent_desk import ConsentDesk
from replyscope.ui.chat.stored_replies import RemoteActions
from replyscope.ui.dialogs.edit_dialog import EditDialog
from replyscope.ui.dialogs.small import LineDialog

_YOU = "you, once"


class ConsentActions(RemoteActions):
    """What a person says to calls. Nothing runs that they did not allow."""

    LOOK_S: ClassVar[float] = 0.7
    """A pause without a key, in seconds, in which a person looks at what has come."""
    REPEAT_S: ClassVar[float] = 0.2
    """A held key comes again within this time, in seconds."""

    _desk: ConsentDesk | None = None
    _look_timer: Timer | None = None
    _looked_at = 0.0
    _answer_key = ""
    _repeat_timer: Timer | None = None

    def open_desk(self) -> None:
        """Be asked about calls from now on."""
        if self.services.consent is not None:
            self._desk = ConsentDesk(self._on_desk_changed)
            self.services.consent.ask = self._desk.ask

    def asking(self) -> frozenset[str]:
        """The sessions in which a tool waits for the person's word."""
        return self._desk.sessions if self._desk is not None else frozenset()

    def _on_desk_changed(self) -> None:
        self.draw_consent()
        if self.is_attached and self.asking() - {self.conversation.session.id}:
            self.tell(
                "A tool in another session waits for your word (? in the list).", is_error=False
            )
        if self.is_attached:
            self.refresh_sidebar()

    def draw_consent(self) -> None:
        """Show the call of this session that waits longest."""
        if not self.is_attached or self._desk is None:
            return
        waiting = self._desk.waiting(self.conversation.session.id)
        card = self.query_one(ConsentCard)
        before = card.wanted
        card.show(waiting[0] if waiting else None, len(waiting))
        if card.wanted is not before:
            self._stop_repeat()
            if card.has_focus:
                self.set_focus(self.composer)
            self.call_after_refresh(self._await_look)

    def _await_look(self) -> None:
        """Hear no answer before the next pause."""
        if self._look_timer is not None:
            self._look_timer.stop()
            self._look_timer = None
        card = self.query_one(ConsentCard)
        if card.wanted is not None:
            card.set_ready(is_ready=False)
            self._look_timer = self.set_timer(self.LOOK_S, self._look)

    def _look(self) -> None:
        """The pause is over: hear answers, where the person can have looked."""
        card = self.query_one(ConsentCard)
        if card.wanted is None:
            return
        if self.app.screen is not self or not self.app.app_focus:
            self._await_look()
            return
        self._looked_at = Message().time  # of the clock by which keys are timed
        card.set_ready(is_ready=True)
        if self.focused is self.composer and not self.composer.text:
            self.set_focus(card)

    def takes_input(self, event: events.Event) -> bool:
        """Whether a key was an answer. Every other key, and a paste, goes where the focus is:
        the composer, when a card would get what was not meant for it.
        """
        if not self.asking():
            return False
        card = self.query_one(ConsentCard)
        if card.wanted is None:
            return False
        key = event if isinstance(event, events.Key) else None
        is_repeat = self._stop_repeat()
        if not card.is_ready or is_repeat or event.time < self._looked_at:
            self._await_look()
        elif key is not None and self.app.screen is self and self.focused is card:
            answer = card.answer_of(key.key)
            if answer is not None:
                self._take_answer(card, answer, key.key)
                return True
            if card.has_key(key.key) or not key.is_printable:
                return False
        if key is None or key.key != self._answer_key:
            self._answer_key = ""
        if self.app.screen is self and self.focused is card:
            self.set_focus(self.composer)
        return False

    def action_focus_next(self) -> None:
        """Go to the next pane: from the composer to the card, while there is one."""
        card = self.query_one(ConsentCard)
        if self.focused is self.composer and card.wanted is not None:
            self.set_focus(card)
        else:
            self.focus_next()

    def action_answer_call(self, answer: str) -> None:
        """Answer by a click on the card."""
        self.query_one(ConsentCard).answer(Answer(answer))

    def _take_answer(self, card: ConsentCard, answer: Answer, key: str) -> None:
        """Answer at once, but for the key that answered the card before: that may be held
        down, and counts when it does not come again.
        """
        if key == self._answer_key:
            self._repeat_timer = self.set_timer(self.REPEAT_S, lambda: self._say(answer))
        elif card.answer(answer):
            self._answer_key = key

    def _say(self, answer: Answer) -> None:
        self._repeat_timer = None
        self.query_one(ConsentCard).answer(answer)

    def _stop_repeat(self) -> bool:
        """Forget the answer that waits; whether one did."""
        timer, self._repeat_timer = self._repeat_timer, None
        if timer is not None:
            timer.stop()
        return timer is not None

    @on(ConsentCard.NotYet)
    def _tell_why(self, event: ConsentCard.NotYet) -> None:
        self.tell(event.why, is_error=False)

    @on(ConsentCard.Answered)
    def _on_answered(self, event: ConsentCard.Answered) -> None:
        self.start_work(self._answer, event.wanted, event.answer, group="consent")

    async def _answer(self, wanted: CallToDecide, answer: Answer) -> None:
        decision = await self._decision(wanted, answer)
        if decision is not None and self._desk is not None:
            self._desk.answer(wanted, decision)
        else:
            self._await_look()

    async def _decision(self, wanted: CallToDecide, answer: Answer) -> Decision | None:
        """What the person means; None when they went back to the card."""
        match answer:
            case Answer.ONCE:
                return Decision(True, _YOU)
            case Answer.SESSION:
                if self.services.consent is not None:
                    self.services.consent.grant(wanted.session_id, wanted.tool)
                return Decision(True, "you, for this session")
            case Answer.ALWAYS:
                return await self._allow_always(wanted)
            case Answer.NO:
                return Decision(False, "you")
            case Answer.BECAUSE:
                why = await self.app.push_screen_wait(
                    LineDialog("No, because … (the model is told)")
                )
                return None if why is None else Decision(False, "you", why)
            case Answer.EDIT:
                return await self._edit(wanted)

    async def _edit(self, wanted: CallToDecide) -> Decision | None:
        text = editable_arguments(wanted.call.arguments)
        note = ""
        while True:
            title = f"Arguments of {exact_line(wanted.tool.own_name)}"
            edited = await self.app.push_screen_wait(EditDialog(title, text, note))
            if edited is None:
                return None
            problems = check_arguments(edited, wanted.tool.schema).problems
            if not problems:
                return Decision(True, "you, with changed arguments", arguments=edited)
            text, note = edited, problems[0]

    async def _allow_always(self, wanted: CallToDecide) -> Decision | None:
        """Save a rule with a pattern for every argument."""
        if self.archive.is_private(wanted.session_id):
            self.tell("A rule would be written, and this session is private; s allows it here.")
            return None
        consent = self.services.consent
        if consent is None:
            return None
        value = check_arguments(wanted.call.arguments, "{}").value
        given = as_texts(await asyncio.to_thread(consent.normal, wanted.tool, value))
        lines = "\n".join(f"{name} = {escaped(text)}" for name, text in given)
        note = "One pattern an argument: * matches all but /, ** all, ? one character, [ab] a or b."
        title = f"Always run {exact_line(wanted.tool.full_name)} when"
        edited = await self.app.push_screen_wait(EditDialog(title, lines, note))
        if edited is None:
            return None
        pairs = [line.partition("=") for line in edited.splitlines() if "=" in line]
        patterns = tuple((name.strip(), pattern.strip()) for name, _, pattern in pairs)
        try:
            rule = ConsentRule(escaped(wanted.tool.full_name), True, patterns)
        except ValueError as error:
            self.tell(f"A pattern is wrong: {error}. Nothing was saved.")
            return None
        if not await consent.would_cover(rule, wanted.tool, wanted.call.arguments):
            self.tell("The patterns do not match this call. Nothing was saved.")
            return None
        kept = [r for r in self.services.tool_settings().consent if r.allows]
        try:
            self.services.change_settings({("tools", "allow"): [_toml(r) for r in (*kept, rule)]})
        except ReplyscopeError as error:
            self.tell(error)
            return None
        return Decision(True, "you, always (saved in the settings)")


def _toml(rule: ConsentRule) -> dict[str, object]:
    return {"tool": rule.tool, "arguments": dict(rule.patterns)}
