"""The commands of the review screen: the keys, and F1's help, are made from this table."""

from textual.binding import BindingType

from replyscope.ui.keys.screen_command import ScreenCommand
from replyscope.ui.review.groups import ReviewGroups

ReviewCommand = ScreenCommand


def _narrowing(number: int) -> ScreenCommand[ReviewGroups]:
    """A facet has its digit, and Alt with the digit where digits are typed."""
    return ReviewCommand(
        str(number), f"narrow {number}", "", lambda groups: groups.search.narrow(number)
    )


def _narrowing_while_typing(number: int) -> ScreenCommand[ReviewGroups]:
    return ReviewCommand(
        f"alt+{number}",
        f"narrow while typing {number}",
        "",
        lambda groups: groups.search.narrow(number),
        is_always=True,
    )


# fmt: off
REVIEW_COMMANDS: tuple[ScreenCommand[ReviewGroups], ...] = (
    ReviewCommand("escape", "back", "Back", lambda g: g.layout.back(), "review.back", "back"),
    ReviewCommand("f1", "help", "Help",
                  lambda g: g.help.show(), "app.help", "help", is_always=True),
    ReviewCommand("f3", "leave", "Back to the chat",
                  lambda g: g.layout.leave(), "review.leave", "chat", is_always=True),
    ReviewCommand("f4", "inspector", "Inspector",
                  lambda g: g.reading.toggle(), "review.inspector", "inspector", is_always=True),
    ReviewCommand("f5", "folders", "Folders",
                  lambda g: g.layout.toggle_folders(), "review.folders", "folders", is_always=True),
    ReviewCommand("f6", "next pane", "Next pane",
                  lambda g: g.layout.focus_next(), "app.next-pane", "next pane", is_always=True),
    ReviewCommand("f7", "wire", "Wire",
                  lambda g: g.reading.open_tab("wire"), "review.wire", "wire", is_always=True),
    ReviewCommand("L,shift+l", "timeline", "Timeline of the reply",
                  lambda g: g.reading.open_tab("time"), "review.timeline", "timeline"),
    ReviewCommand("ctrl+f", "query", "Query",
                  lambda g: g.layout.focus_query(), "review.query", "query", is_always=True),
    ReviewCommand("slash", "query by slash", "Query", lambda g: g.layout.focus_query(),
                  "review.query-here", "query"),
    ReviewCommand("o", "open", "Open in the chat",
                  lambda g: g.layout.open_highlighted(), "review.open", "open"),
    ReviewCommand("v", "sessions", "List replies or sessions",
                  lambda g: g.search.toggle_sessions(), "review.sessions", "replies/sessions"),
    ReviewCommand("s", "sort", "Next order",
                  lambda g: g.search.sort_next(), "review.sort", "order"),
    ReviewCommand("S,shift+s", "save", "Save this query as a folder",
                  lambda g: g.saved_queries.save(), "review.save", "keep query"),
    ReviewCommand("t", "tag", "Tags",
                  lambda g: g.labelling.tag(), "review.tag", "tags", is_change=True),
    ReviewCommand("p", "pin", "Pin",
                  lambda g: g.labelling.pin(), "review.pin", "pin", is_change=True),
    ReviewCommand("a", "archive", "Archive",
                  lambda g: g.labelling.archive(), "review.archive", "archive", is_change=True),
    ReviewCommand("d,delete", "delete", "Delete, or restore",
                  lambda g: g.sessions.delete(), "review.delete", "delete", is_change=True),
    ReviewCommand("u", "undo", "Undo the last change",
                  lambda g: g.changes.undo(), "review.undo", "undo"),
    ReviewCommand("R,shift+r", "rename", "Rename",
                  lambda g: g.sessions.rename(), "review.rename", "rename", is_change=True),
    ReviewCommand("X,shift+x", "purge", "Delete permanently",
                  lambda g: g.sessions.purge(), "review.purge", "remove for good", is_change=True),
    ReviewCommand("e", "export", "Export sessions",
                  lambda g: g.exports.export_chosen(), "review.export", "export"),
    ReviewCommand("E,shift+e", "export found", "Export all results",
                  lambda g: g.exports.export_found(), "review.export-found", "export all"),
    ReviewCommand("c", "compare", "Compare two replies",
                  lambda g: g.comparing.compare(), "review.compare", "compare"),
    ReviewCommand("P,shift+p", "replay", "Replay the reply",
                  lambda g: g.comparing.replay(), "review.replay", "replay"),
    *(_narrowing(number) for number in range(1, 10)),
    *(_narrowing_while_typing(number) for number in range(1, 10)),
    ReviewCommand("f9", "numbers", "Numbers of this query",
                  lambda g: g.statistics.show(), "review.stats", "numbers", is_always=True),
    ReviewCommand("ctrl+q", "quit", "Quit",
                  lambda g: g.layout.quit(), "app.quit", "quit", is_always=True),
)
# fmt: on
CHANGES = frozenset(command.id for command in REVIEW_COMMANDS if command.is_change)
"""The ids of the commands that change saved sessions; on a hub they are neither offered nor run."""
REVIEW_KEYS: list[BindingType] = [command.binding() for command in REVIEW_COMMANDS]
