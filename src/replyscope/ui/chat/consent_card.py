"""The consent card: a waiting tool call, and the possible answers.

Invariant: no answer runs a call that was not fully visible. The whole card has to be on the
screen, and the call has to be scrolled to its end. `consent` decides when keys are answers.
"""

from enum import StrEnum
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.errors import NoWidget
from textual.geometry import Region
from textual.message import Message
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from replyscope.domain.exchange import APPROVAL
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, exact_text
from replyscope.domain.values import dataclass
from replyscope.engine.consent import CallToDecide
from replyscope.inspection.arguments import pretty_arguments
from replyscope.inspection.figures import count as in_figures
from replyscope.ui.keys.entries import first_key
from replyscope.ui.keys.names import is_typed
from replyscope.ui.terminal.textual_internals import bindings_of

_MOST_SHOWN = 100_000
_MOST_READ = 10 * _MOST_SHOWN
"""Of a longer call only the first `_MOST_READ` characters are read. A call of more than
`_MOST_SHOWN` characters can only be refused.
"""

_TOO_LONG = "This call is too long to show ({}characters). It can only be refused: [n]"
_TOO_SMALL = "Too small a window to show this call. Enlarge it, or refuse with [n]."
_COVERED = "A pane covers this call. Close it with [F4], or refuse with [n]."
_UNREAD = "Read this call to its end first: scroll with [j], [PgDn] or [End]."


