"""The commands of the live screen: the keys, and F1's help, are made from this table."""

from textual.binding import BindingType

from replyscope.ui.keys.screen_command import ScreenCommand
from replyscope.ui.watch.groups import WatchGroups

_Command = ScreenCommand

# fmt: off
WATCH_COMMANDS: tuple[ScreenCommand[WatchGroups], ...] = (
    _Command("escape", "back", "Back", lambda g: g.layout.back(), "watch.back", "back"),
    _Command("f1", "help", "Help", lambda g: g.help.show(), "app.help", "help", is_always=True),
    _Command("f11", "leave", "Back to the chat; the watch continues",
             lambda g: g.layout.leave(), "watch.leave", "chat", is_always=True),
    _Command("f4", "reading", "Reply and inspector",
             lambda g: g.layout.toggle_reading(), "watch.reading", "reply", is_always=True),
    _Command("f6", "next pane", "Next pane",
             lambda g: g.layout.focus_next(), "app.next-pane", "next pane", is_always=True),
    _Command("f7", "wire", "Wire",
             lambda g: g.reading.open_tab("wire"), "watch.wire", "wire", is_always=True),
    _Command("L,shift+l", "timeline", "Timeline of the reply",
             lambda g: g.reading.open_tab("time"), "watch.timeline", "timeline"),
    _Command("ctrl+f", "filter", "Filter",
             lambda g: g.layout.focus_filter(), "watch.filter-always", "filter", is_always=True),
    _Command("slash", "filter by slash", "Filter",
             lambda g: g.layout.focus_filter(), "watch.filter", "filter"),
    _Command("o", "open", "Open in its session",
             lambda g: g.acting.open(), "watch.open-here", "open"),
    _Command("t", "take over", "Take over: continue from here in a new session",
             lambda g: g.acting.open(takes_over=True), "watch.take-over", "take over"),
    _Command("c", "compare", "Compare two calls",
             lambda g: g.acting.compare(), "watch.compare", "compare"),
    _Command("P,shift+p", "replay", "Replay the reply",
             lambda g: g.acting.replay(), "watch.replay", "replay"),
    _Command("e", "export", "Copy as curl, Python or SSE",
             lambda g: g.acting.export(), "watch.export", "copy as"),
    _Command("y", "address", "Copy the line that a program needs",
             lambda g: g.acting.copy_address(), "watch.address", "copy address"),
    _Command("h", "held", "Decide about a held call",
             lambda g: g.holding.decide(), "watch.held", "decide"),
    _Command("s", "toggle", "Stop the watch, or start it again",
             lambda g: g.layout.toggle_watch(), "watch.toggle", "stop/start"),
    _Command("X,shift+x", "clear", "Empty this list; the sessions stay",
             lambda g: g.desk.log.clear(), "watch.clear", "clear"),
    _Command("ctrl+q", "quit", "Quit",
             lambda g: g.layout.quit(), "app.quit", "quit", is_always=True),
)
# fmt: on
WATCH_KEYS: list[BindingType] = [command.binding() for command in WATCH_COMMANDS]
