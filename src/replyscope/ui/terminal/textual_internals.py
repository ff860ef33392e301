"""Access to private parts of Textual, each with the reason.

Every other module uses Textual's public interface. `tests/test_internals.py` fails when one
of these parts changes; pyproject.toml keeps Textual below its next minor release.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import IO, Any, cast

from rich.color import ColorSystem
from textual import constants, events, messages, on
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.binding import Binding
from textual.cache import LRUCache
from textual.command import CommandPalette
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.driver import Driver
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import WorkerError

__all__ = [
    "CompletePalette",
    "Compositor",
    "CompositorUpdate",
    "GuardedApp",
    "KeptStylesheet",
    "RegionCompositor",
    "Render",
    "XTermParser",
    "bindings_for_key",
    "bindings_in",
    "bindings_of",
    "build_parser",
    "colours_of",
    "driver_of",
    "ensure_vertical_bar",
    "paint_once",
    "pieces_of",
    "repaint_all",
    "rest_awaited_s",
    "segments_of",
    "size_of",
    "use_compositor",
    "use_escape_delay",
    "wait_until_mounted",
    "wrap_output",
    "write_to_terminal",
]

Render = tuple[Region, Region, list[Strip]]
"""A widget's region, the clip, and the rendered lines within the clip."""


class RegionCompositor(Compositor):
    """A compositor whose subclass decides which widgets a painted region needs.

    Textual renders all lines of each widget whose container meets the region. No upstream
    issue known; see docs/decisions/0012.
    """

    def _get_renders(self, crop: Region | None = None) -> Iterable[Render]:
        return super()._get_renders() if crop is None else self.renders_of(crop)

    def renders_of(self, crop: Region) -> Iterable[Render]:
        """The renders that a region of the screen needs."""
        return super()._get_renders(crop)


def size_of(update: CompositorUpdate) -> tuple[int, int] | None:
    """The size of the screen that an update belongs to, None for one that has none."""
    if isinstance(update, LayoutUpdate):
        return update.region.width, update.region.height
    if isinstance(update, ChopsUpdate) and update.chop_ends:
        return update.chop_ends[0][-1], len(update.chop_ends)
    return None


