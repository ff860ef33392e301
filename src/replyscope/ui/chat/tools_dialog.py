"""The dialog that selects the tools available to the model in this session."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.tool import Tool, ToolSource
from replyscope.ui.chat.hosted import HOSTED
from replyscope.ui.dialogs.dialog import ListDialog, Row
from replyscope.ui.dialogs.edit_dialog import ReadDialog
from replyscope.ui.dialogs.ticks import tick
from replyscope.ui.markdown.palette import look_of


class ToolsDialog(ListDialog[tuple[tuple[str, ...], tuple[str, ...]] | None]):
    """A modal list with ticks. It returns the names of tools and sources, and the hosted
    tools; None when it was cancelled.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "select", priority=True),
        Binding("enter", "accept", "accept", priority=True),
        Binding("f7", "show_log", "log of the server", priority=True),
    ]
    KEYS_OF_LIST = frozenset({"space"})
    SIZE = "tall wide"

    def __init__(
        self,
        tools: Sequence[Tool],
        sources: Sequence[ToolSource],
        chosen: Sequence[str],
        hosted: Sequence[str],
        *,
        offers_hosted: bool,
    ) -> None:
        note = "Each call waits for your permission, unless a rule allows it."
        super().__init__("Tools available to the model", note)
        self._tools = {tool.full_name: tool for tool in tools}
        self._sources = {source.name: source for source in sources}
        self._hosted_rows = _hosted_rows(hosted) if offers_hosted else {}
        self._kept_hosted = () if offers_hosted else tuple(hosted)
        self._ticked = self._ticked_at_first(set(chosen), hosted)

    def _ticked_at_first(self, chosen: set[str], hosted: Sequence[str]) -> set[str]:
        tools = {name for name, tool in self._tools.items() if tool.is_named_in(chosen)}
        servers = {name for name in self._sources if _is_server(name) and name in chosen}
        return tools | servers | (set(hosted) & set(self._hosted_rows))

    def compose_content(self) -> ComposeResult:
        yield from super().compose_content()
        yield Static(id="tool-about")

    def rows(self) -> Sequence[Row]:
        """The tools, the servers and the hosted tools, with ticks."""
        texts: dict[str, tuple[str, str]] = {
            name: (tool.own_name, tool.origin) for name, tool in self._tools.items()
        }
        for source in self._sources.values():
            if _is_server(source.name):
                texts[source.name] = (source.name, f"server · {source.state}")
        texts |= {
            wire: (name[:60], "hosted: runs at the provider")
            for wire, name in self._hosted_rows.items()
        }
        return [
            Row(value, title, text, tick(look_of(self), is_on=value in self._ticked))
            for value, (title, text) in texts.items()
        ]

    def fill(self, highlighted: str | None = None) -> None:
        """Draw the rows, and the number of ticks in the title."""
        super().fill(highlighted)
        total = len(self.rows())
        self.show_title(f"Tools available to the model · {len(self._ticked)} of {total}")

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        value = event.option_id or ""
        if value in self._tools:
            tool = self._tools[value]
            first = " ".join(tool.description.strip().split("\n\n")[0].split())
            text = f"{printable_text(first)[:300]}\nAccess: {printable_line(tool.touches)}"
        elif value in self._sources:
            source = self._sources[value]
            text = printable_text("\n".join((source.fault or source.state, *source.notes)))[:600]
        else:
            text = f"Tool definition: {value}"
        self.query_one("#tool-about", Static).update(Content(text))

    @on(OptionList.OptionSelected)
    def _accept_clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_tick()

    def action_tick(self) -> None:
        """Select or deselect the highlighted row."""
        if self.highlighted is not None:
            self._ticked ^= {self.highlighted}
            self.fill(self.highlighted)

    def action_accept(self) -> None:
        """Return the selection, in the order of the list."""
        ticked = [row.value for row in self.rows() if row.value in self._ticked]
        hosted = tuple(value for value in ticked if value in self._hosted_rows)
        tools = tuple(value for value in ticked if value not in hosted)
        self.dismiss((tools, hosted or self._kept_hosted))

    def action_show_log(self) -> None:
        """Show the stderr log of the highlighted server."""
        source = self._sources.get(self.highlighted or "")
        if source is None:
            self.tell("Highlight a server (mcp:…) to see its log.", is_error=False)
            return
        text = source.log or "The log is empty."
        self.app.push_screen(ReadDialog(f"Log of {source.name}", text))


def _is_server(source: str) -> bool:
    return source.startswith("mcp:")


def _hosted_rows(hosted: Sequence[str]) -> Mapping[str, str]:
    """The hosted tools: their JSON for the API, with their names."""
    own = {wire: wire for wire in hosted if wire not in HOSTED.values()}
    return {wire: name for name, wire in HOSTED.items()} | own
