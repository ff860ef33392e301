"""Reading a conversation: copying, selecting, clicking, scrolling, finding."""

from pathlib import Path

from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widget import Widget

from replyscope.ui.dialogs.small import PickDialog
from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until

CODE = """\
Two ways:

```python
print("one")
```

- or so:

  ```sh
  echo two
  ```

That's all.
"""


async def ask(pilot: Pilot[None], text: str = "go") -> None:
    chat_of(pilot).panes.composer.insert(text)
    await pilot.press("enter")
    await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
    await until(pilot, lambda: not chat_of(pilot).desk.turns.any_running)


async def test_a_message_and_a_chosen_code_block_are_copied(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(CODE)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await ask(pilot)
        await pilot.press("escape", "y")
        assert pilot.app.clipboard == CODE
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog), "the choice")
        assert "python" in frame(pilot)
        await pilot.press("up", "enter")
        await until(pilot, lambda: pilot.app.clipboard == 'print("one")', "the first block")
        await pilot.press("Y", "enter")
        await until(pilot, lambda: pilot.app.clipboard == "echo two", "the last block")


async def test_what_the_mouse_selects_is_copied(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("alpha beta\n\ngamma delta")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await ask(pilot)
        lines = frame(pilot).split("\n")
        first = next(n for n, line in enumerate(lines) if "alpha" in line)
        start = Offset(lines[first].index("beta"), first)
        last = next(n for n, line in enumerate(lines) if "gamma" in line)
        end = Offset(lines[last].index("gamma") + 5, last)
        await pilot.mouse_down(offset=start)
        await pilot.hover(offset=end)
        await pilot.mouse_up(offset=end)
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "beta\n\ngamma"


async def test_a_click_points_at_a_message_and_the_wheel_scrolls(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("\n\n".join(f"line {n}" for n in range(80)))
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await ask(pilot, "the question")
        transcript = chat_of(pilot).panes.transcript
        assert "line 79" in frame(pilot)
        for _ in range(80):
            transcript.post_message(wheel_up(transcript))
        await until(pilot, lambda: "▏ the question" in frame(pilot), "the top")
        lines = frame(pilot).split("\n")
        row = next(n for n, line in enumerate(lines) if "▏ the question" in line)
        await pilot.click(offset=Offset(40, row))
        assert transcript.cursor == 0


async def test_a_drawn_line_shares_its_styles_and_the_mouse_still_finds_a_place(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("\n\n".join(["same words"] * 6))
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await ask(pilot)
        transcript = chat_of(pilot).panes.transcript
        drawn = transcript.render_lines(transcript.size.region)
        same = [strip for strip in drawn if "same words" in strip.text]
        assert len(same) == 6
        assert len({style for strip in same for _, style, _ in strip}) <= 2
        row = next(n for n, strip in enumerate(drawn) if "same words" in strip.text)
        assert transcript.render_line(row).text == drawn[row].text
        x, y = transcript.region.offset.x + 2 + 5, transcript.region.offset.y + row
        widget, place = pilot.app.screen.get_widget_and_offset_at(x, y)
        assert widget is transcript
        assert place is not None
        assert place.x == 5


def wheel_up(widget: Widget) -> MouseScrollUp:
    return MouseScrollUp(widget, 1, 1, 0, -1, 0, False, False, False)


async def test_matches_are_marked_and_walked(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("a needle here\n\n" + "hay\n\n" * 60 + "needle two")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await ask(pilot, "first needle")
        await pilot.press("ctrl+f", *"NEEDLE", "enter")
        transcript = chat_of(pilot).panes.transcript
        await until(pilot, lambda: "needle two" in frame(pilot), "the nearest match")
        match = transcript.palette().match
        strips = transcript.render_lines(transcript.size.region)
        marked = [
            s.text
            for strip in strips
            for s in strip
            if s.style and s.style.bgcolor == match.bgcolor
        ]
        assert "needle" in marked
        await pilot.press("N")
        await until(pilot, lambda: "a needle here" in frame(pilot), "the one before")
        assert transcript.cursor == 1
        await pilot.press("N")
        await until(pilot, lambda: transcript.cursor == 0, "the question")
        await pilot.press("n")
        await until(pilot, lambda: transcript.cursor == 1, "back again")
        await pilot.press("escape")
        assert not chat_of(pilot).query_one("#find").display
        assert transcript.needle == ""
