"""The Textual application: themes, key map, and which screen is shown."""

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.actions import SkipAction
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea

from replyscope.domain.errors import StoreError
from replyscope.domain.look import DEFAULT_THEME, Look
from replyscope.domain.printable import printable_text
from replyscope.domain.unicode_text import sound
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.first_paint import FrontScreen
from replyscope.ui.keys.names import key_name
from replyscope.ui.keys.panel import KeyPanel
from replyscope.ui.opening import Opening
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.styles.contrast import make_readable
from replyscope.ui.terminal import garbage
from replyscope.ui.terminal.ascii_filter import AsciiOnly
from replyscope.ui.terminal.blinking import Blinking
from replyscope.ui.terminal.emoji_width import NarrowEmoji, is_narrow
from replyscope.ui.terminal.printable_filter import PrintableOnly
from replyscope.ui.terminal.textual_internals import (
    CompletePalette,
    CompositorUpdate,
    GuardedApp,
    KeptStylesheet,
    wait_until_mounted,
)
from replyscope.ui.terminal.toasts import Toasts, draw_toasts
from replyscope.ui.terminal.type_ahead import TypeAhead
from replyscope.ui.terminal.updates import forget_screen, show_update
from replyscope.ui.theming import build_themes

if TYPE_CHECKING:  # loaded after the first paint
    from replyscope.ui.chat.screen import ChatScreen
    from replyscope.ui.pictures.gallery import Gallery
    from replyscope.ui.services import Services


_KEYS = Binding.Group("keys")
_DIALOG_STYLES = Path(__file__).parent / "styles" / "dialogs.tcss"
_LONGEST_LEAVING_S = 8.0
_EAGER_S = 0.0005
"""The longest that a key waits for the thread that loads the rest, in seconds."""


