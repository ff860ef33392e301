"""Writing and copying on a desk, without a terminal."""

import json
from pathlib import Path

from replyscope.config.paths import find_paths
from tests.support.server import LoopbackServer, reply
from tests.ui.chat.bench import on_bench


async def test_a_line_with_a_slash_is_a_command_and_never_a_message(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.writing.submit("/model small-model ")
        await bench.writing.submit("/new here")
        await bench.writing.submit("/ne")
        assert bench.ran == [("model", "small-model"), ("new", "")]
        assert bench.editor.text == "/ne"
        assert server.requests == []


async def test_a_command_of_a_text_takes_its_lines_and_others_take_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.writing.submit("/aside first line\nsecond\n")
        await bench.writing.submit("/aside\nfirst line")
        assert bench.ran == [("aside", "first line\nsecond"), ("aside", "first line")]
        await bench.writing.submit("/model small\nmodel")
        assert "/model takes one line" in bench.told[-1]
        assert bench.editor.text == "/model small\nmodel"
        assert len(bench.ran) == 2
        assert server.requests == []


async def test_a_text_of_several_lines_that_is_no_command_is_sent_with_a_hint(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        for text in ("/etc/hosts\nis a file", "/* a comment */\nint x;", "// two\n// lines"):
            await bench.writing.submit(text)
            await bench.host.quiet()
            assert server.requests[-1]["messages"][-1]["content"] == text
        assert bench.told == []
        await bench.writing.submit("/asdie first\nsecond")
        await bench.host.quiet()
        hint = "Sent as a message: there is no command /asdie. Did you mean /aside?"
        assert bench.told == [hint]
        assert server.requests[-1]["messages"][-1]["content"] == "/asdie first\nsecond"


async def test_a_completion_that_is_complete_runs_on_enter(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.editor.replace_text("/ne")
        await bench.completing.offer()
        assert [value for value, _ in bench.view.suggestions.rows] == ["/new", "/next"]
        bench.completing.move(1)
        await bench.completing.take(submits=True)
        assert bench.ran == [("next", "")]
        assert bench.editor.text == ""


async def test_an_argument_is_completed_and_enter_keeps_what_is_typed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    aliases = '[models]\nfast = "gpt-6-mini"\nfaster = "gpt-6-nano"\n'
    file = find_paths(str(tmp_path)).settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(aliases)
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.editor.replace_text("/model fas")
        await bench.completing.offer()
        assert [value for value, _ in bench.view.suggestions.rows] == ["fast", "faster"]
        await bench.completing.take(submits=True)
        assert bench.ran == [("model", "fas")]
        bench.editor.replace_text("/model fas")
        await bench.completing.offer()
        await bench.completing.take(submits=False)
        assert bench.editor.text == "/model fast"
        await bench.completing.offer()
        bench.completing.move(1)
        bench.completing.move(1)
        await bench.completing.take(submits=True)
        assert bench.ran[1:] == [("model", "faster")]
        assert bench.editor.text == ""


async def test_a_file_is_attached_and_sent_with_the_message(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("the tide turns at six")
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.writing.attach("notes.txt")
        bench.writing.attach("absent.txt")
        assert "absent.txt" in bench.told[-1]
        await bench.say("When?")
        assert "the tide turns at six" in json.dumps(server.requests[-1]["messages"])


async def test_a_message_with_a_key_is_held_back(server: LoopbackServer, tmp_path: Path) -> None:
    text = "my key is sk-proj-" + "a1B2c3D4" * 6
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.answer("edit")
        await bench.writing.submit(text)
        await bench.host.quiet()
        assert server.requests == []
        assert bench.editor.text == text


async def test_the_message_under_the_cursor_is_copied_as_it_was_received(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("Look:\n\n```python\nprint(1)\n```\n")
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        bench.copying.copy_message()
        bench.copying.copy_code()
        whole, code = bench.host.app.copied
        assert whole.startswith("Look:")
        assert code.strip() == "print(1)"


async def test_a_link_that_is_no_web_address_is_not_opened(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.copying.open_link("file:///etc/passwd")
        assert "is no web address" in bench.told[-1]
