"""The commands of the watch: start it, stop it, and open its live screen."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.reviewing import Reviewing
from replyscope.ui.working_screen import WorkingScreen

if TYPE_CHECKING:  # loaded with the live screen
    from replyscope.engine.watching.switch import Watching
    from replyscope.ui.watch.acting import OpenedCall

_LOOK_S = 1.0
_OFF = ("off", "stop")
_NO_PROVIDER = "There is no provider to forward to. Choose one with /provider, or /watch URL."


class WatchCommands:
    """Starts and stops the watch of this chat, and opens what it recorded.

    `catch_up` shows what was saved meanwhile.
    """

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        screen: WorkingScreen[None],
        drafts: Drafts,
        reviewing: Reviewing,
    ) -> None:
        self._desk = desk
        self._panes = panes
        self._screen = screen
        self._drafts = drafts
        self._reviewing = reviewing
        self._seen = -1
        self.catch_up: Callable[[], Awaitable[None]] = panes.draw_sidebar

    def watch(self, text: str = "") -> None:
        """Start the watch and open its screen; with "off" stop it, with a provider or a URL
        forward to that one.
        """
        self._desk.start_work(self._watch, text.strip(), group="watch", holds_keys=True)

    async def _watch(self, text: str) -> None:
        if text.lower() in _OFF:
            await self._stop()
        elif await self._start(text):
            await self._show()

    async def _stop(self) -> None:
        watching = self._desk.watching
        if watching is None or watching.address is None:
            self._desk.tell("The watch is not running. /watch starts it.", is_error=False)
            return
        await watching.stop()
        self._desk.tell("The watch is stopped. Its calls are saved.", is_error=False)
        self._desk.draw_status()

    async def _start(self, to: str) -> bool:
        """Start the watch unless it runs. Returns whether its screen can be shown."""
        desk = self._desk
        watching = desk.watching or await self._load()
        if watching.address is not None:
            if to:
                desk.tell("The watch runs already. /watch off stops it.", is_error=False)
            return True
        try:
            if self._endpoint() is None and not to and not desk.services.opens_watch:
                raise ReplyscopeError(_NO_PROVIDER)
            await watching.start(to, None if to else self._endpoint())
        except ReplyscopeError as error:
            desk.tell(error)
            return desk.services.opens_watch  # the screen can try again
        desk.draw_status()
        return True

    def _endpoint(self) -> Endpoint | None:
        """The provider of the chat; the command line has named another one, or its default."""
        return None if self._desk.services.opens_watch else self._desk.targets.endpoint

    async def _load(self) -> "Watching":
        watching = await asyncio.to_thread(self._desk.services.watching)
        watching.on_note = lambda text: self._desk.tell(text, is_error=False)
        self._desk.watching = watching
        self._screen.set_interval(_LOOK_S, self._look)
        return watching

    async def _look(self) -> None:
        """Show the sessions of new calls, and their number."""
        watching = self._desk.watching
        if watching is None:
            return
        seen = watching.log.version + watching.held.version  # both only grow
        if seen == self._seen:
            return
        self._seen = seen
        self._desk.draw_status()
        await self.catch_up()

    async def _show(self) -> None:
        """Open the live screen, then the call that was chosen there."""
        watching = self._desk.watching
        assert watching is not None
        await self._drafts.save()
        module = await asyncio.to_thread(importlib.import_module, "replyscope.ui.watch.screen")
        screen: Screen[OpenedCall | None] = module.WatchScreen(
            self._desk.services, watching, self._endpoint()
        )
        opened = await self._desk.ask(screen)
        for endpoint in watching.endpoints.values():
            self._desk.targets.learn(endpoint)
        self._desk.draw_status()
        if opened is None:
            self._panes.refresh_sidebar()
        elif opened.takes_over:
            await self._take_over(opened)
        else:
            await self._reviewing.open_message(opened.session_id, opened.message_id)

    async def _take_over(self, opened: "OpenedCall") -> None:
        """Continue from a reply in a new session; the program may continue its own session."""
        archive = self._desk.archive
        try:
            watched = await archive.open(opened.session_id)
            await watched.go_to(opened.message_id)
            taken: Conversation = await archive.fork(watched, opened.message_id)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._panes.show_conversation(taken)
        self._panes.focus_composer()
        self._desk.tell("Taken over: what you send here is your own session.", is_error=False)
        await self._panes.draw_sidebar()
