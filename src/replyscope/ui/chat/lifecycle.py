"""The start and exit of the chat, and the changes of other processes to the store."""

import asyncio
from contextlib import suppress

from textual.timer import Timer

from replyscope.domain.errors import ReplyscopeError, SessionNotFound, StoreError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.first_session import FirstSession
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.reviewing import Reviewing
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.chat.watching import WatchCommands
from replyscope.ui.services import Services
from replyscope.ui.terminal import garbage
from replyscope.ui.terminal.settling import settle
from replyscope.ui.working_screen import WorkingScreen

_SAVE_AGAIN_S = 2.0
_EXIT_STORE = 5
_OTHER_BRANCH = (
    "A newer branch of this session came from another window or machine, and is shown now. "
    "Yours is kept: press [Esc], move to the message with versions, and press [[]."
)


class Lifecycle:
    """The start and exit: opens the archive, polls it for changes, and saves before the exit."""

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        screen: WorkingScreen[None],
        drafts: Drafts,
        providers: ProviderCommands,
        sessions: Sessions,
        reviewing: Reviewing,
        watching: WatchCommands,
    ) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen
        self.first = FirstSession(desk)
        self._drafts = drafts
        self._providers = providers
        self._sessions = sessions
        self._reviewing = reviewing
        self._watching = watching
        watching.catch_up = self._show_changes
        self._collections = garbage.FullCollections()
        self._saving: Timer | None = None
        self.following: asyncio.Task[None] | None = None
        """Draws the changes of other processes, until the screen ends."""
        self._told_reading: tuple[str, ...] = ()
        """The names of unread files in the last warning."""

    async def begin(self) -> None:
        """Open the store and the provider, after the first paint."""
        services = self._desk.services
        for fault in services.faults:
            self._desk.tell(fault)
        await self.first.load()
        self._tell_first()
        try:
            self._panes.composer.set_history(list(await services.history.load_history(500)))
        except ReplyscopeError as error:
            self._desk.tell(error)
        await self._panes.draw_sidebar()
        self._saving = self._screen.set_interval(_SAVE_AGAIN_S, self._save_what_waits, pause=True)
        self._screen.set_interval(garbage.EVERY_S, self._collect_garbage)
        self.following = asyncio.create_task(self._follow_changes())
        if services.starts_local is not None:
            self._providers.local.begin(services.starts_local)
        elif self._desk.targets.endpoint is not None:
            self._desk.start_work(self._providers.learn_at_start, group="models", exclusive=True)
        elif not self._opens_a_screen and self._is_idle():  # it needs no server of the chat
            self._providers.choose_provider()
        if services.opens_review:
            self._reviewing.review()
        elif services.opens_watch:
            self._watching.watch()
        if not self._desk.archive.is_read_only:
            self._desk.start_work(self._keep_archive, services, group="archive")
        with suppress(StoreError):
            await services.begin_background(self._show_hub)

    def _tell_first(self) -> None:
        """Tell how the archive and the first session were opened."""
        first = self.first
        if first.unsaved is not None:
            self._tell_unsaved(first.unsaved)
        if first.recovered:
            number = plural(first.recovered, "interrupted reply")
            verb = "was" if first.recovered == 1 else "were"
            self._desk.tell(f"{number} {verb} recovered", is_error=False)
        for error in first.errors:
            self._desk.tell(error)

    def _tell_unsaved(self, error: StoreError) -> None:
        """Say why nothing is saved. The open session may have become a private one."""
        if not self._desk.archive.is_read_only:
            self._desk.tell(f"This chat is not saved. {error}")
            return
        self._desk.tell(error)
        self._panes.composer.show_private(self._desk.conversation.is_private)
        self._panes.draw_all()

    def _show_hub(self, words: str) -> None:
        """Show the state of the hub in the status line."""
        if words != self._desk.hub and self._screen.is_attached:
            self._desk.hub = words
            self._panes.draw_status()

    @property
    def _opens_a_screen(self) -> bool:
        return self._desk.services.opens_review or self._desk.services.opens_watch

    def _is_idle(self) -> bool:
        """Whether nothing is typed or sent: a dialog that opens by itself must not get keys."""
        return (
            self._screen.is_current
            and not self._panes.composer.text
            and not self._desk.turns.any_running
        )

    async def _keep_archive(self, services: Services) -> None:
        """Purge sessions that were deleted 30 days ago, update the search index, and make the
        daily backup, and upgrade the index of an older version.
        """
        review = services.review
        try:
            purged = await review.purge_old()
            if purged is not None and purged.sessions:
                number = plural(purged.sessions, "session")
                self._desk.tell(f"{number} deleted 30 days ago: now gone for good", is_error=False)
            await review.update_index()
        except ReplyscopeError as error:
            self._screen.log.warning(str(error))
        try:
            await services.back_up()
            await review.upgrade_index()
        except ReplyscopeError as error:
            self._desk.tell(error)

    def _collect_garbage(self) -> None:
        self._collections.collect(is_streaming=self._desk.turns.any_running)

    async def _follow_changes(self) -> None:
        """Draw the list of sessions again when any process has changed the store."""
        stamp = -1
        while True:
            stamp = await self._desk.services.sessions.next_change(stamp)
            await self._show_changes()

    async def _show_changes(self) -> None:
        await self._catch_up()
        await self._panes.draw_sidebar()

    async def _catch_up(self) -> None:
        """Load and show the changes of another process to the open session."""
        conversation = self._desk.conversation
        if conversation.is_new or self._desk.turns.is_running(conversation.session.id):
            return
        before = conversation.session.head_id
        try:
            changed = await conversation.catch_up()
        except ReplyscopeError as error:
            self._screen.log.warning(str(error))
            self._reviewing.removed.follow(
                conversation, for_good=isinstance(error, SessionNotFound)
            )
            return
        self._reviewing.removed.follow(conversation)
        if changed and conversation is self._desk.conversation:
            self._panes.sync_entries(conversation)
            self._panes.transcript.renew_entries()
            self._panes.draw_all()
            if before is not None and all(one.id != before for one in conversation.messages):
                self._desk.tell(_OTHER_BRANCH, is_error=False)

    def save_later(self) -> None:
        """Save again what could not be saved, until it is."""
        if self._saving is not None:
            self._saving.resume()

    async def _save_what_waits(self) -> None:
        """Save the replies that could not be saved before, for example when the disk was full."""
        for conversation in self._desk.archive.unsaved():
            try:
                await conversation.endings.save()
            except StoreError:
                return
            self._desk.tell(f"{conversation.session.title}: now saved", is_error=False)
        if self._saving is not None:
            self._saving.pause()

    def quit_app(self) -> None:
        """Cancel the streams, save everything, and exit."""
        self._desk.start_work(self._quit, group="quit", exclusive=True)

    def _has_new_reading(self) -> bool:
        """Warn of files that are still being read. Returns whether a warning was shown."""
        names = self._desk.pending.all_being_read()
        if self._desk.leaves_anyway or not names or names == self._told_reading:
            return False
        self._told_reading = names
        shown = printable_line(", ".join(names[:3]))
        verb = "is" if len(names) == 1 else "are"
        it = "it" if len(names) == 1 else "them"
        self._desk.tell(f"{shown} {verb} still being read. [Ctrl+Q] again leaves without {it}.")
        return True

    async def _quit(self) -> None:
        await settle(self._panes.composer, self._screen)  # this key overtakes earlier keys
        if self._has_new_reading() or not await self._sessions.may_leave():
            return
        self._desk.is_leaving = True
        running = self._desk.archive.streaming()
        for conversation in running:
            conversation.leave()
        await self._desk.turns.stop_all()
        await self._drafts.save()
        await self._drafts.delete_empty()
        await self._drafts.save_left(running)
        await self._save_what_waits()
        unsaved = self._desk.archive.unsaved()
        if unsaved and not self._desk.leaves_anyway:
            self._desk.is_leaving, self._desk.leaves_anyway = False, True
            for conversation in running:
                conversation.leave(is_leaving=False)
            self._desk.tell(
                f"{unsaved[0].session.title} is not on disk: {unsaved[0].unsaved} "
                "[Ctrl+Q] again leaves without it."
            )
            return
        self._screen.app.exit(
            return_code=_EXIT_STORE if unsaved else 0,
            message=f"not saved: {unsaved[0].unsaved}" if unsaved else None,
        )
