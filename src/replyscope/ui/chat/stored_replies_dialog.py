"""The dialog of replies stored by providers: their ids, and the commands on them."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line
from replyscope.domain.remote import RemoteReply

_HINT = "Enter fetches · Ctrl+K stops · Ctrl+E edits metadata · Ctrl+D deletes there · Esc closes"


class RemoteScreen(ModalScreen[None]):
    """A modal list of the index of stored replies. It also accepts an id that is not listed, and
    posts the commands to the chat.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move(1)", "Next", show=False, priority=True),
        Binding("up", "move(-1)", "Previous", show=False, priority=True),
        Binding("ctrl+k", "ask('cancel')", "Stop it", priority=True),
        Binding("ctrl+e", "ask('metadata')", "Edit its metadata", priority=True),
        Binding("ctrl+d", "ask('delete')", "Delete it there", priority=True),
    ]

    class Wanted(Message):
        """A command on a reply was chosen: fetch, cancel, metadata or delete."""

        def __init__(self, what: str, response_id: str) -> None:
            super().__init__()
            self.what = what
            self.response_id = response_id

    def __init__(self, replies: tuple[RemoteReply, ...]) -> None:
        super().__init__()
        self._replies = replies

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label("Replies kept by providers", classes="dialog-title")
            yield Input(placeholder="an id to fetch, or type to filter", compact=True)
            yield OptionList()
            yield Static(_HINT, classes="hint")

    def on_mount(self) -> None:
        self._fill("")

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, needle: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        shown = [r for r in self._replies if needle in f"{r.response_id} {r.model} {r.endpoint}"]
        options.add_options(_option(reply) for reply in shown[:500])
        if shown:
            options.highlighted = 0

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _fetch(self) -> None:
        self.action_ask("fetch")

    def action_ask(self, what: str) -> None:
        """Post a command on the highlighted reply, or on the typed id."""
        option = self.query_one(OptionList).highlighted_option
        typed = self.query_one(Input).value.strip()
        response_id = option.id if option is not None else typed
        if response_id:
            self.app.screen_stack[-2].post_message(self.Wanted(what, response_id))
            self.dismiss(None)


def _option(reply: RemoteReply) -> Option:
    when = reply.seen_at.astimezone().strftime("%Y-%m-%d %H:%M")
    label = Content.assemble(
        (printable_line(reply.response_id), "bold"),
        "\n  ",
        (
            printable_line(f"{reply.state.value} · {when} · {reply.model} · {reply.endpoint}"),
            "$text-muted",
        ),
    )
    return Option(label, id=reply.response_id)
