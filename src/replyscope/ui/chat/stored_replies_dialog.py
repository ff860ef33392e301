"""The dialog of replies stored by providers: their ids, and the commands on them."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from replyscope.domain.printable import printable_line
from replyscope.domain.remote import RemoteReply
from replyscope.ui.dialogs.dialog import ListDialog, Row


class RemoteScreen(ListDialog[None]):
    """A modal list of the index of stored replies. It also accepts an id that is not listed, and
    posts the commands to the chat.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "fetch", priority=True),
        Binding("ctrl+k", "ask('cancel')", "cancel the reply", priority=True),
        Binding("ctrl+e", "ask('metadata')", "edit metadata", priority=True),
        Binding("ctrl+d", "ask('delete')", "delete at the provider", priority=True),
        Binding("escape", "cancel", "close"),
    ]
    SIZE = "tall wide"
    placeholder = "type to filter, or an id to fetch"

    class Wanted(Message):
        """A command on a reply was chosen: fetch, cancel, metadata or delete."""

        def __init__(self, what: str, response_id: str) -> None:
            super().__init__()
            self.what = what
            self.response_id = response_id

    def __init__(self, replies: tuple[RemoteReply, ...]) -> None:
        super().__init__("Replies stored at providers")
        self._replies = replies

    def rows(self) -> Sequence[Row]:
        """The stored replies, the newest first."""
        return [Row(reply.response_id, reply.response_id, _about(reply)) for reply in self._replies]

    def action_accept(self) -> None:
        """Fetch the highlighted reply, or the typed id."""
        self.action_ask("fetch")

    def action_ask(self, what: str) -> None:
        """Post a command on the highlighted reply, or on the typed id."""
        response_id = self.highlighted or self.typed
        if response_id:
            self.app.screen_stack[-2].post_message(self.Wanted(what, response_id))
            self.dismiss(None)


def _about(reply: RemoteReply) -> str:
    when = reply.seen_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return printable_line(f"{reply.state.value} · {when} · {reply.model} · {reply.endpoint}")
