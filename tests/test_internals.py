"""The private parts of libraries: they are as they were, and no other module uses any."""

import ast
import asyncio
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pyte
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types.responses import ResponseStreamEvent
from textual import constants, events, on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.driver import Driver
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.scrollbar import ScrollBar
from textual.widgets import Input

import replyscope
from replyscope.provider.genai_prices_internals import providers_from_raw
from replyscope.provider.openai_internals import HookedClient, build_object
from replyscope.toolbox.asyncio_internals import close_pipes
from replyscope.toolbox.mcp_internals import create_mcp_http_client
from replyscope.ui.styles.styled_once import style_once
from replyscope.ui.terminal import textual_internals
from replyscope.ui.terminal.textual_internals import (
    Compositor,
    CompositorUpdate,
    GuardedApp,
    KeptStylesheet,
    XTermParser,
    bindings_for_key,
    bindings_in,
    bindings_of,
    colours_of,
    ensure_vertical_bar,
    paint_once,
    pieces_of,
    rest_awaited_s,
    segments_of,
    size_of,
    use_compositor,
    use_escape_delay,
    wait_until_mounted,
    wrap_output,
)

SOURCE = Path(replyscope.__file__).parent
ALLOWED = {"os._exit", "os._Environ"}
"""Names with an underscore that their library documents."""
LIBRARIES = ("asyncio", "httpcore2", "httpx2", "mcp", "openai", "rich", "textual")
PARAMETERS = {
    Compositor._get_renders: ("self", "crop"),
    GuardedApp._close_messages_no_wait: ("self",),
    App._refresh_notifications: ("self",),
    Screen._on_message: ("self", "message"),
    Screen._screen_resized: ("self", "size"),
    App._display: ("self", "screen", "renderable"),
    App._fatal_error: ("self",),
    App._handle_exception: ("self", "error"),
    GuardedApp._start_widget: ("self", "parent", "widget"),
    CommandPalette._select_or_command: ("self", "event"),
    Driver.__init__: ("self", "app", "debug", "mouse", "size"),
    XTermParser.__init__: ("self", "debug"),
    AsyncOpenAI._make_sse_decoder: ("self",),
    AsyncOpenAI._prepare_request: ("self", "request"),
    AsyncOpenAI._process_response_data: ("self", "data", "cast_to", "response"),
    AsyncAzureOpenAI._make_sse_decoder: ("self",),
    create_mcp_http_client: ("headers", "timeout", "auth"),
}


@pytest.mark.parametrize("part", PARAMETERS, ids=lambda part: part.__qualname__)
def test_a_private_function_has_the_parameters_that_we_rely_on(part: Any) -> None:
    assert tuple(inspect.signature(part).parameters) == PARAMETERS[part]