class Answer(StrEnum):
    """An answer to a tool call."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    NO = "no"
    BECAUSE = "because"
    EDIT = "edit"


_KEYS = (
    (Answer.ONCE, "y", ("yes, once", "once", "yes")),
    (Answer.SESSION, "s", ("yes, this session", "session", "here")),
    (Answer.ALWAYS, "a", ("always…", "always", "always")),
    (Answer.NO, "n", ("no", "no", "no")),
    (Answer.BECAUSE, "b", ("no, because…", "because", "why")),
    (Answer.EDIT, "e", ("edit first", "edit", "edit")),
)
"""Each answer with its key, and its labels from long to short."""
_ANSWERS = {f"consent.{answer.value}": answer for answer in Answer}
_REFUSALS = (Answer.NO, Answer.BECAUSE)
_NOTICES = "textual-toastrack"


class ConsentCard(Vertical, can_focus=True):
    """A card that is shown while a call waits. Its keys answer once `is_ready` is set."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"answer('{answer.value}')", labels[0], id=f"consent.{answer.value}")
            for answer, key, labels in _KEYS
        ),
        Binding("escape", "screen.run('stop')", "Stop the reply", id="consent.stop"),
        Binding("down,j", "scroll_arguments(1)", "Down", show=False),
        Binding("up,k", "scroll_arguments(-1)", "Up", show=False),
        Binding("pagedown", "scroll_page(1)", "Page down", show=False),
        Binding("pageup", "scroll_page(-1)", "Page up", show=False),
        Binding("end", "scroll_to_edge(1)", "To the end", show=False),
        Binding("home", "scroll_to_edge(-1)", "To the beginning", show=False),
    ]

    class Answered(Message):
        """The person answered."""

        def __init__(self, wanted: CallToDecide, answer: Answer) -> None:
            super().__init__()
            self.wanted = wanted
            self.answer = answer

    class NotYet(Message):
        """The call cannot be allowed yet; `why` is the reason and the remedy."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.wanted: CallToDecide | None = None
        """The call that is shown."""
        self._count = 0
        self._is_ready = False
        self._is_read = False
        self._length = 0
        self._keys_width = 0

    def compose(self) -> ComposeResult:
        yield Static(id="consent-title")
        with VerticalScroll(id="consent-arguments", can_focus=False):
            yield Static(id="consent-text")
        yield Static(id="consent-more")
        yield Static(id="consent-keys")

    def on_mount(self) -> None:
        self.watch(self._pane, "scroll_y", self._draw_more, init=False)

    @property
    def _pane(self) -> VerticalScroll:
        return self.query_one("#consent-arguments", VerticalScroll)

    @property
    def is_ready(self) -> bool:
        """Whether answers count: the person has had time to read this call."""
        return self._is_ready and self.wanted is not None

    def show(self, wanted: CallToDecide | None, count: int = 0) -> None:
        """Show a call; None hides the card. `count` is the number of waiting calls."""
        is_new = wanted is not self.wanted
        self.wanted, self._count = wanted, count
        self.display = wanted is not None
        if is_new:
            self._is_read = False
            self.set_ready(is_ready=False)
            self._pane.scroll_home(animate=False, immediate=True)
        if wanted is not None:
            self._draw()

    def set_ready(self, *, is_ready: bool) -> None:
        """Accept or ignore answers from now on."""
        self._is_ready = is_ready
        self._draw_if_shown()

    def answer_of(self, key: str) -> Answer | None:
        """The answer of a key in the current key map."""
        active = self.screen.active_bindings.get(key)
        if active is None or active.node is not self:
            return None
        return _ANSWERS.get(active.binding.id or "")

    def has_key(self, key: str) -> bool:
        """Whether the card has a binding for a key."""
        active = self.screen.active_bindings.get(key)
        return active is not None and active.node is self

    def offers(self, binding: Binding) -> bool:
        """Whether a binding does something while the card has the focus. Other printable keys
        are typed into the composer.
        """
        answer = _ANSWERS.get(binding.id or "")
        if answer is not None:
            return self._offers(answer)
        return binding.priority or not is_typed(binding.key)

    def answer(self, answer: Answer) -> bool:
        """Answer, if the call was fully visible. Returns whether the answer counts."""
        wanted = self.wanted
        if wanted is None or not self._is_ready or not self._offers(answer):
            return False
        why = "" if answer in _REFUSALS else self._why_not_yet()
        if why:
            self.post_message(self.NotYet(why))
            return False
        self.set_ready(is_ready=False)
        self.post_message(self.Answered(wanted, answer))
        return True

    def action_answer(self, answer: str) -> None:
        """Answer at once."""
        self.answer(Answer(answer))

    def _why_not_yet(self) -> str:
        """The reason why this call cannot be allowed, and the remedy; empty when it can."""
        if self._length > _MOST_SHOWN:
            return _TOO_LONG.format(f"{in_figures(self._length)} ")
        if not self._is_whole():
            return _TOO_SMALL
        if self._is_covered():
            return _COVERED
        return "" if self._is_read or self._is_at_end() else _UNREAD

    def _is_whole(self) -> bool:
        """Whether every part of the card is on the screen, and no answer is cut off."""
        if self._keys_width > self.content_size.width:
            return False
        parts = [child for child in self.children if child.display]
        return all(self._seen_of(part) == part.region.size.area > 0 for part in parts)

    def _seen_of(self, part: Widget) -> int:
        """The number of visible cells of a part."""
        try:
            return self.screen.find_widget(part).visible_region.area
        except NoWidget:
            return 0

    def _is_covered(self) -> bool:
        """Whether a pane covers the call. Toasts do not count: they disappear by themselves."""
        parts = (self.query_one("#consent-title"), self._pane)
        places = [place for part in parts for place in _edges(part.region)]
        tops = {self.screen.get_widget_at(x, y)[0] for x, y in places}
        around = [{node.id for node in top.ancestors_with_self} for top in tops]
        return not all({self.id, _NOTICES} & ids for ids in around)

    def _is_at_end(self) -> bool:
        pane = self._pane
        return pane.region.height > 0 and pane.scroll_target_y >= pane.max_scroll_y

    def _draw(self) -> None:
        """Draw the call. A text that does not fit the title is shown above the arguments."""
        wanted = self.wanted
        if wanted is None:
            return
        tool = wanted.tool
        name, source, touches = map(exact_line, (tool.own_name, tool.origin, tool.touches))
        more = f"   1 of {self._count}" if self._count > 1 else ""
        width = self.content_size.width or self.screen.size.width - 4
        room = max(8, width - cell_len(f"⚙   {source}{more}"))
        title = Content.assemble(
            ("⚙ ", "$text-accent"),
            (_cut(name, room), "bold"),
            (f"  {source}{more}", "dim"),
            (f"\nAccess: {touches}", "dim"),
        )
        self.query_one("#consent-title", Static).update(title)
        given = wanted.call.arguments
        read = given if len(given) <= _MOST_READ else given[:_MOST_SHOWN]
        text = exact_text(pretty_arguments(read)) or "(no arguments)"
        if cell_len(name) > room or max(map(cell_len, title.plain.split("\n"))) > width:
            text = f"Tool: {name}\nServer: {source}\nAccess: {touches}\n\n{text}"
        self._length = len(text) + len(given) - len(read)
        if self._length > _MOST_SHOWN:
            text = f"{text[:_MOST_SHOWN]}…\n\n{_TOO_LONG.format(f'{in_figures(self._length)} ')}"
        self.query_one("#consent-text", Static).update(Content(text))
        self._draw_keys()

    def _draw_keys(self) -> None:
        # The answers stay in view however long the arguments are; those scroll.
        room = self.screen.size.height // 2 - 5
        self._pane.styles.max_height = max(2, room)
        width = max(1, self.content_size.width)
        rows = (self._key_row(form) for form in _FORMS)
        row = next((row for row in rows if row.cell_length <= width), self._key_row(_FORMS[-1]))
        self._keys_width = row.cell_length
        self.query_one("#consent-keys", Static).update(row)
        self.call_after_refresh(self._draw_more)

    def _key_row(self, form: "_Form") -> Content:
        """The keys in one row: the answers that are offered, and before them the key that
        focuses the card.
        """
        keys = {binding.id: self.app.get_key_display(binding) for binding in bindings_of(self)}
        pieces = []
        if self._is_ready and not self.has_focus:
            pieces.append(Content.styled(form.focus.format(self._focus_key()), "dim"))
        look = "$text-accent" if self.has_focus and self._is_ready else "dim"
        for answer, _, labels in _KEYS:
            if self._offers(answer):
                key = f"[{keys[f'consent.{answer.value}']}]"
                click = f"screen.answer_call('{answer.value}')"
                shown = Content(f"{key}{form.space}{form.word(labels)}".rstrip())
                shown = shown.stylize(Style.from_meta({"@click": click}))
                pieces.append(shown.stylize(look, 0, len(key)))
        stop = f"[{keys['consent.stop']}]"
        shown = Content(f"{stop}{form.space}{form.stop}".rstrip())
        pieces.append(shown.stylize("$text-accent", 0, len(stop)))
        return Content(form.gap).join(pieces)

    def _focus_key(self) -> str:
        """The key that focuses the next pane, in the current key map."""
        return first_key(self.screen, "app.next-pane") or "Tab"

    def _draw_more(self) -> None:
        """Show the number of hidden lines, and record that the end was visible."""
        if self.wanted is None:
            return
        pane = self._pane
        below = round(pane.max_scroll_y - pane.scroll_target_y)
        more = self.query_one("#consent-more", Static)
        more.display = pane.max_scroll_y > 0
        if below > 0 and not self._is_read:
            words = f"▼ {plural(below, 'more line')} below, read on: [j] [PgDn] [End]"
        elif below > 0:
            words = f"▼ {plural(below, 'more line')} below: [j] [k] [PgDn] [End]"
        else:
            words = "▲ end of the call: [j] [k] [PgUp] [Home]"
        more.update(Content.styled(words, "$text-warning"))
        if self._is_at_end() and self._is_whole() and not self._is_covered():
            self._is_read = True

    def _offers(self, answer: Answer) -> bool:
        """Whether an answer is offered. A tool that always asks is allowed once only, and so is
        a provider's approval, whose arguments cannot be edited either.
        """
        wanted = self.wanted
        if wanted is None:
            return False
        if wanted.tool.always_asks and answer in (Answer.SESSION, Answer.ALWAYS):
            return False
        is_providers = wanted.call.kind == APPROVAL
        return not (is_providers and answer in (Answer.EDIT, Answer.ALWAYS, Answer.SESSION))

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Draw the keys again: they show whether the card has the focus."""
        super().watch_has_focus(_has_focus)
        self._draw_if_shown()

    def on_resize(self) -> None:
        self._draw()

    def _draw_if_shown(self) -> None:
        if self.wanted is not None:
            self._draw_keys()

    def action_scroll_arguments(self, step: int) -> None:
        """Scroll the call by lines."""
        self._pane.scroll_relative(y=step, animate=False, immediate=True)

    def action_scroll_page(self, step: int) -> None:
        """Scroll the call by pages."""
        pane = self._pane
        pane.scroll_relative(y=step * max(1, pane.size.height - 1), animate=False, immediate=True)

    def action_scroll_to_edge(self, step: int) -> None:
        """Scroll to the end of the call, or to its beginning."""
        y = self._pane.max_scroll_y if step > 0 else 0
        self._pane.scroll_to(y=y, animate=False, immediate=True)


@dataclass(frozen=True, slots=True)
class _Form:
    """One layout of the row of keys. Each is shorter than the one before."""

    focus: str
    stop: str
    gap: str
    label: int | None
    """Which of the labels of an answer is shown; None shows only the key."""
    space: str = " "

    def word(self, labels: tuple[str, ...]) -> str:
        """The label of an answer."""
        return labels[self.label] if self.label is not None else ""


_FORMS = (
    _Form("[{0}] then", "stop the reply", "  ", label=0),
    _Form("[{0}]", "stop the reply", "  ", label=1),
    _Form("[{0}]", "stop", " ", label=2, space=""),
    _Form("[{0}]", "", " ", label=2, space=""),
    _Form("[{0}]", "", " ", label=None),
    _Form("[{0}]", "", "", label=None),
)


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else f"{set_cell_size(text, room - 1)}…"


def _edges(region: Region) -> list[tuple[int, int]]:
    """Both ends of each row of a region."""
    ends = (region.x, region.right - 1)
    return [(x, y) for y in range(region.y, region.bottom) for x in ends]
