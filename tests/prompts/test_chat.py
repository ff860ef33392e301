"""Prompts in the chat: completion, the form, the list, and a prompt made of a message."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from textual.pilot import Pilot

from replyscope.domain.errors import SettingsError
from replyscope.domain.message import PromptPart, TextPart
from replyscope.ui.chat.prompt_form import PromptForm
from replyscope.ui.chat.prompt_picker import PromptPicker
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.terminal.toasts import toasts_of
from tests.models.test_picker import make_two
from tests.prompts.writing import REVIEW, prompt_of, write_prompt
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

SMALL = (80, 24)
CODE = REVIEW.replace("Review code", "Look at code")


def written(pilot: Pilot[None]) -> str:
    return chat_of(pilot).panes.composer.text


def told(pilot: Pilot[None]) -> str:
    """The toasts so far, in full."""
    return toasts_of(pilot.app).text()


def offered(pilot: Pilot[None]) -> list[tuple[str, str]]:
    """The commands and prompts that are offered, with their help."""
    options = chat_of(pilot).query_one(Suggestions).options
    rows = (str(option.prompt).partition("  ") for option in options)
    return [(name.strip(), text.strip()) for name, _, text in rows]


def without_suspending(pilot: Pilot[None]) -> None:
    """Run editors without a terminal, which a test does not have."""
    pilot.app.suspend = nullcontext  # type: ignore[method-assign,assignment]


def is_open(pilot: Pilot[None], kind: type) -> bool:
    return isinstance(pilot.app.screen, kind)


@pytest.mark.parametrize("size", [(120, 40), SMALL])
async def test_a_prompt_opens_a_form_and_its_text_is_sent(
    server: LoopbackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    write_prompt(tmp_path / "config", "look", CODE)
    async with open_chat(make_app(tmp_path, server.base_url), size=size) as pilot:
        await send(pilot, "/look x = 1")
        await until(pilot, lambda: "Look at code" in frame(pilot))
        assert "into the composer" in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "needs a value for focus (what to look at)" in frame(pilot))
        await pilot.press(*"names", "shift+tab", "down", "enter")
        await until(pilot, lambda: "Review this Rust code for names." in written(pilot))
        assert written(pilot).endswith("\n\nx = 1")
        version = prompt_of(CODE).version
        assert f"prompt look@{version[:8]}" in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot))
        conversation = chat_of(pilot).desk.conversation
        (exchange,) = conversation.exchanges.values()
        parts = conversation.messages[0].parts
    assert exchange.prompts == (("look", version),)
    assert parts[0] == PromptPart("look", version, prompt_of(CODE).text)
    (request,) = server.requests
    assert request["temperature"] == 0.2
    assert request["messages"] == [
        {"role": "user", "content": "Review this Rust code for names.\n\nx = 1"}
    ]


async def test_the_form_begins_with_the_last_values(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "look", CODE)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/look language=Rust focus='all names' a = 1")
        await until(pilot, lambda: "Rust code for all names" in written(pilot))  # nothing to ask
        await pilot.press("ctrl+u")
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/look")
        await until(pilot, lambda: "all names" in frame(pilot))
        assert "Rust" in frame(pilot)
        await pilot.press(*"b = 2", "enter")
        await until(pilot, lambda: "b = 2" in written(pilot))


async def test_a_purge_leaves_no_values(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "look", CODE)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/look language=Rust focus=mysecretvalue x")
        await until(pilot, lambda: "mysecretvalue" in written(pilot))
        desk = chat_of(pilot).desk
        session_id = desk.conversation.session.id
        assert await desk.services.history.last_values("look") == {
            "language": "Rust", "focus": "mysecretvalue",
        }  # fmt: skip
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/new")
        await until(pilot, lambda: desk.conversation.session.id != session_id)
        await desk.services.review.delete([session_id])
        assert not (await desk.services.review.purge([session_id])).is_pending
        assert await desk.services.history.last_values("look") == {}
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"mysecretvalue" in file.read_bytes() for file in files)


async def test_a_default_of_two_lines_is_inserted_exactly(
    server: LoopbackServer, tmp_path: Path
) -> None:
    text = (
        "+++\n[variables.a]\ndefault = 'x\\ty'\n[variables.b]\ndefault = \"1\\n2\"\n+++\n{{a}}{{b}}"
    )
    write_prompt(tmp_path / "config", "look", text)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/look")
        await until(pilot, lambda: is_open(pilot, PromptForm))
        await pilot.press("enter")
        await until(pilot, lambda: written(pilot) == "x\\ty1\n2")


async def test_a_prompt_without_variables_is_put_into_the_composer_at_once(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await pilot.press(*"/jok")
        await until(pilot, lambda: "prompt: Tell a joke." in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: written(pilot) == "Tell a joke.")


async def test_a_prompt_never_hides_a_command(server: LoopbackServer, tmp_path: Path) -> None:
    for name in ("review", "clear", "mod"):
        write_prompt(tmp_path / "config", name, f"Prompt {name}.")
    async with open_chat(make_app(tmp_path, server.base_url), notifications=True) as pilot:
        await pilot.press("slash")
        await until(pilot, lambda: ("/mod", "prompt: Prompt mod.") in offered(pilot))
        assert [(name, text) for name, text in offered(pilot) if "Prompt " in text] == [
            ("/prompts clear", "prompt: Prompt clear."),
            ("/mod", "prompt: Prompt mod."),
            ("/prompts review", "prompt: Prompt review."),
        ]
        await pilot.press("escape")
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/prompts review")
        await until(pilot, lambda: written(pilot) == "Prompt review.")
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/mod")
        await until(pilot, lambda: written(pilot) == "Prompt mod.")
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/clear")
        await until(pilot, lambda: "/clear is a command. /prompts clear uses" in told(pilot))
        await pilot.press("slash", *"review", "down", "enter")
        await until(pilot, lambda: written(pilot) == "Prompt review.")


async def test_a_wrong_prompt_is_named_and_the_others_work(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    write_prompt(tmp_path / "config", "lost", "+++\npreset = 'gone'\n+++\nx")
    write_prompt(tmp_path / "config", "stops", "+++\n[parameters]\nstop = [1]\n+++\nx")
    write_prompt(tmp_path / "config", "evil", "+++\ntitle = '\\u001b[31m'\n+++\n\x1b[31m{{a}}")
    async with open_chat(make_app(tmp_path, server.base_url), notifications=True) as pilot:
        await send(pilot, "/bad")
        await until(pilot, lambda: "bad.md:2: x is not a setting; allowed: title" in told(pilot))
        await send(pilot, "/lost")
        await until(pilot, lambda: "There is no preset gone." in frame(pilot))
        await send(pilot, "/stops")
        await until(pilot, lambda: "stops.md:3: parameters.stop (stop[0])" in told(pilot))
        assert (written(pilot), chat_of(pilot).desk.pending.attachments) == ("", [])
        await send(pilot, "/evil")
        await until(pilot, lambda: is_open(pilot, PromptForm))
        assert "\x1b" not in frame(pilot)


async def test_a_prompt_uses_its_model(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "+++\nmodel = 'two/x'\nsystem = 'S'\n+++\nJoke.")
    with LoopbackServer() as other:
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "/joke")
            await until(pilot, lambda: written(pilot) == "Joke.")
            await pilot.press("enter")
            await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot))
        (request,) = other.requests
    assert (request["model"], request["messages"][0]["content"]) == ("x", "S")


async def test_the_list_shows_texts_and_what_is_written_is_the_input(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "sum", "Sum up:\n{{input}}")
    write_prompt(tmp_path / "config", "turn", "In German:\n{{input}}")
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    async with open_chat(make_app(tmp_path, server.base_url), size=SMALL) as pilot:
        chat_of(pilot).panes.composer.replace_text("a long text")
        chat_of(pilot).groups.prompts.commands.prompts()
        await until(pilot, lambda: is_open(pilot, PromptPicker))
        await until(pilot, lambda: "Sum up:" in frame(pilot))
        assert "not used: " in frame(pilot)
        await pilot.press(*"sum", "enter")
        await until(pilot, lambda: written(pilot) == "Sum up:\na long text")
        chat_of(pilot).groups.prompts.commands.prompts()
        await until(pilot, lambda: is_open(pilot, PromptPicker))
        await pilot.press(*"turn", "enter")
        await until(pilot, lambda: written(pilot).startswith("In German:\nSum up:"))
        names = [one.name for one in chat_of(pilot).desk.pending.attachments]
        assert names == ["sum", "turn"]


async def test_a_prompt_is_written_in_the_editor(server: LoopbackServer, tmp_path: Path) -> None:
    seen: list[str] = []

    def edit(text: str) -> str:
        seen.append(text)
        return "+++\ntitle = 'Mine'\n+++\nTell me." if len(seen) == 1 else text.replace("me", "us")

    app = make_app(tmp_path, server.base_url, edit_text=edit)
    file = tmp_path / "config" / "prompts" / "mine.md"
    async with open_chat(app, notifications=True) as pilot:
        without_suspending(pilot)
        await send(pilot, "/prompts")
        await until(pilot, lambda: "No prompts yet. Type a name." in frame(pilot))
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: "Saved mine@" in frame(pilot))
        assert file.read_text() == "+++\ntitle = 'Mine'\n+++\nTell me.\n"
        await send(pilot, "/prompts")
        await until(pilot, lambda: is_open(pilot, PromptPicker))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "Tell us." in file.read_text())
        await send(pilot, "/mine")
        await until(pilot, lambda: written(pilot) == "Tell us.")
    assert seen[0].startswith("+++\ntitle = ")


async def test_a_prompt_is_made_of_a_message(server: LoopbackServer, tmp_path: Path) -> None:
    file = tmp_path / "config" / "prompts" / "mine.md"
    async with open_chat(make_app(tmp_path, server.base_url), notifications=True) as pilot:
        await send(pilot, "/prompts save mine")
        await until(pilot, lambda: "There is no message of yours" in frame(pilot))
        await send(pilot, "explain {{x}}")
        await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot))
        await send(pilot, "/prompts save mine")
        await until(pilot, lambda: "/prompts mine uses it" in frame(pilot))
        assert file.read_text() == "explain \\{{x}}\n"
        file.write_text("other")
        await send(pilot, "/prompts save mine")
        await until(pilot, lambda: "Replace the prompt mine?" in frame(pilot))
        await pilot.press("enter")
        assert file.read_text() == "other"
        await send(pilot, "/prompts save a/b")
        await until(pilot, lambda: "can't be the name of a prompt" in frame(pilot))


async def test_a_private_session_saves_no_prompt_and_no_values(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "look", CODE)
    async with open_chat(make_app(tmp_path, server.base_url), notifications=True) as pilot:
        await send(pilot, "/private")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
        await send(pilot, "/prompts save mine")
        await until(pilot, lambda: "Private sessions cannot save prompts." in frame(pilot))
        await send(pilot, "/look language=Rust focus=secret x")
        await until(pilot, lambda: "secret" in written(pilot))
    assert not any(b"secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [one.name for one in (tmp_path / "config" / "prompts").iterdir()] == ["look.md"]


async def test_a_prompt_alone_is_no_message_and_can_be_removed(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/joke")
        await until(pilot, lambda: written(pilot) == "Tell a joke.")
        chat_of(pilot).panes.composer.replace_text("")
        await pilot.press("enter")
        assert chat_of(pilot).desk.conversation.messages == []
        await pilot.press("backspace")
        assert chat_of(pilot).desk.pending.attachments == []


async def test_the_prompt_of_an_unsent_message_survives_quitting(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/joke")
        await until(pilot, lambda: written(pilot) == "Tell a joke.")
        await pilot.press("ctrl+q")
    async with open_chat(make_app(tmp_path, server.base_url, opens_newest=True)) as pilot:
        await until(pilot, lambda: written(pilot) == "Tell a joke.")
        (part,) = chat_of(pilot).desk.pending.attachments
        assert isinstance(part, PromptPart)


async def test_an_edited_message_keeps_its_prompt(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await send(pilot, "/joke")
        await until(pilot, lambda: written(pilot) == "Tell a joke.")
        await pilot.press("enter")
        await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot))
        await send(pilot, "/edit")
        await until(pilot, lambda: written(pilot) == "Tell a joke.")
        await send(pilot, " Now.")
        conversation = chat_of(pilot).desk.conversation
        await until(pilot, lambda: len(conversation.exchanges) == 2 and is_idle(pilot))
        assert conversation.messages[0].parts[1] == TextPart("Tell a joke. Now.")
        assert len({one.prompts for one in conversation.exchanges.values()}) == 1


async def test_a_chat_that_saves_nothing_writes_no_prompt(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url, saves=False, edit_text=lambda _text: "new")
    async with open_chat(app, notifications=True) as pilot:
        without_suspending(pilot)
        await send(pilot, "/prompts new mine")
        await until(pilot, lambda: "this chat saves nothing" in frame(pilot))
        library = chat_of(pilot).desk.services.prompts()
        with pytest.raises(SettingsError, match="saves nothing"):
            library.write("mine", "new")
    assert not (tmp_path / "config" / "prompts").exists()


async def test_an_input_of_several_lines_fills_the_prompt(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "sum", "Sum up {{lang}}:\n{{input}}")
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        chat_of(pilot).panes.composer.replace_text("/sum lang=Rust a\nb")
        await pilot.press("enter")
        await until(pilot, lambda: written(pilot) == "Sum up Rust:\na\nb")
        chat_of(pilot).panes.composer.replace_text("/usr/bin\nis a path")
        await pilot.press("enter")
        await until(pilot, lambda: len(server.requests) == 1)
    assert server.requests[0]["messages"][-1]["content"] == "/usr/bin\nis a path"


@pytest.mark.parametrize("command", ["/sum", "/prompts sum"])
async def test_a_prompt_that_is_not_used_gives_the_input_back(
    server: LoopbackServer, tmp_path: Path, command: str
) -> None:
    write_prompt(tmp_path / "config", "sum", "Sum up {{lang}}:\n{{input}}")
    write_prompt(tmp_path / "config", "lost", "+++\npreset = 'gone'\n+++\n{{input}}")
    async with open_chat(make_app(tmp_path, server.base_url), notifications=True) as pilot:
        await send(pilot, f"{command} a long text")
        await until(pilot, lambda: is_open(pilot, PromptForm))
        await pilot.press("escape")
        await until(pilot, lambda: not is_open(pilot, PromptForm))
        assert written(pilot) == f"{command} a long text"
        chat_of(pilot).panes.composer.replace_text("")
        await send(pilot, "/lost a long text")
        await until(pilot, lambda: "gone" in told(pilot))
        assert written(pilot) == "/lost a long text"


@pytest.mark.parametrize("saves", [True, False])
async def test_no_editor_opens_for_a_text_that_can_t_be_saved(
    server: LoopbackServer, tmp_path: Path, saves: bool
) -> None:
    edited: list[str] = []
    app = make_app(tmp_path, server.base_url, saves=saves, edit_text=edited.append)
    async with open_chat(app, notifications=True) as pilot:
        without_suspending(pilot)
        await send(pilot, "/prompts new a/b" if saves else "/prompts new mine")
        words = "can't be the name of a prompt" if saves else "this chat saves nothing"
        await until(pilot, lambda: words in told(pilot))
    assert edited == []