class _Bars(Screen[None]):
    BINDINGS = [Binding("ctrl+k", "first", "First", id="first")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Input()


class _Two(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Input("first")
        yield Input("second")


class _ReportingApp(GuardedApp):
    def __init__(self) -> None:
        super().__init__()
        self.reported: list[BaseException] = []

    def report_exception(self, error: BaseException) -> None:
        self.reported.append(error)


async def test_a_screen_paints_with_the_compositor_that_it_was_given() -> None:
    painted: list[bool] = []

    class Counting(textual_internals.RegionCompositor):
        def _get_renders(self, crop: Any = None) -> Any:
            painted.append(crop is None)
            return super()._get_renders(crop)

    screen = _Bars()
    use_compositor(screen, Counting())
    app = _ReportingApp()
    async with app.run_test() as pilot:
        await app.push_screen(screen)
        await pilot.pause()
    assert painted


async def test_the_pieces_of_an_update_are_what_textual_would_write() -> None:
    app = _ReportingApp()
    async with app.run_test(size=(30, 8)) as pilot:
        await app.push_screen(_Bars())
        await pilot.pause()
        compositor = app.screen._compositor
        app.screen.query_one(Input).refresh()
        await pilot.pause()
        compositor._dirty_regions = {Region(2, 0, 9, 3)}
        for update in (compositor.render_partial_update(), compositor.render_full_update()):
            assert update is not None
            assert size_of(update) == (30, 8)
            pieces = "".join(
                f"\x1b[{y + 1};{x + 1}H"
                + "".join(
                    f"\x1b[{ansi}m{text}\x1b[0m" if ansi else text
                    for text, ansi, _ in segments_of(strip, colours_of(app))
                )
                for x, y, strip in pieces_of(update)
            )
            assert _shown(pieces) == _shown(update.render_segments(app.console))


def _shown(sequences: str) -> list[list[pyte.screens.Char]]:
    screen = pyte.Screen(30, 8)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed("\x1b[?7l" + sequences)
    return [[screen.buffer[y][x] for x in range(30)] for y in range(8)]


@pytest.mark.skipif(sys.platform == "win32", reason="a headless driver stands in for termios")
async def test_an_app_may_draw_updates_itself() -> None:
    class Drawing(_ReportingApp):
        def draw_update(self, driver: Driver, update: CompositorUpdate) -> bool:
            drawn.append(size_of(update))
            return True

    drawn: list[tuple[int, int] | None] = []
    app = Drawing()
    async with app.run_test(size=(30, 8)) as pilot:
        await app.push_screen(_Bars())
        await pilot.pause()
        assert app.knows_sync is False
    assert (30, 8) in drawn


@pytest.mark.skipif(sys.platform == "win32", reason="a headless driver stands in for termios")
@pytest.mark.parametrize("is_modal", [False, True])
async def test_what_changes_behind_a_screen_paints_it_only_if_it_is_modal(
    *, is_modal: bool
) -> None:
    class Drawing(_ReportingApp):
        def draw_update(self, driver: Driver, update: CompositorUpdate) -> bool:
            drawn.append(size_of(update))
            return False

    drawn: list[tuple[int, int] | None] = []
    behind = _Two()
    app = Drawing()
    async with app.run_test(size=(30, 10)) as pilot:
        await app.push_screen(behind)
        await app.push_screen(ModalScreen[None]() if is_modal else _Bars())
        await pilot.pause()
        drawn.clear()
        behind.query(Input).last().value = "changed"
        await pilot.pause()
        assert bool(drawn) is is_modal
        app.pop_screen()
        await pilot.pause()
        lines = ["".join(s.text for s in line) for line in behind._compositor.render_strips()]
        assert "changed" in "".join(lines)


def test_the_parser_waits_after_esc_as_long_as_we_say() -> None:
    before = constants.ESCAPE_DELAY
    use_escape_delay(0.25)
    try:
        assert constants.ESCAPE_DELAY == 0.25
        assert "constants.ESCAPE_DELAY" in inspect.getsource(XTermParser.parse)
    finally:
        use_escape_delay(before)


async def test_the_bindings_of_a_node_are_listed_with_their_ids() -> None:
    app = _ReportingApp()
    async with app.run_test():
        screen = _Bars()
        await app.push_screen(screen)
        assert "first" in [binding.id for binding in bindings_of(screen)]
        assert [binding.id for binding in bindings_for_key(screen, "ctrl+k")] == ["first"]


async def test_the_bindings_of_a_class_have_the_keys_of_the_key_map() -> None:
    app = _ReportingApp()
    app.set_keymap({"first": "f9"})
    assert [b.key for b in bindings_in(_Bars, app) if b.id == "first"] == ["f9"]
    app.set_keymap({})
    assert [b.key for b in bindings_in(_Bars, app) if b.id == "first"] == ["ctrl+k"]


async def test_enter_in_the_palette_waits_for_the_search() -> None:
    app = _ReportingApp()
    async with app.run_test() as pilot:
        await app.push_screen(textual_internals.CompletePalette())
        for event in [*(events.Key(key, key) for key in "quit"), events.Key("enter", None)]:
            app.post_message(event)
        while app.is_running:
            await pilot.pause(0.01)
    assert app.return_code == 0


async def test_a_scroll_bar_of_ours_is_built_once() -> None:
    app = _ReportingApp()
    async with app.run_test():
        screen = _Bars()
        await app.push_screen(screen)
        field = screen.query_one(Input)
        built = ensure_vertical_bar(field, lambda: ScrollBar(name="vertical"))
        assert built.parent is field
        assert ensure_vertical_bar(field, ScrollBar) is built is field.vertical_scrollbar


async def test_an_exception_is_reported_before_the_app_ends() -> None:
    app = _ReportingApp()

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 / 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await run()
    assert [type(error) for error in app.reported] == [ZeroDivisionError]


@pytest.mark.skipif(sys.platform == "win32", reason="the driver needs termios")
async def test_a_driver_writes_to_the_file_that_it_was_given() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    driver = LinuxDriver(_ReportingApp())
    wrapped: list[Any] = []
    wrap_output(driver, wrapped.append)
    assert wrapped == [sys.__stderr__]
    assert "WriterThread(self._file)" in inspect.getsource(LinuxDriver.start_application_mode)
    parser = textual_internals.build_parser(driver)
    assert isinstance(parser, XTermParser)
    assert [event.key for event in parser._sequence_to_key_events("\x1b1")] != [
        "inverted_exclamation_mark"
    ]


async def test_the_sdk_asks_its_client_for_a_decoder_and_shows_it_the_request() -> None:
    seen: list[str] = []

    class Client(HookedClient, AsyncOpenAI):
        def before_request(self, request: httpx2.Request) -> None:
            seen.append(request.url.path)

        def decoder(self) -> None:
            seen.append("decoder")

    def answer(request: httpx2.Request) -> httpx2.Response:
        head = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=head, content=b"data: [DONE]\n\n")

    transport = httpx2.MockTransport(answer)
    async with Client(api_key="none", http_client=httpx2.AsyncClient(transport=transport)) as one:
        stream = await one.chat.completions.create(model="m", messages=[], stream=True)
        assert [chunk async for chunk in stream] == []
    assert seen == ["/v1/chat/completions", "decoder"]


def test_an_sdk_object_is_built_from_json_that_does_not_fit_its_type() -> None:
    value = {"type": "response.output_text.delta", "delta": 5, "more": True}
    built = build_object(ResponseStreamEvent, value)
    assert (type(built).__name__, built.delta, built.more) == ("ResponseTextDeltaEvent", 5, True)


async def test_the_pipes_of_a_process_are_closed() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "", stdin=pipe)
    await process.wait()
    close_pipes(process)
    assert process.stdin is not None
    assert process.stdin.is_closing()


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        if not path.stem.endswith("_internals"):
            yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _own_names() -> set[str]:
    """Every private name that the program defines itself."""
    found = {"_replace", "_asdict"}  # of named tuples, and documented
    for _, tree in _modules():
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found.add(name)
                case ast.ClassDef(name=name):
                    found.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    found.add(name)
    return found


