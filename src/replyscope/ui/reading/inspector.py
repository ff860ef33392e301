"""The inspector: the overview, tools, wire and timeline of one exchange, in tabs."""

from collections.abc import Container, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import ContentSwitcher, Static, Tab, Tabs

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import ToolResultPart
from replyscope.inspection.explain import Remedy
from replyscope.inspection.timeline import Timeline
from replyscope.ui.reading.sheet import Sheet
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.tool_sheet import tool_sheet
from replyscope.ui.reading.wire_view import WirePane, WireView
from replyscope.ui.styles.muted import MUTED

_TABS = Binding.Group("tab")


class Inspector(Vertical):
    """Draws a given exchange. Loads nothing."""

    class TabOpened(Message):
        """Another tab was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "open_tab('overview')", "Overview", id="inspector.overview", group=_TABS),
        Binding("2", "open_tab('tools')", "Tools", id="inspector.tools", group=_TABS),
        Binding("3", "open_tab('wire')", "Wire", id="inspector.wire", group=_TABS),
        Binding("4", "open_tab('time')", "Time", id="inspector.time", group=_TABS),
        Binding("space", "toggle_more", "More or less", id="inspector.more"),
    ]

    def __init__(self, *, id: str | None = None, can_act: bool = True) -> None:
        super().__init__(id=id)
        self._can_act = can_act
        self._heights: dict[str, int] = {}
        self._shows_more = False
        self._exchange: Exchange | None = None

    def compose(self) -> ComposeResult:
        yield Tabs(
            Tab("overview", id="overview"),
            Tab("tools", id="tools"),
            Tab("wire", id="wire"),
            Tab("time", id="time"),
        )
        with ContentSwitcher(initial="pane-overview"):
            with VerticalScroll(id="pane-overview"):
                yield Static(id="overview-text")
                yield Static(id="overview-more")
            with VerticalScroll(id="pane-tools"):
                yield Static(id="tools-text")
            yield WirePane(id="pane-wire")
            with VerticalScroll(id="pane-time", can_focus=False):
                yield TimelineView(id="timeline")

    @property
    def tab(self) -> str:
        """The open tab."""
        return self.query_one(Tabs).active or "overview"

    def action_open_tab(self, name: str) -> None:
        """Open a tab, and focus its content."""
        self.open_tab(name)
        target = {"time": "#timeline", "wire": "#wire"}.get(name, f"#pane-{name}")
        self.call_after_refresh(self.query_one(target).focus)

    def open_tab(self, name: str) -> None:
        """Open a tab by name."""
        self.query_one(Tabs).active = name

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        event.stop()
        self.query_one(ContentSwitcher).current = f"pane-{event.tab.id}"
        self.post_message(self.TabOpened())

    def show_nothing(self) -> None:
        """Show a hint instead of a reply."""
        hint = "Send a message to inspect its reply." if self._can_act else ""
        self._exchange = None
        self._update("#overview-text", Content.styled(hint, MUTED))
        self._update("#overview-more", Content(""))
        self._update("#tools-text", Content(""))
        self.query_one(WireView).show_nothing()
        self.query_one(TimelineView).show_nothing()

    def show_timeline(self, exchange: Exchange, timeline: Timeline) -> None:
        """Show the timeline of a reply."""
        self.query_one(TimelineView).show_timeline(exchange, timeline)

    def show_moment(self, at_ms: float) -> None:
        """Point at the last frame at or before a moment."""
        self.query_one(WireView).show_moment(at_ms)

    def show_exchange(
        self,
        exchange: Exchange,
        choice: int,
        results: Mapping[str, ToolResultPart],
        *,
        part: str = "",
        possible: Container[Remedy] = (),
        is_begun: bool = False,
    ) -> None:
        """Show an exchange. `results` are the results of its calls by call id, `part` says which
        exchange of a continued reply it is, `possible` has the remedies that work now, and
        `is_begun` is whether the reply has text.
        """
        self._exchange = exchange
        width = max(20, self.size.width - 4)
        sheet = Sheet(width, possible)
        if self.tab == "tools":
            self._update("#tools-text", tool_sheet(width, exchange.choice(choice), results))
        else:
            overview = sheet.overview(exchange, choice, part=part, is_begun=is_begun)
            self._update("#overview-text", overview)
            self._draw_more()

    def _draw_more(self) -> None:
        if self._exchange is None:
            return
        sheet = Sheet(max(20, self.size.width - 4))
        self._update("#overview-more", sheet.more(self._exchange, is_open=self._shows_more))

    def action_toggle_more(self) -> None:
        """Show or hide the rows without a value."""
        self._shows_more = not self._shows_more
        self._draw_more()

    def on_click(self, event: Click) -> None:
        """A click on the folded rows shows them."""
        if event.widget is self.query_one("#overview-more"):
            self.action_toggle_more()

    def _update(self, pane: str, content: Content) -> None:
        """Draw a pane; the screen is laid out again only when its height changed."""
        lines = content.plain.count("\n")
        changed = self._heights.get(pane) != lines
        self._heights[pane] = lines
        self.query_one(pane, Static).update(content, layout=changed)

    def show_record(self, exchange: Exchange, record: WireRecord) -> None:
        """Show the wire of an exchange."""
        self.query_one(WireView).show_wire(exchange, record)

    def grow_wire(self) -> None:
        """Show the newly added frames."""
        self.query_one(WireView).grow()
