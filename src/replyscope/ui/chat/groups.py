"""The composition of the chat's groups: each gets the desk, and the groups that it uses."""

from collections.abc import Awaitable, Callable, Sequence

from replyscope.ui.chat.asides import AsideCommands
from replyscope.ui.chat.branches import Branches
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.compacting import Compacting
from replyscope.ui.chat.completing import Completing
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent import ConsentPrompt
from replyscope.ui.chat.context import ContextCommands
from replyscope.ui.chat.copying import Copying
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.finding import Finding
from replyscope.ui.chat.key_help import KeyHelp
from replyscope.ui.chat.late_prompts import LatePrompts
from replyscope.ui.chat.layout import PaneLayout
from replyscope.ui.chat.lifecycle import Lifecycle
from replyscope.ui.chat.live_drawing import LiveDrawing
from replyscope.ui.chat.offers import Offers
from replyscope.ui.chat.outside_editor import OutsideEditor
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.presets import PresetCommands
from replyscope.ui.chat.prompt_history import PromptHistoryCommands
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.reviewing import Reviewing
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.chat.settings_commands import SettingsCommands
from replyscope.ui.chat.source import ChatSource
from replyscope.ui.chat.spending import SpendingQuestions
from replyscope.ui.chat.stash import StashCommands
from replyscope.ui.chat.stored_replies import ProviderReplies
from replyscope.ui.chat.theme_choice import ThemeChoice
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.tools import Tools
from replyscope.ui.chat.visibility import PaneVisibility
from replyscope.ui.chat.watching import WatchCommands
from replyscope.ui.chat.writing import Writing
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.pictures import PictureCommands
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkingScreen


class Groups:
    """The desk, the panes, and the groups of commands of one screen.

    `run` runs a command by its name, with the text after it.
    """

    def __init__(
        self,
        screen: WorkingScreen[None],
        services: Services,
        commands: Sequence[CommandLine],
        run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        desk = self.desk = Desk(services, screen)
        drafts = self.drafts = Drafts(desk, lambda: screen.query_one(Composer).written)
        shows = self.visibility = PaneVisibility(screen)
        source = ChatSource(desk, lambda: shows.has_room)
        reading = self.reading = ReadingPane(
            screen, services, source, shows.reveal_inspector, source.cache_note
        )
        self.consent = ConsentPrompt(desk, screen)
        panes = self.panes = Panes(screen, desk, drafts, self.consent, source, reading)
        desk.draw_status = panes.draw_status
        self.offers = Offers(desk, panes)
        drawing = LiveDrawing(desk, panes, reading)
        providers = self.providers = ProviderCommands(desk, panes)
        self.presets = PresetCommands(desk, panes, providers)
        sending = self.sending = Sending(desk, panes, drafts, providers, drawing.start)
        sessions = self.sessions = Sessions(desk, panes, drafts, drawing.start)
        replies = ReplyScreens(screen, services, source)
        self.reviewing = Reviewing(desk, panes, screen, drafts, sending, sessions, replies)
        self.branches = Branches(desk, panes, drafts, sending, providers)
        self.stored_replies = ProviderReplies(desk, sessions)
        self.tools = Tools(desk, panes, sending)
        servers = self.tool_servers = ServerCommands(desk, panes)
        self.outside_editor = OutsideEditor(desk, panes, screen)
        prompts = self.prompts = LatePrompts(desk, panes, providers, self.outside_editor.edit)
        self.writing = Writing(desk, panes, drafts, sending, servers, prompts, commands, run)
        self.completing = Completing(desk, panes, self.writing, servers, prompts, commands)
        self.layout = PaneLayout(desk, panes, screen, sending, shows, reading)
        self.watching = WatchCommands(desk, panes, screen, drafts, self.reviewing)
        self.lifecycle = Lifecycle(
            desk, panes, screen, drafts, providers, sessions, self.reviewing, self.watching
        )
        self._add_views(screen, services, commands, run)
        self._add_aids(screen)

    def _add_views(
        self,
        screen: WorkingScreen[None],
        services: Services,
        commands: Sequence[CommandLine],
        run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """Add the commands that find and draw, and the settings."""
        desk, panes = self.desk, self.panes
        self.settings = SettingsCommands(desk, panes, commands, run)
        self.key_help = KeyHelp(desk, screen, commands)
        self.finding = Finding(desk, panes, screen)
        self.pictures = PictureCommands(screen, services, lambda: desk.conversation.is_private)
        self.theme_choice = ThemeChoice(desk, screen)

    def _add_aids(self, screen: WorkingScreen[None]) -> None:
        """Add the commands of the context, the writing aids, and the questions about spending
        limits.
        """
        desk, panes = self.desk, self.panes
        self.context = ContextCommands(desk, panes, lambda: panes.transcript.focus())
        self.compacting = Compacting(desk, self.sending, self.providers)
        self.spending = SpendingQuestions(desk)
        self.prompt_history = PromptHistoryCommands(desk, panes)
        self.copying = Copying(desk, panes, screen.get_selected_text)
        self.stash = StashCommands(desk, panes, self.drafts)
        self.asides = AsideCommands(desk, panes)
        self.sending.on_ended = self.asides.title
        self.sending.compact = self.compacting.compact