def test_a_list_of_prices_is_read_from_its_raw_form() -> None:
    prices = {"input_mtok": 3, "output_mtok": 4}
    models = [{"id": "m", "match": {"equals": "m"}, "prices": prices}]
    (provider,) = providers_from_raw(
        [{"id": "p", "name": "P", "api_pattern": "https://p", "models": models}]
    )
    assert provider.models[0].id == "m"
    with pytest.raises(ValueError, match="validation error"):
        providers_from_raw([{"id": 5}])


def test_private_names_of_libraries_are_used_in_the_internals_modules_only() -> None:
    own = _own_names()
    found = []
    for path, tree in _modules():
        for node in ast.walk(tree):
            names: list[str] = []
            match node:
                case ast.Import(names=imported):
                    names = [one.name for one in imported if "._" in one.name]
                case ast.ImportFrom(module=module, names=imported) if module is not None:
                    dotted = [f"{module}.{one.name}" for one in imported]
                    foreign = not module.startswith("replyscope")
                    names = [name for name in dotted if foreign and "._" in f".{name}"]
                case ast.Attribute(value=value, attr=attr) if _is_private(attr):
                    name = f"{ast.unparse(value)}.{attr}"
                    names = [name] if attr not in own and name not in ALLOWED else []
            found += [f"{path}:{getattr(node, 'lineno', 0)} {name}" for name in names]
    assert [one for one in found if "__future__" not in one] == []


