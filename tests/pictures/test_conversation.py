"""Pictures in the chat and the review: drawn, described where they cannot be, and opened."""

import base64
import io
import json
import os
import stat
import sys
import wave
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.cli.viewer import FileViewer
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ViewerError
from replyscope.domain.exchange import Api
from replyscope.domain.look import Look
from replyscope.domain.message import ImagePart
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.transcript.preview import Preview
from tests.cli.run import run_command
from tests.pictures.making import BLUE, RED, bomb, data_uri, png
from tests.support.responses import message, response
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import send

CELL = "▀"


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TMUX", "STY", "KITTY_WINDOW_ID", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


async def attach(pilot: Pilot[None], path: Path, data: bytes) -> None:
    """Send a message with a file."""
    path.write_bytes(data)
    await send(pilot, f"/attach {path}")
    await until(pilot, lambda: "📎" in frame(pilot), "the attachment")
    await pilot.press(*"look", "enter")
    await until(pilot, lambda: "● stop" in frame(pilot), "the reply")


def rows_of_cells(pilot: Pilot[None]) -> list[str]:
    """The rows of the screen with cells of a picture: the cells."""
    cells = [line.strip("│▏ ").split("  ")[0] for line in frame(pilot).split("\n")]
    return [line for line in cells if line and not line.strip(CELL)]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_an_attached_picture_is_drawn_in_the_width_of_the_chat(
    server: LoopbackServer, tmp_path: Path, width: int
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(width, 50)) as pilot:
        await attach(pilot, tmp_path / "photo.png", png(640, 200))
        await until(pilot, lambda: CELL in frame(pilot), "the picture")
        assert "📎 photo.png · " in frame(pilot)
        assert "640×200" in frame(pilot)
        transcript = chat_of(pilot).groups.panes.transcript
        columns = min(80, transcript.text_width)
        rows = rows_of_cells(pilot)
        assert {len(row) for row in rows} == {columns}
        assert len(rows) == -(-round(200 * columns / 640) // 2)
        (line,) = [n for n, text in enumerate(frame(pilot).split("\n")) if "photo.png" in text]
        y = line + 1 - transcript.region.y
        styles = [s.style for s in transcript.render_line(y) if CELL in s.text and s.style]
        assert styles[0].color is not None
        assert styles[-1].color is not None
        assert styles[0].color.triplet == RED
        assert styles[-1].color.triplet == BLUE


async def test_pictures_in_the_text_stand_below_their_place(
    server: LoopbackServer, tmp_path: Path
) -> None:
    text = (
        f"Look:\n\n{data_uri(png(8, 4))} is one.\n\n- item\n\n  {data_uri(png(8, 4), 'b')}\n\nend"
    )
    server.answer = lambda _: reply(*(text[n : n + 40] for n in range(0, len(text), 40)))
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"ask", "enter")
        await until(pilot, lambda: frame(pilot).count(CELL * 8) == 4, "both pictures")
        lines = frame(pilot).split("\n")
        (at,) = [n for n, line in enumerate(lines) if "[two halves] is one." in line]
        left = lines[at].index("[two halves]")
        lines = [line[left : left + 40].rstrip() for line in lines]
        expected = [CELL * 8, CELL * 8, "", " • item", "", "   [b]", f"   {CELL * 8}"]
        assert lines[at + 1 : at + 8] == expected
        assert "base64" not in frame(pilot)
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("s")
        await until(pilot, lambda: "base64,iVBOR" in frame(pilot), "the source")


async def test_a_picture_of_the_responses_api_is_drawn(
    server: LoopbackServer, tmp_path: Path
) -> None:
    encoded = base64.b64encode(png(8, 4)).decode()
    item = {"type": "image_generation_call", "id": "i", "status": "completed", "result": encoded}
    server.routes[("POST", "/responses")] = response("Here it is.", items=(item,))
    endpoint = Endpoint(
        "test", server.base_url, model="test-model", max_retries=0, api=Api.RESPONSES
    )
    app = make_app(tmp_path, server.base_url, endpoint=endpoint)
    async with open_chat(app) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: CELL * 8 in frame(pilot), "the picture")
        assert "8×4" in frame(pilot)