class ReplyscopeApp(GuardedApp):
    """The application. Paints the prompt, loads the chat, and shows it until the person quits."""

    TITLE = "replyscope"
    CSS_PATH: ClassVar[list[str]] = ["styles/app.tcss", "styles/chat.tcss"]  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "show_keys", "Keys of this pane", id="app.keys", group=_KEYS),
        Binding("ctrl+l", "redraw", "Redraw the screen", show=False, id="app.redraw",
                priority=True),
        Binding("ctrl+c", "interrupt", "Copy, stop, or quit when pressed twice", show=False,
                id="app.interrupt", priority=True),
    ]  # fmt: skip
    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        garbage.begin()
        self._opening = opening
        self._printable_only = PrintableOnly()
        self._ascii_only = AsciiOnly()
        self._narrow_emoji: NarrowEmoji | None = None
        self._chat: ChatScreen | None = None
        self._services: Services | None = None
        self._deadline: threading.Timer | None = None
        self.type_ahead = TypeAhead(self)
        self.has_failed = False
        """Whether an unexpected exception ended the app."""
        self.toasts = Toasts()
        self._blinking = Blinking(self, time.monotonic, moves=opening.look.has_motion)
        self._is_interrupted = False
        if opening.theme is not None:
            for theme in build_themes([opening.theme])[0]:
                self.register_theme(theme)
                self.theme = theme.name
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        self.set_keymap(opening.look.keys)
        if not opening.look.has_motion:
            self.animation_level = "none"

    def get_css_variables(self) -> dict[str, str]:
        """The variables of the current theme, with readable text colours."""
        make_readable(self.current_theme)
        return super().get_css_variables()

    @property
    def look(self) -> Look:
        """The appearance settings."""
        return self._opening.look

    @cached_property
    def gallery(self) -> "Gallery":
        """The drawn pictures, in the form that this terminal can draw."""
        from replyscope.ui.terminal.pixels import open_gallery

        return open_gallery(self, ascii_only=self.look.ascii_only)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The line filters: Textual's, that of control characters, and that of emoji widths."""
        filters = [*super().get_line_filters(), self._printable_only]
        if self._narrow_emoji is not None:
            filters.append(self._narrow_emoji)
        return [*filters, self._ascii_only] if self.look.ascii_only else filters

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """The terminal's answer, how wide it draws emoji. It may come after the first paint."""
        if is_narrow(event) and self._narrow_emoji is None:
            self._narrow_emoji = NarrowEmoji()
            for screen in self.screen_stack:
                for widget in (screen, *screen.walk_children()):
                    widget.refresh()

    def report_exception(self, error: BaseException) -> None:
        """Report an exception that ends the app to the command that started it."""
        self.has_failed = True
        if self._opening.hear is not None:
            self._opening.hear(sys.exception() or error)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast in our line, and keep it for /messages. Textual's own would cover text."""
        text = printable_text(f"{title}: {message}" if title else message)
        self.toasts.add(text, is_error=severity == "error", shown_s=timeout or 3)
        draw_toasts(self.screen, self.toasts)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text. Lone surrogates, which cannot be encoded, become U+FFFD."""
        super().copy_to_clipboard(sound(text))

    def get_driver_class(self) -> type[Driver]:
        """Textual's choice of driver; instead of `LinuxDriver` our safe subclass."""
        chosen = super().get_driver_class()
        if sys.platform == "win32" or chosen.__name__ != "LinuxDriver":
            return chosen
        from replyscope.ui.terminal.driver import TerminalDriver  # it needs termios

        return TerminalDriver

    def draw_update(self, driver: Driver, update: CompositorUpdate) -> bool:
        """Give an update of the screen to the output of the driver, where it has one."""
        return show_update(self, driver, update)

    def get_default_screen(self) -> Screen[None]:
        """The prompt screen. The chat screen is pushed over this one."""
        return FrontScreen(is_fresh=self._opening.is_fresh)

    async def on_event(self, event: events.Event) -> None:
        """Deliver each key after the effects of the one before, and offer it to the chat first.
        A widget's own queue is too late to decide which widget gets the next key.
        """
        is_input = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if is_input or isinstance(event, events.DescendantFocus):
            self._blinking.wake()
        if not is_input or not self.screen_stack:
            await super().on_event(event)
        elif self.type_ahead.passes(event):
            with self.type_ahead.delivering(event):
                if not self._takes_input(event):
                    await super().on_event(event)

    def push_screen(self, screen: Any, *arguments: Any, **options: Any) -> Any:
        """Open a screen, and deliver the keys typed ahead."""
        self.type_ahead.screen_opened(screen)
        self._add_styles(screen)
        return super().push_screen(screen, *arguments, **options)

    def _add_styles(self, screen: Screen[Any]) -> None:
        """Add the styles of a screen, and those of all dialogs at the first one. Textual would
        style the widgets of the screens below for them again.
        """
        dialogs = [_DIALOG_STYLES] if isinstance(screen, ModalScreen) else []
        wanted = [*dialogs, *screen.css_path]
        added = [path for path in wanted if not self.stylesheet.has_source(str(path))]
        if added:
            self.stylesheet.read_all(added)
            self.stylesheet.reparse()

    def _takes_input(self, event: events.Event) -> bool:
        """Offer the input to the chat, and a key to the panel of keys."""
        if (
            isinstance(event, events.Key | events.Paste)
            and self._chat is not None
            and self._chat.takes_input(event)
        ):
            return True
        if not isinstance(event, events.Key):
            return False
        self._is_interrupted = self._is_interrupted and event.key == "ctrl+c"
        return self._closes_panel(event)

    def _closes_panel(self, event: events.Key) -> bool:
        """Close the panel of keys. Returns whether the key has done its work by that."""
        screen = self.screen
        # A query would walk all widgets of the conversation at each key.
        panel = next((one for one in screen.children if isinstance(one, KeyPanel)), None)
        if panel is None:
            return False
        if isinstance(self.focused, Composer) and event.is_printable:
            return False  # it closes the panel in the order of typing
        active = screen.active_bindings.get(event.key)
        panel.remove()
        return event.key == "escape" or (
            active is not None and active.binding.action == "show_keys"
        )

    def get_key_display(self, binding: Binding) -> str:
        """The name of a binding's key."""
        return binding.key_display or key_name(binding.key)

    async def action_show_keys(self) -> None:
        """Open the panel of keys."""
        await self.screen.mount(KeyPanel())

    def action_redraw(self) -> None:
        """Draw the whole screen again."""
        forget_screen(self)
        self.refresh(layout=True)
        self.screen.refresh(repaint=True, layout=True)

    async def action_interrupt(self) -> None:
        """Copy the selection; without one stop the reply, and quit at the second key in a row."""
        focused = self.focused
        selected = focused.selected_text if isinstance(focused, Input | TextArea) else ""
        if selected or self.screen.get_selected_text() is not None:
            raise SkipAction
        if self._is_interrupted:
            await self.action_quit()
            return
        self._is_interrupted = True
        has_stopped = self._chat is not None and self._chat.stop_reply()
        key = key_name("ctrl+c")
        done = "The reply was stopped. " if has_stopped else ""
        self.notify(f"{done}Press {key} again to quit.", timeout=3)

    def on_mount(self) -> None:
        if self._opening.hear_loop is not None:
            asyncio.get_running_loop().set_exception_handler(self._opening.hear_loop)
        self._leave_on_signals()
        self.call_after_refresh(self._begin)

    def _leave_on_signals(self) -> None:
        """Save the streams when the terminal closes or the machine shuts down, as quitting does."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                with suppress(NotImplementedError, RuntimeError):  # Windows; other threads
                    loop.add_signal_handler(number, self._leave_by_signal)

    def _leave_by_signal(self) -> None:
        """Save and exit; at a second signal, or when saving takes too long, exit at once.

        The journal is committed while a reply streams, so little can be lost.
        """
        if self._deadline is not None:
            os._exit(1)
        self._deadline = threading.Timer(_LONGEST_LEAVING_S, os._exit, (1,))
        self._deadline.daemon = True
        self._deadline.start()
        if self._chat is not None:
            self._chat.desk.leaves_anyway = True
        self.run_worker(self.action_quit())

    def _begin(self) -> None:
        load: Any = self._load
        self.run_worker(load)

    async def _load(self) -> None:
        """Import and build the rest in a thread, so that keys are handled meanwhile."""
        rarely_s = sys.getswitchinterval()
        sys.setswitchinterval(_EAGER_S)
        try:
            with garbage.paused_while_loading():
                self._services = await asyncio.to_thread(self._opening.load)
                # The file is opened while the screen is imported.
                self._services.open_store = _begun(self._services.open_store)
                screen = "replyscope.ui.chat.screen"
                module = await asyncio.to_thread(importlib.import_module, screen)
                chat = cast("ChatScreen", module.ChatScreen(self._services))
                await chat.prepare()
                self._chat = chat
        finally:
            sys.setswitchinterval(rarely_s)
        self.call_next(self._show_chat)

    async def _show_chat(self) -> None:
        """Push the chat over the prompt. Runs in the app's own queue: new keys wait there
        until the chat is mounted.
        """
        if self._chat is None or self._services is None or not self.screen_stack:
            return  # the person quit meanwhile
        self._take_themes(self._services)
        front = self.screen_stack[0]
        assert isinstance(front, FrontScreen)
        sent, text = await front.hand_over()
        self.push_screen(self._chat)
        await wait_until_mounted(self._chat)
        self._chat.take_over(sent, text)

    def _take_themes(self, services: "Services") -> None:
        themes, faults = build_themes(services.themes)
        services.faults += faults
        for theme in themes:
            self.register_theme(theme)
        if self._opening.look.theme not in self.available_themes:
            named = self._opening.look.theme
            services.faults.append(f"There is no theme {named}; {DEFAULT_THEME} is used.")
            if DEFAULT_THEME in self.available_themes:
                self.theme = DEFAULT_THEME

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The commands of the palette: the slash commands."""
        if self._chat is not None and screen is self._chat:
            yield from self._chat.system_commands()

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, CompletePalette):
            self.push_screen(CompletePalette())

    async def action_quit(self) -> None:
        """Save what streams before leaving."""
        if self._chat is not None and self._chat in self.screen_stack:
            self._chat.groups.lifecycle.quit_app()
        else:
            self.exit()

    async def on_unmount(self) -> None:
        self.type_ahead.close()
        if "gallery" in self.__dict__:  # a picture was drawn
            self.gallery.close()
        if self._services is None or (self.has_failed and self._services.is_forwarding()):
            return  # programs go on calling; the command that started the app closes the services
        try:
            await self._services.close()
        except StoreError as error:
            self.log.error(str(error))


def _begun(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Start a work now. Returns a function that waits for its end."""
    task = asyncio.ensure_future(work())
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be unasked
    return lambda: task
