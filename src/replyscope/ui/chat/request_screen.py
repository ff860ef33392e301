"""The dialog of a request that is not sent yet: its JSON, to read and to copy."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from replyscope.domain.event import RequestSent
from replyscope.domain.printable import printable_line
from replyscope.inspection.sharing.request_code import as_curl, as_python
from replyscope.inspection.wire import request_body, request_head
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.json_tree import JsonTree


class RequestScreen(ModalScreen[None]):
    """Shows a request as it would be sent. Keys are masked, also in what is copied."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("y", "copy('JSON')", "Copy JSON"),
        Binding("c", "copy('curl')", "Copy as curl"),
        Binding("p", "copy('Python')", "Copy as Python"),
    ]

    def __init__(self, request: RequestSent) -> None:
        super().__init__()
        self._request = request

    def compose(self) -> ComposeResult:
        first, *headers = request_head(self._request)
        with Vertical(classes="dialog wide", id="request-dialog"):
            yield Label(Content(printable_line(first)), classes="dialog-title")
            shown = " · ".join(one for one in headers if not one.startswith("x-stainless-"))
            yield Static(Content(printable_line(shown)), classes="note")
            yield JsonTree(id="request-json")
            yield KeyFooter()

    def on_mount(self) -> None:
        tree = self.query_one(JsonTree)
        tree.show_text(request_body(self._request))
        tree.focus()

    def action_copy(self, form: str) -> None:
        """Copy the body as JSON, or the request as a command or a program."""
        self.app.copy_to_clipboard(code_of(self._request, form))
        self.notify(f"Copied as {form}", timeout=2)


def code_of(request: RequestSent, form: str) -> str:
    """A request as JSON, curl or Python."""
    if form == "JSON":
        return request_body(request)
    return (as_curl if form == "curl" else as_python)(request, str)
