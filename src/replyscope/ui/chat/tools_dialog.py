"""The dialog that selects the tools available to the model in this session."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, SelectionList, Static
from textual.widgets.selection_list import Selection

from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.tool import Tool, ToolSource
from replyscope.ui.chat.hosted import HOSTED
from replyscope.ui.dialogs.edit_dialog import ReadDialog


class ToolsDialog(ModalScreen[tuple[tuple[str, ...], tuple[str, ...]] | None]):
    """A modal list of check boxes. It returns the names of tools and sources, and the hosted
    tools; None when it was cancelled.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("enter", "accept", "Accept", priority=True),
        Binding("l", "show_log", "Its log"),
    ]

    def __init__(
        self,
        tools: Sequence[Tool],
        sources: Sequence[ToolSource],
        chosen: Sequence[str],
        hosted: Sequence[str],
        *,
        offers_hosted: bool,
    ) -> None:
        super().__init__()
        self._tools = {tool.full_name: tool for tool in tools}
        self._sources = {source.name: source for source in sources}
        self._chosen = chosen
        self._hosted = hosted
        self._offers_hosted = offers_hosted

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label("Tools that the model may ask for", classes="dialog-title")
            yield SelectionList[str](*self._rows(), compact=True)
            yield Static(id="tool-about")
            hint = "Space ticks, Enter accepts, l shows a server's log, Esc cancels"
            yield Static(f"{hint}. Nothing runs without your word.", classes="hint")

    def _rows(self) -> list[Selection[str]]:
        rows = [
            Selection(
                Content.assemble(tool.own_name.ljust(18), (tool.source, "dim")),
                tool.full_name,
                bool({tool.own_name, tool.source, tool.full_name} & set(self._chosen)),
            )
            for tool in self._tools.values()
        ]
        for source in self._sources.values():
            if source.name.startswith("mcp:"):
                state = printable_line(source.state)
                label = Content.assemble(source.name.ljust(18), (f"server · {state}", "dim"))
                rows.append(Selection(label, source.name, source.name in self._chosen))
        if self._offers_hosted:
            own = {wire: wire for wire in self._hosted if wire not in HOSTED.values()}
            for name, wire in {**HOSTED, **own}.items():
                label = Content.assemble(name[:60].ljust(18), ("  the provider runs it", "dim"))
                rows.append(Selection(label, wire, wire in self._hosted))
        return rows

    @on(SelectionList.SelectionHighlighted)
    def _describe(self, event: SelectionList.SelectionHighlighted[str]) -> None:
        value = event.selection.value
        about = self.query_one("#tool-about", Static)
        if value in self._tools:
            tool = self._tools[value]
            first = tool.description.strip().split("\n\n")[0]
            text = f"{printable_text(first)[:300]}\nTouches: {printable_line(tool.touches)}"
        elif value in self._sources:
            source = self._sources[value]
            lines = (source.fault or source.state, *source.notes)
            text = printable_text("\n".join(lines))[:600]
        else:
            text = value
        about.update(Content(text))

    def action_accept(self) -> None:
        """Return the selection."""
        ticked = self.query_one(SelectionList).selected
        hosted = tuple(value for value in ticked if value.startswith("{"))
        self.dismiss((tuple(value for value in ticked if value not in hosted), hosted))

    def action_show_log(self) -> None:
        """Show the stderr log of the highlighted server."""
        rows = self.query_one(SelectionList)
        if rows.highlighted is None:
            return
        source = self._sources.get(rows.get_option_at_index(rows.highlighted).value)
        if source is not None:
            text = source.log or "It has written nothing."
            self.app.push_screen(ReadDialog(f"Log of {source.name}", text))
