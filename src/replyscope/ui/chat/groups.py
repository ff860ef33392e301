"""The groups of the chat, composed: each gets the desk, and the other groups that it needs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from replyscope.ui.chat.branches import Branches
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent import ConsentPrompt
from replyscope.ui.chat.copying import Copying
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.finding import Finding
from replyscope.ui.chat.key_help import KeyHelp
from replyscope.ui.chat.layout import PaneLayout
from replyscope.ui.chat.lifecycle import Lifecycle
from replyscope.ui.chat.live_drawing import LiveDrawing
from replyscope.ui.chat.outside_editor import OutsideEditor
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.reviewing import Reviewing
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.chat.source import ChatSource
from replyscope.ui.chat.stored_replies import ProviderReplies
from replyscope.ui.chat.theme_choice import ThemeChoice
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.tools import Tools
from replyscope.ui.chat.visibility import PaneVisibility
from replyscope.ui.chat.writing import Writing
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkingScreen


@dataclass(frozen=True, slots=True)
class Groups:
    """The desk, the panes, and the groups of commands."""

    desk: Desk
    panes: Panes
    visibility: PaneVisibility
    reading: ReadingPane
    drafts: Drafts
    consent: ConsentPrompt
    providers: ProviderCommands
    sending: Sending
    branches: Branches
    sessions: Sessions
    stored_replies: ProviderReplies
    tools: Tools
    tool_servers: ServerCommands
    writing: Writing
    outside_editor: OutsideEditor
    reviewing: Reviewing
    layout: PaneLayout
    finding: Finding
    copying: Copying
    theme_choice: ThemeChoice
    key_help: KeyHelp
    lifecycle: Lifecycle


def compose_groups(
    screen: WorkingScreen[None],
    services: Services,
    commands: Sequence[CommandLine],
    run: Callable[[str, str], Awaitable[None]],
) -> Groups:
    """The groups of a screen. `run` runs a command by its name, with the text after it."""
    desk = Desk(services, screen)
    drafts = Drafts(desk, lambda: screen.query_one(Composer).written)
    consent = ConsentPrompt(desk, screen)
    visibility = PaneVisibility(screen)
    source = ChatSource(desk, lambda: visibility.has_room)
    reading = ReadingPane(screen, services, source, visibility.reveal_inspector)
    panes = Panes(screen, desk, drafts, consent, source, reading)
    drawing = LiveDrawing(desk, panes, reading)
    providers = ProviderCommands(desk, panes)
    sending = Sending(desk, panes, drafts, providers, drawing.start)
    sessions = Sessions(desk, panes, drafts, drawing.start)
    servers = ServerCommands(desk, panes)
    reply_screens = ReplyScreens(screen, services, source)
    reviewing = Reviewing(desk, panes, screen, drafts, sending, sessions, reply_screens)
    return Groups(
        desk=desk,
        panes=panes,
        drafts=drafts,
        consent=consent,
        providers=providers,
        sending=sending,
        branches=Branches(desk, panes, drafts, sending),
        sessions=sessions,
        stored_replies=ProviderReplies(desk, sessions),
        tools=Tools(desk, panes, sending),
        tool_servers=servers,
        writing=Writing(desk, panes, sending, servers, commands, run),
        outside_editor=OutsideEditor(desk, panes, screen),
        reviewing=reviewing,
        visibility=visibility,
        reading=reading,
        layout=PaneLayout(desk, panes, screen, sending, visibility, reading),
        finding=Finding(desk, panes, screen),
        copying=Copying(desk, panes),
        theme_choice=ThemeChoice(desk, screen),
        key_help=KeyHelp(desk, panes, screen, commands),
        lifecycle=Lifecycle(desk, panes, screen, drafts, providers, sessions, reviewing),
    )