async def test_a_picture_beside_the_text_of_a_chat_completion_is_drawn(
    server: LoopbackServer, tmp_path: Path
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png(8, 4)).decode()}"
    images = [{"type": "image_url", "image_url": {"url": url}}]
    answer = reply("Here.")
    answer.chunks = sse(delta("Here.", images=images), delta(finish="stop"))
    server.answer = lambda _: answer
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await until(pilot, lambda: CELL * 8 in frame(pilot), "the picture")


async def test_a_picture_on_the_web_is_not_loaded(server: LoopbackServer, tmp_path: Path) -> None:
    address = f"{server.base_url}/picture.png"
    images = [{"type": "image_url", "image_url": {"url": address}}]
    answer = reply("Here.")
    answer.chunks = sse(delta(f"![a]({address})", images=images), delta(finish="stop"))
    server.answer = lambda _: answer
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        assert address in frame(pilot)
        assert CELL not in frame(pilot)
    assert not any("picture" in path for path in server.paths)


WORDS: dict[str, tuple[Look, dict[str, str]]] = {
    "NO_COLOR": (Look(), {"NO_COLOR": "1"}),
    "ASCII": (Look(ascii_only=True), {}),
}


@pytest.mark.parametrize(("look", "environment"), WORDS.values(), ids=WORDS)
async def test_a_terminal_without_colours_or_symbols_gets_one_line(
    server: LoopbackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    look: Look,
    environment: dict[str, str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with open_chat(make_app(tmp_path, server.base_url, look=look)) as pilot:
        (tmp_path / "photo.png").write_bytes(png(640, 480))
        await send(pilot, f"/attach {tmp_path}/photo.png")
        await until(pilot, lambda: "photo.png" in frame(pilot), "the attachment")
        await pilot.press(*"look", "enter")
        await until(pilot, lambda: "stop" in frame(pilot), "the reply")
        lines = [line for line in frame(pilot).split("\n") if "photo.png" in line]
        assert "640" in lines[0]
        assert CELL not in frame(pilot)


FAULTS = {
    "bomb": (bomb(), "Too large to draw: 100,000×100,000 pixels"),
    "damaged": (png(640, 480)[:300], "The picture is damaged and cannot be drawn."),
}


@pytest.mark.parametrize(("data", "sentence"), FAULTS.values(), ids=FAULTS)
async def test_a_picture_that_cannot_be_drawn_is_one_sentence(
    server: LoopbackServer, tmp_path: Path, data: bytes, sentence: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        chat = chat_of(pilot)  # a bomb can't be attached any more, but sessions may have one
        chat.desk.pending.attach(ImagePart("photo.png", "image/png", data))
        await pilot.press(*"look", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await until(pilot, lambda: sentence in frame(pilot), "the sentence")
        assert CELL not in frame(pilot)


async def test_nothing_moves_when_a_picture_was_decoded(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(120, 50)) as pilot:
        await attach(pilot, tmp_path / "photo.png", png(640, 480))
        await until(pilot, lambda: CELL in frame(pilot), "the picture")
        transcript = chat_of(pilot).groups.panes.transcript
        height = transcript.virtual_size.height
        pilot.app.__dict__.pop("gallery")  # a gallery that has decoded nothing
        transcript._layout_of.forget_drawings()
        transcript._reflow()
        assert transcript.virtual_size.height == height
        await until(pilot, lambda: CELL in frame(pilot), "the picture again")
        assert transcript.virtual_size.height == height


async def test_o_opens_the_picture_under_the_cursor(server: LoopbackServer, tmp_path: Path) -> None:
    opened: list[tuple[str, bytes]] = []
    app = make_app(tmp_path, server.base_url, view_file=viewer(opened))
    async with open_chat(app) as pilot:
        await attach(pilot, tmp_path / "photo.png", png(8, 4))
        chat_of(pilot).groups.panes.transcript.focus()
        assert "open file" not in keys(pilot)
        await pilot.press("o")
        await until(pilot, lambda: "This message has no picture or file" in frame(pilot), "a hint")
        await pilot.press("k")
        await until(pilot, lambda: "[o] open file" in keys(pilot), "the key in the footer")
        await pilot.press("o")
        await until(pilot, lambda: "Opened photo.png" in frame(pilot), "the toast")
    ((name, data),) = opened
    assert name.endswith(".png")
    assert data == png(8, 4)


async def test_o_asks_which_of_several_pictures(server: LoopbackServer, tmp_path: Path) -> None:
    opened: list[tuple[str, bytes]] = []
    text = f"{data_uri(png(8, 4), 'first')} and {data_uri(png(4, 8), 'second')}"
    server.answer = lambda _: reply(text)
    app = make_app(tmp_path, server.base_url, view_file=viewer(opened))
    async with open_chat(app) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("o")
        await until(pilot, lambda: "Open which file?" in frame(pilot), "the question")
        await pilot.press("down", "enter")
        await until(pilot, lambda: bool(opened), "the viewer")
    assert [data for _, data in opened] == [png(4, 8)]


async def test_a_viewer_that_fails_is_reported(server: LoopbackServer, tmp_path: Path) -> None:
    def fail(name: str, data: bytes) -> None:
        raise ViewerError("There is no xdg-open on this machine.")

    app = make_app(tmp_path, server.base_url, view_file=fail)
    async with open_chat(app) as pilot:
        await attach(pilot, tmp_path / "photo.png", png(8, 4))
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("k", "o")
        await until(pilot, lambda: "There is no xdg-open" in frame(pilot), "the error")


async def test_a_private_picture_stays_in_memory(server: LoopbackServer, tmp_path: Path) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png(8, 4)).decode()}"
    images = [{"type": "image_url", "image_url": {"url": url}}]
    answer = reply("Here.")
    answer.chunks = sse(delta("Here.", images=images), delta(finish="stop"))
    server.answer = lambda _: answer
    opened: list[tuple[str, bytes]] = []
    async with open_chat(make_app(tmp_path, server.base_url, view_file=viewer(opened))) as pilot:
        await pilot.press(*"/private", "enter")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private, "a private session")
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await until(pilot, lambda: CELL * 8 in frame(pilot), "the picture")
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("o")
        await until(pilot, lambda: "A viewer is given a file" in frame(pilot), "why not")
    assert opened == []
    assert not list(tmp_path.rglob("*.png"))


async def test_the_review_draws_and_opens_pictures(server: LoopbackServer, tmp_path: Path) -> None:
    opened: list[tuple[str, bytes]] = []
    server.answer = lambda _: reply(f"a picture: {data_uri(png(8, 4))}")
    app = make_app(tmp_path, server.base_url, view_file=viewer(opened))
    async with open_chat(app, size=(160, 50)) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "the review")
        await until(pilot, lambda: CELL * 8 in frame(pilot), "the picture")
        pilot.app.screen.query_one(Preview).focus()
        await until(pilot, lambda: "[o] open file" in keys(pilot), "the key in the footer")
        await pilot.press("o")
        await until(pilot, lambda: bool(opened), "the viewer")
        await pilot.press("k")  # the question has no picture: the key opens it in the chat
        await until(pilot, lambda: "open file" not in keys(pilot), "the footer")
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the chat")


