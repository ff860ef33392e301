"""Tools as a person meets them: the card, the list, the results."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from replyscope.config.settings import read_settings
from replyscope.domain.exchange import Api
from replyscope.domain.message import ToolResultPart
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import ToolCallState
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.tools_dialog import ToolsDialog
from replyscope.ui.dialogs.edit_dialog import EditDialog
from tests.engine.test_tools import asks, in_turn
from tests.support.responses import response
from tests.support.server import LoopbackServer, reply
from tests.toolbox.test_servers import FAULTY
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send

FILES = {"a.txt": "what is in a", "b.txt": "what is in b"}


def app_with_files(folder: Path, server: LoopbackServer, **changes: Any) -> ReplyscopeApp:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return make_app(folder, server.base_url, **changes)


def offer(pilot: Pilot[None], *names: str) -> None:
    conversation = chat_of(pilot).desk.conversation
    settings = SessionSettings(tools=names)
    conversation.session = type(conversation.session)(
        conversation.session.id,
        "New session",
        conversation.session.created_at,
        conversation.session.updated_at,
        settings,
    )


def card_of(pilot: Pilot[None]) -> ConsentCard:
    return chat_of(pilot).query_one(ConsentCard)


async def press_when_ready(pilot: Pilot[None], key: str) -> None:
    """Press a key of the card, once it is old enough to listen."""
    await until(pilot, lambda: card_of(pilot).is_ready, "the card")
    assert card_of(pilot).has_focus
    await pilot.press(key)


def results(pilot: Pilot[None]) -> list[ToolResultPart]:
    return [
        part
        for message in chat_of(pilot).desk.conversation.messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]


def read(name: str) -> tuple[str, str]:
    return ("read_file", json.dumps({"path": name}))


async def test_the_list_of_tools_shows_its_keys_on_a_small_terminal(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        await pilot.press("f10")
        await until(pilot, lambda: "functions such as sqrt" in frame(pilot))
        assert "[Space] select" in frame(pilot)
        assert "Access: nothing" in frame(pilot)


async def test_a_card_says_what_would_happen_and_yes_runs_it(
    server: LoopbackServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(read("a.txt")), reply("I have read it."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        assert '"path": "a.txt"' in frame(pilot)
        assert "reads one file of the working folder" in frame(pilot)
        assert len(server.requests) == 1
        await press_when_ready(pilot, "y")
        await until(pilot, lambda: "I have read it." in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        assert not card_of(pilot).display
        assert chat_of(pilot).panes.composer.has_focus
        assert "✓" in frame(pilot)
        await pilot.press("escape", "k", "k", "g")
        chat_of(pilot).panes.transcript.point_at(1)
        chat_of(pilot).groups.reading.inspector.open_tab("tools")
        await until(pilot, lambda: "by you, once" in frame(pilot))
        assert "what is in a" in frame(pilot)
    assert server.requests[1]["messages"][-1]["content"] == "what is in a"


async def test_no_with_a_reason_runs_nothing_and_tells_the_model(
    server: LoopbackServer, tmp_path: Path
) -> None:
    in_turn(server, asks(read("a.txt")), reply("Understood."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await press_when_ready(pilot, "b")
        await pilot.press(*"private", "enter")
        await until(pilot, lambda: "Understood." in frame(pilot))
        assert results(pilot)[0].state is ToolCallState.REFUSED
    assert "private" in server.requests[1]["messages"][-1]["content"]


async def test_arguments_are_changed_before_it_runs(
    server: LoopbackServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(read("a.txt")), reply("Done."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await press_when_ready(pilot, "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        pilot.app.screen.query_one(TextArea).text = '{"path": 7}'
        await pilot.press("enter")
        await until(pilot, lambda: "is not of type" in frame(pilot))
        pilot.app.screen.query_one(TextArea).text = '{"path": "b.txt"}'
        await pilot.press("enter")
        await until(pilot, lambda: "Done." in frame(pilot))
        (part,) = results(pilot)
        assert (part.output, part.arguments) == ("what is in b", '{"path": "b.txt"}')


async def test_always_saves_a_rule_that_covers_the_next_call(
    server: LoopbackServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(read("a.txt")), asks(read("b.txt")), reply("Both."))
    app = app_with_files(tmp_path, server)
    async with open_chat(app, size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read them")
        await press_when_ready(pilot, "a")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        assert "path = a.txt" in frame(pilot)
        pilot.app.screen.query_one(TextArea).text = "path = *.txt"
        await pilot.press("enter")
        await until(pilot, lambda: "Both." in frame(pilot))
        assert [part.allowed_by for part in results(pilot)] == [
            "you, always (saved in the settings)",
            "a rule in the settings",
        ]
    (rule,) = read_settings(tmp_path / "config" / "settings.toml").tools.consent
    assert (rule.tool, rule.patterns) == ("shipped/read_file", (("path", "*.txt"),))


async def test_the_card_takes_no_key_that_was_meant_for_the_composer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    in_turn(server, asks(read("a.txt")), reply("?"))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        chat_of(pilot).panes.composer.insert("ye")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        await pilot.press("y", "s")
        assert chat_of(pilot).panes.composer.text == "yeys"
        assert len(server.requests) == 1
        assert results(pilot)[0].state is ToolCallState.REQUESTED


async def test_escape_stops_the_turn_and_t_takes_it_up_again(
    server: LoopbackServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(read("a.txt")), reply("Now I know."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        await pilot.press("escape")
        await until(pilot, lambda: is_idle(pilot))
        assert not card_of(pilot).display
        await until(pilot, lambda: "/run tools" in frame(pilot))
    again = make_app(tmp_path, server.base_url, opens_newest=True)
    async with open_chat(again, size=SIZE) as pilot:
        await until(pilot, lambda: "/run tools" in frame(pilot), "the offer to go on")
        await pilot.press("escape", "t", "t")
        await press_when_ready(pilot, "y")
        await until(pilot, lambda: "Now I know." in frame(pilot))


async def test_tools_are_chosen_from_a_list(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToolsDialog), "the list")
        assert "run_command" in frame(pilot)
        await pilot.press("down", "space", "enter")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.session.settings.tools)
        await send(pilot, "what time is it?")
        await until(pilot, lambda: is_idle(pilot) and server.requests)
    (tool,) = server.requests[0]["tools"]
    assert tool["function"]["name"] == "current_time"


async def test_a_result_may_be_written_by_hand(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, asks(read("a.txt")), reply("Thanks."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        await pilot.press("escape")
        await until(pilot, lambda: is_idle(pilot))
        await pilot.press("escape", "T")
        await until(pilot, lambda: "answer by hand" in frame(pilot))
        await pilot.press(*"hand", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        await pilot.press(*"my own words", "enter")
        await until(pilot, lambda: "tools were not sent" in frame(pilot))
        await pilot.press("t", "t")
        await until(pilot, lambda: "Thanks." in frame(pilot))
    assert server.requests[1]["messages"][-1]["content"] == "my own words"


async def test_a_pasted_server_answers_with_leave_and_all_is_seen(
    server: LoopbackServer, tmp_path: Path
) -> None:
    pytest.importorskip("mcp_server_time")
    entry = {"command": sys.executable, "args": ["-m", "mcp_server_time"]}
    call = ("get_current_time", '{"timezone": "Europe/Oslo"}')
    in_turn(server, asks(call), reply("It is late."))
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await send(pilot, "/mcp")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditDialog))
        pasted = json.dumps({"mcpServers": {"time": entry}})
        pilot.app.screen.query_one(TextArea).text = pasted
        await pilot.press("enter")
        await until(pilot, lambda: "2 tools" in frame(pilot), "the server")
        await send(pilot, "what time is it in Oslo?")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        assert "mcp:time" in frame(pilot)
        assert "Europe/Oslo" in frame(pilot)
        await press_when_ready(pilot, "y")
        await until(pilot, lambda: "It is late." in frame(pilot))
        (part,) = results(pilot)
        assert (part.source, part.allowed_by) == ("mcp:time", "you, once")
    assert "Europe/Oslo" in server.requests[1]["messages"][-1]["content"]
    assert [t["function"]["name"] for t in server.requests[0]["tools"]] == [
        "get_current_time",
        "convert_time",
    ]


async def test_what_is_out_of_view_on_the_card_is_told_and_can_be_scrolled_to(
    server: LoopbackServer, tmp_path: Path
) -> None:
    long = ("run_command", json.dumps({"command": [f"argument {n}" for n in range(40)]}))
    in_turn(server, asks(long), reply("?"))
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        offer(pilot, "run_command")
        await send(pilot, "do it")
        await until(pilot, lambda: "more lines" in frame(pilot), "the cue")
        await until(pilot, lambda: card_of(pilot).is_ready and card_of(pilot).has_focus)
        assert "[y]" in frame(pilot)
        assert "this session" not in frame(pilot)
        await pilot.press(*["j"] * 50)
        await until(pilot, lambda: "end of the call" in frame(pilot))
        assert "argument 39" in frame(pilot)


async def test_a_tool_of_the_provider_is_offered_by_its_json_and_stays_in_the_list(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "/hosted nonsense")
        await until(pilot, lambda: "not JSON" in frame(pilot))
        await send(pilot, '/hosted {"type":"file_search","vector_store_ids":["vs_1"]}')
        await until(pilot, lambda: chat.desk.conversation.session.settings.hosted)
        assert chat.desk.targets.endpoint is not None
        chat.desk.targets.endpoint = replace(chat.desk.targets.endpoint, api=Api.RESPONSES)
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToolsDialog), "the list")
        assert "file_search" in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ToolsDialog))
        server.answer = lambda _request: response("Found.")
        await send(pilot, "look it up")
        await until(pilot, lambda: "Found." in frame(pilot))
    assert server.requests[0]["tools"] == [{"type": "file_search", "vector_store_ids": ["vs_1"]}]


async def test_a_limit_says_why_it_stopped_and_t_goes_on(
    server: LoopbackServer, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    rule = '[[tools.allow]]\ntool = "shipped/calculate"\narguments = { expression = "*" }\n'
    (config / "settings.toml").write_text(f"[tools]\nrounds = 2\n{rule}")
    in_turn(server, asks(("calculate", '{"expression": "1+1"}')))
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        offer(pilot, "calculate")
        await send(pilot, "go on and on")
        await until(pilot, lambda: "limit of 2 rounds" in frame(pilot), "the reason")
        assert len(server.requests) == 3
        await pilot.press("escape", "t", "t")
        await until(pilot, lambda: len(server.requests) == 5)
        await until(pilot, lambda: is_idle(pilot))


async def test_a_card_in_another_session_is_marked_in_the_list(
    server: LoopbackServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    in_turn(server, asks(read("a.txt")), reply("I have read it."))
    async with open_chat(app_with_files(tmp_path, server), size=SIZE) as pilot:
        offer(pilot, "read_file")
        await send(pilot, "read it")
        await until(pilot, lambda: card_of(pilot).display, "the card")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "? read it" in frame(pilot))
        assert not card_of(pilot).display


async def test_what_is_wrong_with_a_server_is_shown_with_the_reply(
    server: LoopbackServer, tmp_path: Path
) -> None:
    tools = [{"name": "ping"}, {"name": "bad", "inputSchema": {"type": "string"}}]
    script = json.dumps({"answers": {"tools/list": {"result": {"tools": tools}}}})
    entry = {"command": sys.executable, "args": [FAULTY, "scripted", script]}
    gone = {"command": "no-such-program"}
    (tmp_path / "config").mkdir(exist_ok=True)
    servers = json.dumps({"mcpServers": {"odd": entry, "gone": gone}})
    (tmp_path / "config" / "mcp.json").write_text(servers)
    app = make_app(tmp_path, server.base_url)
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        offer(pilot, "mcp:odd", "mcp:gone")
        await send(pilot, "hi")
        await until(pilot, lambda: "there is no program" in frame(pilot), "the server's fault")
        assert "does not describe" in frame(pilot)
    assert [tool["function"]["name"] for tool in server.requests[0]["tools"]] == ["ping"]


async def test_prompts_of_servers_complete_after_a_slash(
    server: LoopbackServer, tmp_path: Path
) -> None:
    program = str(Path(__file__).parents[1] / "toolbox" / "plain_server.py")
    entry = {"mcpServers": {"web": {"command": sys.executable, "args": [program]}}}
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "mcp.json").write_text(json.dumps(entry))
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        offer(pilot, "mcp:web")
        await pilot.press("slash", *"web")
        await until(pilot, lambda: "/web:greet" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "Greet me warmly.")
