"""The groups of the live screen, composed: each gets the desk and what it draws into."""

from dataclasses import dataclass

from textual.widgets import Static

from replyscope.domain.endpoint import Endpoint
from replyscope.engine.watching.switch import Watching
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.services import Services
from replyscope.ui.watch.acting import CallCommands, OpenedCall
from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.watch.calls import Calls
from replyscope.ui.watch.desk import WatchDesk
from replyscope.ui.watch.holding import HeldBar, Holding
from replyscope.ui.watch.key_help import WatchHelp
from replyscope.ui.watch.layout import WatchLayout
from replyscope.ui.watch.source import CallSource
from replyscope.ui.working_screen import WorkingScreen


@dataclass(frozen=True, slots=True)
class WatchWidgets:
    """The widgets that the groups read from and draw into."""

    field: QueryField
    note: Static
    table: CallTable
    held: HeldBar


@dataclass(frozen=True, slots=True)
class WatchGroups:
    """The desk, the reading pane, and the groups of commands."""

    desk: WatchDesk
    source: CallSource
    reading: ReadingPane
    calls: Calls
    acting: CallCommands
    layout: WatchLayout
    holding: Holding
    help: WatchHelp


def compose_watch(
    screen: WorkingScreen[OpenedCall | None],
    services: Services,
    watching: Watching,
    widgets: WatchWidgets,
    endpoint: Endpoint | None,
) -> WatchGroups:
    """The groups of a screen with these widgets; the watch starts again at `endpoint`."""
    desk = WatchDesk(screen, services, watching, widgets.table)
    source = CallSource(services, desk.current)
    reading = ReadingPane(
        screen,
        services,
        source,
        reveal=lambda: layout.show_reading(),
        pointed=lambda: desk.table.current_id,
    )
    layout = WatchLayout(screen, desk, widgets.field, reading, endpoint)
    return WatchGroups(
        desk=desk,
        source=source,
        reading=reading,
        calls=Calls(screen, desk, widgets.field, widgets.note),
        acting=CallCommands(screen, services, desk),
        layout=layout,
        holding=Holding(screen, desk, widgets.held),
        help=WatchHelp(screen),
    )
