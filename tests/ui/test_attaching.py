"""Files in the composer: dropped, named by @, by /attach, pasted from the clipboard."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from replyscope.cli.attaching import run_program
from replyscope.domain.errors import SessionNotFound
from replyscope.domain.message import DocumentPart, FilePart, ImagePart, attached_text
from replyscope.domain.ports import Ran
from replyscope.engine.attachments import AttachmentReader
from replyscope.ui.dialogs.small import PickDialog
from tests.support.attached import LINE, pdf, png, wav
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send, type_text


def names(pilot: Pilot[None]) -> list[str]:
    return [part.name for part in chat_of(pilot).desk.pending.attachments]


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def asked(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog), "the dialog")


async def test_a_dropped_file_is_attached_after_a_question(
    server: LoopbackServer, tmp_path: Path
) -> None:
    path = tmp_path / "my picture.png"
    path.write_bytes(png(40, 30))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await paste(pilot, str(path).replace(" ", "\\ ") + " ")
        await asked(pilot)
        assert "attach my picture.png?" in frame(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: names(pilot) == ["my picture.png"])
        assert "📎 my picture.png" in frame(pilot)
        assert "40×30 ≈255 tokens" in frame(pilot)
        assert chat_of(pilot).panes.composer.text == ""


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_the_path_of_a_dropped_file_can_be_inserted_instead(
    key: str, server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x")
    pasted = str(tmp_path / "a.txt")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await type_text(pilot, "see ")
        await paste(pilot, pasted)
        await asked(pilot)
        await pilot.press(key)
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == f"see {pasted}")
        assert names(pilot) == []


async def test_a_sentence_goes_on_after_a_pasted_path(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x")
    pasted = str(tmp_path / "a.txt")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await paste(pilot, pasted)
        await asked(pilot)
        await pilot.press(*"is", "space", *"too", "space", *"long", "enter")
        composer = chat_of(pilot).panes.composer
        await until(pilot, lambda: composer.text == f"{pasted} is too long")
        assert names(pilot) == []


async def test_an_enter_right_after_a_pasted_path_does_not_attach_the_file(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x")
    pasted = str(tmp_path / "a.txt")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        pilot.app.post_message(events.Paste(pasted))
        await pilot.press("enter")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == pasted)
        assert names(pilot) == []
        assert not server.requests


async def test_a_folder_is_offered_only_to_an_empty_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await type_text(pilot, "cd ")
        await paste(pilot, str(folder))
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == f"cd {folder}")
        chat_of(pilot).panes.composer.replace_text("")
        await paste(pilot, str(folder))
        await asked(pilot)


@pytest.mark.parametrize("text", ["a.txt", "see /etc/hosts", "/no/such/file", "two\nlines"])
async def test_a_paste_of_text_is_inserted_at_once(
    server: LoopbackServer, tmp_path: Path, text: str
) -> None:
    (tmp_path / "a.txt").write_text("x")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await paste(pilot, text)
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == text)


def held_reader(goes_on: asyncio.Event) -> AttachmentReader:
    """A reader whose PDFs are read after the event."""

    async def run_later(command: Sequence[str], *, given: bytes = b"", most_output: int = 0) -> Ran:
        await goes_on.wait()
        return await run_program(command, given=given, most_output=most_output)

    return AttachmentReader(run_later)


async def test_a_file_that_was_read_after_its_session_was_left_is_saved_with_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE]))
    goes_on = asyncio.Event()
    app = make_app(tmp_path, server.base_url, attachments=held_reader(goes_on))
    async with open_chat(app, size=SIZE) as pilot:
        desk = chat_of(pilot).desk
        session_id = desk.conversation.session.id
        await send(pilot, "/attach r.pdf")
        await until(pilot, lambda: "r.pdf …" in frame(pilot), "the file that is being read")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: desk.conversation.session.id != session_id)
        goes_on.set()
        for _ in range(200):
            with suppress(SessionNotFound):
                stored = await desk.services.sessions.load_session(session_id)
                if stored.session.draft_attachments:
                    break
            await pilot.pause(0.02)
        assert [part.name for part in stored.session.draft_attachments] == ["r.pdf"]


async def test_quitting_while_a_file_is_read_asks_once(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE]))
    app = make_app(tmp_path, server.base_url, attachments=held_reader(asyncio.Event()))
    async with open_chat(app, size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await until(pilot, lambda: "r.pdf …" in frame(pilot), "the file that is being read")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "r.pdf is still being read" in frame(pilot), "the warning")
        assert not chat_of(pilot).desk.is_leaving
        await pilot.press("ctrl+q")
        await until(pilot, lambda: chat_of(pilot).desk.is_leaving)


async def test_a_message_whose_file_can_not_be_read_is_not_sent_and_that_is_said(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(b"%PDF-1.7\nno objects")
    goes_on = asyncio.Event()
    app = make_app(tmp_path, server.base_url, attachments=held_reader(goes_on))
    async with open_chat(app, size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await send(pilot, "early")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "early")
        goes_on.set()
        await until(pilot, lambda: "The message that waited" in frame(pilot), "the toast")
        assert chat_of(pilot).panes.composer.text == "early"
        assert not server.requests


async def test_a_message_waits_for_the_file_that_is_being_read(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([f"{LINE} {n}" for n in range(20)]))
    goes_on = asyncio.Event()
    app = make_app(tmp_path, server.base_url, attachments=held_reader(goes_on))
    async with open_chat(app, size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await until(pilot, lambda: "r.pdf …" in frame(pilot), "the file that is being read")
        await send(pilot, "early")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "early")
        assert not server.requests
        goes_on.set()
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        assert "r.pdf · " in frame(pilot)
    assert f"{LINE} 19" in json.dumps(server.requests[0]["messages"])


async def test_a_message_that_is_changed_while_its_file_is_read_is_not_sent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE] * 20))
    goes_on = asyncio.Event()
    app = make_app(tmp_path, server.base_url, attachments=held_reader(goes_on))
    async with open_chat(app, size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await send(pilot, "early")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "early")
        await type_text(pilot, " bird")
        goes_on.set()
        await until(pilot, lambda: names(pilot) == ["r.pdf"])
        assert "20 pages, as text" in frame(pilot)
        assert chat_of(pilot).panes.composer.text == "early bird"
        assert not server.requests


async def test_keys_are_echoed_while_a_pdf_of_scans_is_read(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([""] * 20))
    waits: list[float] = []
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat_of(pilot).groups.writing.attach_file("r.pdf")
        while not names(pilot):
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            waits.append(time.perf_counter() - before)
        assert len(waits) > 10
        # A wait of the event loop is a lower bound of the echo; the bound is wide, as the machine
        # of a test may be busy.
        assert sorted(waits)[int(len(waits) * 0.95)] < 0.2


async def test_a_folder_is_offered_below_its_files(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await type_text(pilot, "@src/")
        await until(pilot, lambda: "attach this folder" in frame(pilot))
        await pilot.press("up", "tab")
        await until(pilot, lambda: names(pilot) == ["src/a.py"])
        assert chat_of(pilot).panes.composer.text == "src/ "


async def test_what_the_server_does_not_accept_is_asked_before_the_send(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "s.wav").write_bytes(wav())
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "/api responses")
        await send(pilot, "/attach s.wav")
        await until(pilot, lambda: names(pilot) == ["s.wav"])
        await send(pilot, "listen")
        await asked(pilot)
        assert "the Responses API accepts no audio" in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "listen")
        assert names(pilot) == ["s.wav"]
        assert not server.requests


async def test_new_kinds_of_attachments_of_an_unsent_message_survive_quitting(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE, ""]))
    (tmp_path / "s.wav").write_bytes(wav())
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await until(pilot, lambda: names(pilot) == ["r.pdf"])
        await send(pilot, "/attach s.wav")
        await until(pilot, lambda: len(names(pilot)) == 2)
        kept = list(chat_of(pilot).desk.pending.attachments)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: chat_of(pilot).desk.is_leaving)
    again = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(again, size=SIZE) as pilot:
        await until(pilot, lambda: chat_of(pilot).desk.pending.attachments == kept)
    assert isinstance(kept[0], DocumentPart)


def clipboard_program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A desktop whose clipboard program is a shell script."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "xclip").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "xclip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def with_picture(folder: Path) -> str:
    (folder / "shot.png").write_bytes(png(20, 10))
    return f'case "$*" in *TARGETS*) echo image/png;; *) cat "{folder}/shot.png";; esac'


@pytest.mark.parametrize("by", ["key", "empty paste"])
async def test_a_picture_on_the_clipboard_is_attached(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    clipboard_program(tmp_path, monkeypatch, with_picture(tmp_path))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        if by == "key":
            await pilot.press("ctrl+v", *"then")
        else:
            await paste(pilot, "")
        await until(pilot, lambda: names(pilot) == ["pasted-1.png"])
        (part,) = chat_of(pilot).desk.pending.attachments
        assert part == ImagePart("pasted-1.png", "image/png", png(20, 10))
        expected = "then" if by == "key" else ""
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == expected)


async def test_without_a_picture_the_text_that_was_copied_here_is_pasted_before_later_keys(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard_program(tmp_path, monkeypatch, "echo UTF8_STRING")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        pilot.app.copy_to_clipboard("copied")
        await pilot.press("ctrl+v", "x")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "copiedx")


async def test_without_a_desktop_the_copied_text_is_pasted(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        pilot.app.copy_to_clipboard("copied")
        await pilot.press("ctrl+v")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "copied")


async def test_an_edited_message_has_its_attachments_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE]))
    (tmp_path / "a.txt").write_text("a")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "/attach r.pdf")
        await until(pilot, lambda: names(pilot) == ["r.pdf"])
        await send(pilot, "/attach a.txt")
        await send(pilot, "first")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
        await send(pilot, "/edit")
        await until(pilot, lambda: names(pilot) == ["r.pdf", "a.txt"])
        assert isinstance(chat_of(pilot).desk.pending.attachments[1], FilePart)


async def test_files_of_the_same_name_are_numbered_and_the_same_file_is_replaced(
    server: LoopbackServer, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "n.txt").write_text(folder)
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)

        def attached() -> dict[str, str]:
            return {p.name: attached_text(p) for p in chat.desk.pending.attachments}

        chat.groups.writing.attach_file("a/n.txt")
        chat.groups.writing.attach_file("b/n.txt")
        assert attached() == {"n.txt": "a", "2-n.txt": "b"}
        (tmp_path / "a" / "n.txt").write_text("new a")
        (tmp_path / "b" / "n.txt").write_text("new b")
        chat.groups.writing.attach_file("b/n.txt")
        chat.groups.writing.attach_file("a/n.txt")
        assert attached() == {"n.txt": "new a", "2-n.txt": "new b"}
        chat.desk.pending.detach_last()
        chat.groups.writing.attach_file("a/n.txt")
        assert attached() == {"n.txt": "new a", "2-n.txt": "new b"}