def viewer(opened: list[tuple[str, bytes]]) -> Callable[[str, bytes], None]:
    return lambda name, data: opened.append((name, data))


def keys(pilot: Pilot[None]) -> str:
    """The text of the footer."""
    footer = pilot.app.screen.query_one(KeyFooter)
    return frame(pilot).split("\n")[footer.region.y]


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's")
def test_the_viewer_gets_a_private_file_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    program(tmp_path, monkeypatch, 'stat -c "%a %n" "$1" > "$(dirname "$0")/seen"')
    view = FileViewer()
    view("picture.png", png())
    mode, path = (tmp_path / "bin" / "seen").read_text().split()
    assert mode == "600"
    assert Path(path).read_bytes() == png()
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    view.close()
    assert not Path(path).parent.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's")
def test_a_system_without_a_viewer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = FileViewer()
    program(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(ViewerError, match="xdg-open failed with exit code 3"):
        view("picture.png", png())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ViewerError, match="no xdg-open"):
        view("picture.png", png())
    view.close()


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script into the search path as xdg-open."""
    path = folder / "bin" / "xdg-open"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


async def test_a_spoken_reply_is_kept_named_opened_exported_and_purged(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """Speech streams as base64 of raw samples; the file is a WAV that players know."""
    samples = bytes(range(200)) * 30
    pieces = [samples[:1_000], samples[1_000:]]
    audio = [{"data": base64.b64encode(piece).decode()} for piece in pieces]
    server.answer = lambda _: Answer(
        chunks=sse(
            delta(audio={"id": "audio_1", "transcript": "Hello."}),
            *(delta(audio=piece) for piece in audio),
            delta(finish="stop"),
        )
    )
    opened: list[tuple[str, bytes]] = []
    async with open_chat(make_app(tmp_path, server.base_url, view_file=viewer(opened))) as pilot:
        await pilot.press(*"speak", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        assert "audio · audio/x-wav" in frame(pilot) or "audio · audio/wav" in frame(pilot)
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("o")
        await until(pilot, lambda: bool(opened), "the viewer")
    (name, data) = opened[0]
    assert name.endswith(".wav")
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.readframes(-1)) == (24_000, samples)
    (kept,) = [path for path in tmp_path.rglob("*.wav") if path.stem in name]
    assert kept.read_bytes() == data
    session_id = json.loads(run_cli(tmp_path, "list", "--json"))[0]["id"]
    page = run_cli(tmp_path, "export", session_id, "--format", "html")
    assert f'<audio controls src="data:audio/wav;base64,{base64.b64encode(data).decode()}' in page
    run_cli(tmp_path, "delete", session_id)
    run_cli(tmp_path, "purge", "--yes")
    assert not kept.exists()


async def test_a_generated_picture_is_in_the_exported_page(
    server: LoopbackServer, tmp_path: Path
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png(8, 4)).decode()}"
    images = [{"type": "image_url", "image_url": {"url": url}}]
    server.answer = lambda _: Answer(
        chunks=sse(delta("Here.", images=images), delta(finish="stop"))
    )
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"draw", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
    session_id = json.loads(run_cli(tmp_path, "list", "--json"))[0]["id"]
    assert f'<img src="{url}"' in run_cli(tmp_path, "export", session_id, "--format", "html")


def run_cli(folder: Path, *arguments: str) -> str:
    """The output of a command about sessions."""
    done = run_command(folder, "sessions", *arguments, REPLYSCOPE_DATA_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_file_of_the_code_interpreter_is_kept_named_opened_exported_and_purged(
    server: LoopbackServer, tmp_path: Path
) -> None:
    csv = b"city,mail\nOslo,a@b.example\n"
    item = message("Here it is.")
    item["content"][0]["annotations"] = [
        {
            "type": "container_file_citation", "container_id": "cntr_1", "file_id": file_id,
            "filename": name, "start_index": 0, "end_index": 4,
        }
        for name, file_id in (("prices.csv", "cfile_1"), ("run.desktop", "cfile_2"))
    ]  # fmt: skip
    server.routes["POST", "/responses"] = response(items=(item,))
    for file_id in ("cfile_1", "cfile_2"):
        server.routes["GET", f"/containers/cntr_1/files/{file_id}/content"] = Answer(chunks=[csv])
    endpoint = Endpoint("test", server.base_url, model="m", max_retries=0, api=Api.RESPONSES)
    opened: list[tuple[str, bytes]] = []
    app = make_app(tmp_path, None, endpoint=endpoint, view_file=viewer(opened))
    async with open_chat(app) as pilot:
        await pilot.press(*"make a table", "enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await until(pilot, lambda: "file · prices.csv · text/csv · 27 B" in frame(pilot))
        chat_of(pilot).groups.panes.transcript.focus()
        for number, presses in enumerate((("enter",), ("down", "enter"))):
            await pilot.press("o")
            await until(pilot, lambda: "Open which file?" in frame(pilot))
            await pilot.press(*presses)
            await until(pilot, partial(_has_more_than, opened, number))
    assert [(Path(name).suffix, data) for name, data in opened] == [(".csv", csv), (".bin", csv)]
    (kept,) = tmp_path.rglob("*.csv")
    assert kept.read_bytes() == csv
    session_id = json.loads(run_cli(tmp_path, "list", "--json"))[0]["id"]
    page = run_cli(tmp_path, "export", session_id, "--format", "html", "--no-redact")
    link = 'download="prices.csv" href="data:application/octet-stream;base64,'
    assert link + base64.b64encode(csv).decode() in page
    redacted = run_cli(tmp_path, "export", session_id, "--format", "html").partition(link)[2]
    text = base64.b64decode(redacted.partition('"')[0]).decode()
    assert text.startswith("city,mail\nOslo,")
    assert "a@b.example" not in text
    run_cli(tmp_path, "delete", session_id)
    run_cli(tmp_path, "purge", "--yes")
    assert not kept.exists()


def _has_more_than(things: Sequence[object], count: int) -> bool:
    return len(things) > count
