"""Asks whether a tool may run: what it is, what it would do, and the person's answers."""

import time
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from replyscope.domain.exchange import APPROVAL
from replyscope.domain.printable import printable_line, printable_text
from replyscope.engine.consent import CallToDecide
from replyscope.inspection.arguments import pretty_arguments

_GUARD_S = 0.4
"""A key that was on its way to the composer when the card came is no answer."""


class Answer(StrEnum):
    """What a person can say to a call."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    NO = "no"
    BECAUSE = "because"
    EDIT = "edit"


_KEYS = (
    (Answer.ONCE, "y", "yes, once"),
    (Answer.SESSION, "s", "yes, this session"),
    (Answer.ALWAYS, "a", "always …"),
    (Answer.NO, "n", "no"),
    (Answer.BECAUSE, "b", "no, because …"),
    (Answer.EDIT, "e", "edit first"),
)


class ConsentCard(Vertical, can_focus=True):
    """Shown while a call waits. It never takes a key that was meant for the composer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"answer('{answer.value}')", words, id=f"consent.{answer.value}")
            for answer, key, words in _KEYS
        ),
        Binding("escape", "screen.cancel_reply", "Stop", show=False),
        Binding("down,j", "scroll_arguments(1)", "Down", show=False),
        Binding("up,k", "scroll_arguments(-1)", "Up", show=False),
    ]

    class Answered(Message):
        """The person has answered."""

        def __init__(self, wanted: CallToDecide, answer: Answer) -> None:
            super().__init__()
            self.wanted = wanted
            self.answer = answer

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted: CallToDecide | None = None
        self._shown_at = 0.0

    def compose(self) -> ComposeResult:
        yield Static(id="consent-title")
        with VerticalScroll(id="consent-arguments", can_focus=False):
            yield Static(id="consent-text")
        yield Static(id="consent-more")
        yield Static(id="consent-keys")

    def show(self, wanted: CallToDecide | None, count: int = 0) -> None:
        """Ask about a call; None hides the card. `count` is how many wait in all."""
        if wanted is not self._wanted:
            self._shown_at = time.monotonic()
        self._wanted = wanted
        self.display = wanted is not None
        if wanted is None:
            return
        tool = wanted.tool
        more = f"   1 of {count}" if count > 1 else ""
        title = Content.assemble(
            ("⚙ ", "$text-accent"),
            (printable_line(tool.own_name), "bold"),
            (f"  {printable_line(tool.source)}{more}", "dim"),
            (f"\nTouches: {printable_line(tool.touches)}", "dim"),
        )
        self.query_one("#consent-title", Static).update(title)
        text = printable_text(pretty_arguments(wanted.call.arguments)) or "(no arguments)"
        self.query_one("#consent-text", Static).update(Content(text))
        self._draw_keys()

    def _draw_keys(self) -> None:
        pieces = [] if self.has_focus else [Content.styled("F6 or a click, then", "dim")]
        for answer, key, words in _KEYS:
            if self._offers(answer):
                click = f"[@click=answer('{answer.value}')][bold $text-accent]{key}[/] {words}[/]"
                pieces.append(Content.from_markup(click))
        pieces.append(Content.from_markup("[bold $text-accent]Esc[/] stops"))
        # The answers stay in view however long the arguments are; those scroll.
        room = self.screen.size.height // 2 - 8
        self.query_one("#consent-arguments").styles.max_height = max(2, room)
        rows = [pieces[0]]
        for piece in pieces[1:]:
            longer = Content("   ").join([rows[-1], piece])
            if longer.cell_length > max(20, self.content_size.width):
                rows.append(piece)
            else:
                rows[-1] = longer
        self.query_one("#consent-keys", Static).update(Content("\n").join(rows))
        self.call_after_refresh(self._draw_more)

    def _draw_more(self) -> None:
        """Say what is out of view: nobody should allow what they could not read."""
        pane = self.query_one("#consent-arguments", VerticalScroll)
        below = round(pane.max_scroll_y - pane.scroll_target_y)
        more = self.query_one("#consent-more", Static)
        more.display = pane.max_scroll_y > 0
        words = f"▼ {below} more lines" if below > 0 else "▲ that was all"
        more.update(Content.styled(f"{words} · j k scroll", "$text-warning"))

    def _offers(self, answer: Answer) -> bool:
        """A tool that always asks has no standing yes; an approval has no arguments of ours."""
        wanted = self._wanted
        if wanted is None:
            return False
        if wanted.tool.always_asks and answer in (Answer.SESSION, Answer.ALWAYS):
            return False
        is_providers = wanted.call.kind == APPROVAL
        return not (is_providers and answer in (Answer.EDIT, Answer.ALWAYS, Answer.SESSION))

    def watch_has_focus(self, _has_focus: bool) -> None:
        """The keys say whether they are listened to."""
        super().watch_has_focus(_has_focus)
        self._draw_if_shown()

    def on_resize(self) -> None:
        self._draw_if_shown()

    def _draw_if_shown(self) -> None:
        if self._wanted is not None:
            self._draw_keys()

    def action_answer(self, answer: str) -> None:
        """Say it, unless the card has only just come."""
        wanted = self._wanted
        is_fresh = time.monotonic() - self._shown_at < _GUARD_S
        if wanted is not None and not is_fresh and self._offers(Answer(answer)):
            self.post_message(self.Answered(wanted, Answer(answer)))

    def action_scroll_arguments(self, step: int) -> None:
        """Scroll the arguments."""
        pane = self.query_one("#consent-arguments", VerticalScroll)
        pane.scroll_relative(y=step, animate=False)
        self._draw_more()