def pieces_of(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The lines of an update: column, row and strip, as `render_segments` draws them."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
    elif isinstance(update, ChopsUpdate):
        for y, first, last in update.spans:
            for end, (x, part) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if part is not None and x <= last and end > first:
                    is_whole = last > x >= first and end <= last
                    yield x, y, part if is_whole else part.crop(0, min(end, last) - x)


def segments_of(strip: Strip, colours: ColorSystem) -> Iterator[tuple[str, str, str]]:
    """The segments of a strip: text, SGR codes, and the link with its id. The codes are kept
    in the style alone. Textual also keeps those of 16,384 styles, which pictures fill.
    """
    for text, style, _ in strip:
        if style is None:
            yield text, "", ""
            continue
        ansi = style._make_ansi_codes(colours)
        yield text, ansi, f"id={style._link_id};{style._link}" if style._link else ""


def colours_of(app: App[Any]) -> ColorSystem:
    """The colours that the terminal has, as Textual draws them."""
    return app.console._color_system or ColorSystem.TRUECOLOR


def use_compositor(screen: Screen[Any], compositor: Compositor) -> None:
    """Replace the compositor of a screen. Textual has no hook for its class; no upstream
    issue known.
    """
    screen._compositor = compositor


def paint_once(screen: Screen[Any]) -> None:
    """Let a new screen be laid out and painted once when it opens.

    Textual lays a screen out and paints it when it opens. Then it does both again for its size,
    which is new to the screen, and for each request that its widgets made before. No upstream
    issue known.
    """
    opening = _Opening(screen)
    owner: Any = screen
    owner._on_message = opening.handle
    owner._screen_resized = opening.resize
    owner.refresh = opening.refresh


class _Opening:
    """The methods of a screen that leave out what its first paint has done."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._handle = screen._on_message
        self._resize = screen._screen_resized
        self._refresh = screen.refresh
        self._is_opening = True
        self._painted_s = 0.0
        """When the screen was first painted as a whole, on the clock of messages."""

    async def handle(self, message: Message) -> None:
        """Handle a message, except a request that was made before the first paint."""
        is_request = isinstance(message, messages.Update | messages.Layout)
        if is_request and message.time < self._painted_s:
            return
        await self._handle(message)
        if isinstance(message, events.ScreenResume) and self._is_opening:
            self._forget_earlier()  # Textual has painted in this event

    def _forget_earlier(self) -> None:
        self._painted_s = get_time()
        for widget in (self._screen, *self._screen.walk_children(Widget)):
            widget._repaint_required = False
        self._screen.call_after_refresh(self._end)

    def _end(self) -> None:
        self._is_opening = False

    def refresh(self, *regions: Region, **options: bool) -> Screen[Any]:
        """Request a paint. While the screen opens, a layout paints what it has moved."""
        if self._is_opening and options.get("layout"):
            options["repaint"] = False
        return self._refresh(*regions, **options)

    def resize(self, size: Size) -> None:
        """Lay the screen out for a size, unless it was."""
        if self._screen._compositor.size != size:
            self._resize(size)


async def wait_until_mounted(screen: Screen[Any]) -> None:
    """Wait until a pushed screen and its widgets are mounted.

    Awaiting `push_screen` lays the screen out once more. No upstream issue known.
    """
    await screen._mounted_event.wait()


class KeptStylesheet(Stylesheet):
    """A stylesheet that parses each source once for each set of variables.

    Textual parses all sources again when a screen adds one, and keeps 64. No upstream issue
    known.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(1_024)

    def reparse(self) -> None:
        """Parse the sources that are new, or all of them with new variables."""
        self.parse()


class GuardedApp(App[None]):
    """An app that reports an exception before it exits, never prints local variables, and may
    draw updates of the screen itself.

    Textual's only public sign of an exception is the return code after the exit, and its
    report on the terminal includes local variables. It has no hook between the compositor and
    the driver. No upstream issue known.

    Textual takes the screen below the one in front for visible, also where the front one covers
    it: each change there paints the whole front screen again. Only a modal screen shows it.
    """

    def draw_update(self, driver: Driver, update: CompositorUpdate) -> bool:
        """Draw an update of the screen. Returns False to let Textual draw it."""
        return False

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        is_covered = bool(self._screen_stack) and not isinstance(self.screen, ModalScreen)
        return [] if is_covered else super()._background_screens

    def _refresh_notifications(self) -> None:
        """Textual's own toasts are never shown; drawing none lays out a screen that opens."""

    @property
    def knows_sync(self) -> bool:
        """Whether the terminal said that it knows synchronized output."""
        return self._sync_available

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        driver = self._driver
        is_ours = (
            driver is not None
            and isinstance(renderable, CompositorUpdate)
            and self._running
            and not (self._closed or self._batch_count or driver.is_inline)
            and self.draw_update(driver, renderable)
        )
        if is_ours:
            self.post_display_hook()
        else:
            super()._display(screen, renderable)

    def report_exception(self, error: BaseException) -> None:
        """Called with each exception that ends the app."""

    def _handle_exception(self, error: Exception) -> None:
        self.report_exception(error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()


class CompletePalette(CommandPalette):
    """A command palette whose Enter waits for the search of what was typed.

    Textual ignores Enter until its list is visible, and takes a row of the search before. No
    upstream issue known.
    """

    def __init__(self) -> None:
        super().__init__(id="--command-palette")

    @on(Input.Submitted)
    async def run_after_search(self, event: Input.Submitted) -> None:
        """Run the first command that matches."""
        event.stop()
        event.prevent_default()
        group = self._GATHER_COMMANDS_GROUP
        searches = [one for one in self.workers if one.node is self and one.group == group]
        if searches:  # of none, Textual would wait for all workers
            with suppress(WorkerError):
                await self.workers.wait_for_complete(searches)
        self._select_or_command(event)


def bindings_of(node: DOMNode) -> Iterator[Binding]:
    """The key bindings of a node and its base classes, with the person's keys applied.

    `Screen.active_bindings` has only the bindings of the focused widget and its parents. No
    upstream issue known.
    """
    for _, binding in node._bindings:
        yield binding


def bindings_in(kind: type[DOMNode], app: App[Any]) -> Iterator[Binding]:
    """The key bindings of a class, with the person's keys applied.

    Textual applies the key map to a node when it is first focused. No upstream issue known.
    """
    bindings = kind._merge_bindings().copy()
    bindings.apply_keymap(app._keymap)
    for _, binding in bindings:
        yield binding


def bindings_for_key(node: DOMNode, key: str) -> list[Binding]:
    """A node's own bindings of a key.

    Needed to run them in the order of the keys: Textual inserts letters at once, while the
    app runs bindings later. https://github.com/Textualize/textual/issues/6605
    """
    return list(node._bindings.key_to_bindings.get(key, ()))


def ensure_vertical_bar(widget: Widget, build: Callable[[], ScrollBar]) -> ScrollBar:
    """A widget's vertical scroll bar; `build` makes it the first time.

    Textual has no hook for the class of a scroll bar. No upstream issue known.
    """
    if widget._vertical_scrollbar is None:
        bar = build()
        bar.display = False
        widget._vertical_scrollbar = bar
        widget.app._start_widget(widget, bar)
    return widget._vertical_scrollbar


def wrap_output(driver: Driver, wrap: Callable[[IO[str]], Any]) -> None:
    """Replace the file that a terminal driver writes to.

    The writer thread ends at the first error. Then its queue fills up, and the app blocks.
    https://github.com/Textualize/textual/issues/6692 is the same queue after `App.suspend`.
    """
    owner: Any = driver
    owner._file = wrap(owner._file)


def driver_of(app: App[Any]) -> Driver | None:
    """The driver of a running app."""
    return app._driver


def repaint_all(driver: Driver) -> None:
    """Paint the whole screen of a driver's app again. A driver has no public way to its app."""
    driver._app.screen.refresh(repaint=True, layout=True)


def use_escape_delay(delay_s: float) -> None:
    """Set how long the parser waits after ESC. Textual reads it from the environment, once."""
    constants.ESCAPE_DELAY = delay_s  # type: ignore[misc]


def write_to_terminal(app: App[Any], data: str) -> None:
    """Send a sequence of ours to the terminal, between two frames and not within one.

    Textual writes only frames, titles and clipboards. No upstream issue known.
    """
    if data and app._driver is not None:
        app._driver.write(data)


def build_parser(driver: Driver) -> XTermParser:
    """Build the parser of terminal input, for a driver with an input thread of its own.
    Textual's input thread ends at a byte that is not UTF-8.
    https://github.com/Textualize/textual/issues/6456

    Textual reads Alt with a digit as the letter that macOS types with Option, such as `¡`. A
    terminal sends that letter itself; Esc with a digit is Alt.
    """
    sequences = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for digit in "0123456789":
        sequences.pop(f"\x1b{digit}", None)
    return XTermParser(driver._debug)


def rest_awaited_s(parser: XTermParser) -> float | None:
    """Seconds for which a parser still waits for the rest of a sequence; `tick` has to be called
    then. None if it waits for nothing. Textual calls it ten times a second. No upstream issue
    known.
    """
    until_s = parser._timeout_time
    return None if until_s is None else max(until_s - get_time(), 0.0)