def test_no_private_method_of_a_library_is_overridden_elsewhere() -> None:
    overridden = []
    for info in pkgutil.walk_packages(replyscope.__path__, "replyscope."):
        if info.name.endswith(("__main__", ".serve", "_internals")):
            continue
        for name, kind in vars(importlib.import_module(info.name)).items():
            if not inspect.isclass(kind) or kind.__module__ != info.name:
                continue
            foreign = [one for one in kind.__mro__ if one.__module__.startswith(LIBRARIES)]
            for attribute, value in vars(kind).items():
                if inspect.isfunction(value) and _is_private(attribute):
                    overridden += [
                        f"{info.name}.{name}.{attribute}"
                        for base in foreign
                        if attribute in vars(base)
                    ]
    assert overridden == []


def test_a_node_keeps_its_bindings_where_we_read_them() -> None:
    assert list(bindings_of(DOMNode())) == []


def test_a_parser_awaits_the_rest_of_a_sequence_and_of_nothing_else() -> None:
    parser = XTermParser()
    assert list(parser.feed("a"))
    assert rest_awaited_s(parser) is None
    list(parser.feed("\x1b"))
    assert 0 <= (rest_awaited_s(parser) or -1) <= constants.ESCAPE_DELAY
    assert list(parser.feed("[A"))
    assert rest_awaited_s(parser) is None


def test_a_stylesheet_parses_a_source_once_for_each_set_of_variables() -> None:
    sheet = KeptStylesheet(variables={"tint": "red"})
    sheet.add_source("Screen { color: $tint; }", read_from=("a", ""))
    first = sheet.rules[0]
    sheet.add_source("Input { color: $tint; }", read_from=("b", ""))
    sheet.reparse()
    assert [rule is first for rule in sheet.rules] == [True, False]
    sheet.set_variables({"tint": "blue"})
    sheet.reparse()
    assert sheet.rules[0] is not first
    assert "#0000FF" in sheet.rules[0].css


async def test_a_screen_is_styled_once_when_it_opens() -> None:
    class Sized(Screen[None]):
        HORIZONTAL_BREAKPOINTS = [(0, "-small"), (30, "-large")]  # noqa: RUF012

        @on(events.Compose)
        @on(events.ScreenResume)
        def _style_once(self, event: events.Event) -> None:
            style_once(self, event)

        def compose(self) -> ComposeResult:
            yield Input()

    app = _ReportingApp()
    async with app.run_test(size=(40, 8)) as pilot:
        screen = Sized()
        styled: list[Any] = []
        app.update_styles = lambda node, **_: styled.append(node)  # type: ignore[method-assign]
        await app.push_screen(screen)
        await pilot.pause()
        assert (screen.has_class("-large"), screen.has_class("-small")) == (True, False)
        assert styled.count(screen) == 1  # before its widgets are mounted


@pytest.mark.skipif(sys.platform == "win32", reason="a headless driver stands in for termios")
@pytest.mark.parametrize("is_once", [True, False])
async def test_a_screen_is_painted_as_a_whole_once_when_it_opens(*, is_once: bool) -> None:
    class Drawing(_ReportingApp):
        def draw_update(self, driver: Driver, update: CompositorUpdate) -> bool:
            whole.append(type(update).__name__ == "LayoutUpdate")
            return False

    whole: list[bool] = []
    app = Drawing()
    async with app.run_test(size=(30, 10)) as pilot:
        whole.clear()
        screen = _Two()
        if is_once:
            paint_once(screen)
        app.push_screen(screen)
        await wait_until_mounted(screen)
        await pilot.pause()
        assert (whole.count(True) == 1) is is_once
        screen.query(Input).last().value = "changed"
        await screen.mount(Input("third"))
        await pilot.pause()
        await pilot.resize_terminal(24, 10)
        await pilot.pause()
        assert [one.region for one in screen.query(Input)] == [
            Region(0, y, 24, 3) for y in (0, 3, 6)
        ]
        lines = ["".join(s.text for s in line) for line in screen._compositor.render_strips()]
        words = [word for word in ("first", "changed", "third") if word in "".join(lines)]
        assert words == ["first", "changed", "third"]
