"""The programs that replyscope is compared to: `python -m benchmarks.floors NAME …`."""

import asyncio
import resource
import sys
import textwrap
import time
from collections.abc import AsyncIterator

FRAME_S = 1 / 20


def bare_app() -> None:
    """A Textual app that shows one word and a line to type in."""
    from textual.app import App, ComposeResult
    from textual.widgets import Input, Static

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("bare-app-is-here")
            yield Input()

    Bare().run()


async def _texts(base_url: str, prompt: str) -> AsyncIterator[str]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    stream = await client.chat.completions.create(
        model="bench",
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def bare_loop(base_url: str, prompt: str) -> None:
    """The SDK's own loop over the same stream, nothing done with it; CPU and wall seconds."""
    async for _ in _texts(base_url, "1 chunks at 0"):
        pass  # what is loaded at first use is not counted
    before, began = _cpu_s(), time.monotonic()
    async for _ in _texts(base_url, prompt):
        pass
    print(f"{_cpu_s() - before:.3f} {time.monotonic() - began:.3f}")


async def plain_print(base_url: str) -> None:
    """Reads prompts from the terminal, and prints what comes as it comes."""
    loop = asyncio.get_running_loop()
    print("plain-print-is-here", flush=True)
    while prompt := await loop.run_in_executor(None, sys.stdin.readline):
        async for text in _texts(base_url, prompt):
            print(text, end="", flush=True)
        print(flush=True)


def line_pane(base_url: str, prompt: str) -> None:
    """A Textual pane of plain lines, drawn 20 times a second: no Markdown, nothing saved."""
    from rich.segment import Segment
    from rich.style import Style
    from textual.app import App, ComposeResult
    from textual.geometry import Size
    from textual.scroll_view import ScrollView
    from textual.strip import Strip

    class Pane(ScrollView):
        lines: list[str]

        def show(self, text: str) -> None:
            start = self.lines.pop() if self.lines else ""
            for line in (start + text).split("\n"):
                self.lines += textwrap.wrap(line, 100, drop_whitespace=False) or [""]
            self.virtual_size = Size(100, len(self.lines))
            self.scroll_end(animate=False, immediate=True)
            self.refresh()

        def render_line(self, y: int) -> Strip:
            at = self.scroll_offset.y + y
            text = self.lines[at] if at < len(self.lines) else ""
            return Strip([Segment(text, Style())]).adjust_cell_length(self.size.width)

    class PaneApp(App[None]):
        waiting = ""

        def compose(self) -> ComposeResult:
            pane = Pane()
            pane.lines = []
            yield pane

        def on_mount(self) -> None:
            self.run_worker(self.follow())
            self.set_interval(FRAME_S, self.draw)

        def draw(self) -> None:
            if self.waiting:
                self.query_one(Pane).show(self.waiting)
                self.waiting = ""

        async def follow(self) -> None:
            async for text in _texts(base_url, prompt):
                self.waiting += text

    PaneApp().run()


if __name__ == "__main__":
    match sys.argv[1]:
        case "app":
            bare_app()
        case "print":
            asyncio.run(plain_print(sys.argv[2]))
        case "pane":
            line_pane(sys.argv[2], sys.argv[3])
        case _:
            asyncio.run(bare_loop(sys.argv[2], sys.argv[3]))
