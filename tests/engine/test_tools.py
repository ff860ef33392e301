"""The loop of tools: on the real provider, a real store and tools in real processes."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api, ToolCall
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import ConsentRule, Decision, Tool, ToolCallState, ToolSettings
from replyscope.engine.archive import Archive
from replyscope.engine.consent import AskPerson, CallToDecide, Consent, refuse, say_yes
from replyscope.engine.conversation import Conversation
from replyscope.engine.tool_runner import Tooling, cut
from replyscope.store.sqlite_store import SqliteStore
from replyscope.toolbox.toolbox import LocalToolbox
from tests.engine.test_conversation import Ids, target_of
from tests.support.build import open_chat
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage

TOOLS = '''
import asyncio, os, subprocess, time
from pathlib import Path

def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

async def later(text: str) -> str:
    """Say it later."""
    await asyncio.sleep(0.05)
    return text.upper()

def fail() -> str:
    """Always fails."""
    raise RuntimeError("the well is dry")

def hang(marker: str) -> str:
    """Start a child and never end."""
    child = subprocess.Popen(["sleep", "600"])
    Path(marker).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return ""

def long() -> str:
    """Say much."""
    return "x" * 100_000

def span() -> str:
    """From when to when it ran."""
    before = time.time()
    time.sleep(0.2)
    return f"{before} {time.time()}"

def picture() -> bytes:
    """Draw."""
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"\\0\\0\\0\\rIHDR\\0\\0\\0\\x02\\0\\0\\0\\x03"

def without_docstring() -> str:
    return ""
'''


def asks(*calls: tuple[str, str]) -> Answer:
    """A reply that asks for functions, as (name, arguments)."""
    wire = [
        {"index": n, "id": f"call_{n}", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return Answer(chunks=sse(delta(tool_calls=wire), delta(finish="tool_calls"), usage()))


def asks_on_responses(*calls: tuple[str, str]) -> Answer:
    items = tuple(
        {
            "type": "function_call",
            "id": f"fc_{n}",
            "call_id": f"call_{n}",
            "name": name,
            "arguments": arguments,
            "status": "completed",
        }
        for n, (name, arguments) in enumerate(calls)
    )
    return response(items=items, store=False)


def in_turn(server: LoopbackServer, *answers: Answer) -> None:
    """The server gives these, and the last one again and again."""

    def answer(_request: dict[str, Any]) -> Answer:
        return answers[min(len(server.requests), len(answers)) - 1]

    server.answer = answer


class Workshop:
    """A conversation with tools."""

    def __init__(self, store: SqliteStore, clock: Clock, folder: Path, first_id: int = 0) -> None:
        file = folder / "mine.py"
        file.write_text(TOOLS)
        self.settings = ToolSettings(enabled=("tools:mine.py", "shipped"), timeout_s=30)
        self.consent = Consent(lambda: self.settings.consent, say_yes)
        box = LocalToolbox([file], folder, folder / "kept", lambda: self.settings)
        tooling = Tooling(box, self.consent, lambda: self.settings)
        self.archive = Archive(store, clock, Ids(first_id), tooling=tooling)
        self.conversation = self.archive.new(SessionSettings())
        self.store = store

    async def send(
        self, server: LoopbackServer, clock: Clock, *, api: Api = Api.CHAT, text: str = "hi"
    ) -> str | None:
        """Send, to the end of the turn; why tools did not run."""
        async with open_chat(server.base_url, clock, api=api) as provider:
            return await self.conversation.send((TextPart(text),), target_of(provider))

    async def go_on(self, server: LoopbackServer, clock: Clock) -> str | None:
        async with open_chat(server.base_url, clock) as provider:
            return await self.conversation.run_tools(target_of(provider))

    def results(self) -> list[ToolResultPart]:
        return results_of(self.conversation)


def results_of(conversation: Conversation) -> list[ToolResultPart]:
    return [
        part
        for message in conversation.messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]


@pytest.fixture
def workshop(store: SqliteStore, clock: Clock, tmp_path: Path) -> Workshop:
    return Workshop(store, clock, tmp_path)


async def test_results_go_back_in_order_until_the_model_stops(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    calls = ("later", '{"text": "slow"}'), ("add", '{"a": 2, "b": 3}')
    in_turn(server, asks(*calls), reply("It is 5."))
    assert await workshop.send(server, clock) is None
    said = server.requests[1]["messages"][1:]
    assert said[0]["role"] == "assistant"
    assert [c["function"]["name"] for c in said[0]["tool_calls"]] == ["later", "add"]
    assert said[1:] == [
        {"role": "tool", "tool_call_id": "call_0", "content": "SLOW"},
        {"role": "tool", "tool_call_id": "call_1", "content": "5"},
    ]
    offered = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
    assert {"add", "later", "calculate"} <= offered
    assert "without_docstring" not in offered
    roles = [message.role for message in workshop.conversation.messages]
    assert roles == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    stored = await workshop.store.load_session(workshop.conversation.session.id)
    assert stored.branch == tuple(workshop.conversation.messages)
    assert [part.state for part in workshop.results()] == [ToolCallState.COMPLETED] * 2
    assert all(part.duration_ms is not None for part in workshop.results())


async def test_responses_get_the_items_and_the_outputs_back(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, asks_on_responses(("add", '{"a": 2, "b": 3}')), response("Five."))
    await workshop.send(server, clock, api=Api.RESPONSES)
    call, output = server.requests[1]["input"][1:]
    assert (call["type"], call["id"], call["call_id"]) == ("function_call", "fc_0", "call_0")
    assert output == {"type": "function_call_output", "call_id": "call_0", "output": "5"}
    assert server.requests[0]["tools"][0]["type"] == "function"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("add", '{"a": 2, "b":', "not JSON"),
        ("add", '{"a": 2, "b": "many"}', "$.b"),
        ("add", '{"a": 2}', "required"),
        ("add", "[1, 2]", "not a JSON object"),
        ("subtract", "{}", "no tool named subtract"),
        ("fail", "{}", "the well is dry"),
        ("read_file", '{"path": "../secret"}', "outside of the working folder"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model_and_to_the_person(
    workshop: Workshop, server: LoopbackServer, clock: Clock, name: str, arguments: str, words: str
) -> None:
    in_turn(server, asks((name, arguments)), reply("I see."))
    await workshop.send(server, clock)
    told = server.requests[1]["messages"][-1]
    assert told["role"] == "tool"
    assert told["content"].startswith("Error")
    assert words in told["content"]
    (part,) = workshop.results()
    assert part.state is ToolCallState.FAILED
    # A server that reads the arguments of the history must be able to.
    sent = server.requests[1]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert isinstance(json.loads(sent), dict)
    if name == "fail":
        assert "RuntimeError" in part.detail


async def test_a_no_is_told_to_the_model_and_nothing_runs(
    workshop: Workshop, server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    async def no(_wanted: CallToDecide) -> Decision:
        return Decision(False, "you", "Not on a Tuesday.")

    workshop.consent.ask = no
    marker = tmp_path / "ran"
    in_turn(server, asks(("run_command", f'{{"command": ["touch", "{marker}"]}}')), reply("Fine."))
    await workshop.send(server, clock)
    assert "Not on a Tuesday." in server.requests[1]["messages"][-1]["content"]
    assert workshop.results()[0].state is ToolCallState.REFUSED
    assert not marker.exists()


async def test_without_anybody_to_ask_the_call_waits_and_can_go_on_later(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    workshop.consent.ask = refuse
    in_turn(server, asks(("add", '{"a": 2, "b": 3}')), reply("Five."))
    assert await workshop.send(server, clock)
    assert len(server.requests) == 1
    assert [call.name for call in workshop.conversation.waiting_calls()] == ["add"]
    workshop.consent.ask = say_yes
    assert await workshop.go_on(server, clock) is None
    assert server.requests[1]["messages"][-1]["content"] == "5"
    assert workshop.conversation.waiting_calls() == ()


async def test_a_call_that_nobody_ran_has_a_result_all_the_same(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    workshop.settings = ToolSettings()
    in_turn(server, asks(("add", "{}")), reply("Fine."))
    workshop.consent.ask = refuse
    await workshop.send(server, clock)
    await workshop.send(server, clock, text="never mind")
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["user", "assistant", "tool", "user"]
    assert "not run" in server.requests[1]["messages"][2]["content"]


@pytest.mark.parametrize(
    ("limits", "words", "requests"),
    [
        (ToolSettings(enabled=("shipped",), rounds=3), "3 rounds", 4),
        (ToolSettings(enabled=("shipped",), budget_tokens=24), "24 tokens", 2),
    ],
)
async def test_a_model_that_never_stops_is_stopped(
    workshop: Workshop,
    server: LoopbackServer,
    clock: Clock,
    limits: ToolSettings,
    words: str,
    requests: int,
) -> None:
    workshop.settings = limits
    in_turn(server, asks(("calculate", '{"expression": "1+1"}')))
    why = await workshop.send(server, clock)
    assert why is not None
    assert words in why
    assert len(server.requests) == requests
    assert workshop.conversation.waiting_calls() != ()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or " Z " not in state.read_text()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("never came")


async def test_calls_wait_for_a_place_and_their_time_starts_with_it(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    workshop.settings = ToolSettings(enabled=("tools:mine.py",), processes=2, timeout_s=5)
    in_turn(server, asks(*[("span", "{}")] * 20), reply("Done."))
    await workshop.send(server, clock)
    outputs = [part.output for part in workshop.results()]
    assert len(outputs) == 20
    assert not [output for output in outputs if output.startswith("Error")]
    spans = [tuple(map(float, output.split())) for output in outputs]
    assert max(sum(start <= at < end for start, end in spans) for at, _ in spans) <= 2


async def test_cancelling_kills_the_tool_and_what_it_started(
    workshop: Workshop, server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    marker = tmp_path / "pids"
    in_turn(server, asks(("hang", json.dumps({"marker": str(marker)}))), reply("?"))
    turn = asyncio.create_task(workshop.send(server, clock))
    await until(lambda: marker.exists() and marker.read_text().count(" "))
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    pids = [int(pid) for pid in marker.read_text().split()]
    await until(lambda: not any(is_running(pid) for pid in pids))
    (part,) = workshop.results()
    assert part.state is ToolCallState.INTERRUPTED
    assert len(server.requests) == 1


async def test_a_tool_that_takes_too_long_is_killed_and_told(
    workshop: Workshop, server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    marker = tmp_path / "pids"
    workshop.settings = ToolSettings(enabled=("tools:mine.py",), timeout_s=4)
    in_turn(server, asks(("hang", json.dumps({"marker": str(marker)}))), reply("Pity."))
    await workshop.send(server, clock)
    assert "after 4 s" in server.requests[1]["messages"][-1]["content"]
    pids = [int(pid) for pid in marker.read_text().split()]
    await until(lambda: not any(is_running(pid) for pid in pids))


async def test_a_call_that_may_have_run_is_not_run_again(
    workshop: Workshop, server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    workshop.consent.ask = refuse
    in_turn(server, asks(("add", '{"a": 1, "b": 1}')), reply("Hm."))
    await workshop.send(server, clock)
    # As it would be found after a crash while the tool ran.
    message = workshop.conversation.messages[-1]
    (part,) = message.parts
    assert isinstance(part, ToolResultPart)
    running = replace(message, parts=(replace(part, state=ToolCallState.RUNNING),))
    await store.update_message(running)
    workshop.conversation = await workshop.archive.open(workshop.conversation.session.id)
    workshop.conversation.tree.add(running)
    workshop.consent.ask = say_yes
    await workshop.go_on(server, clock)
    assert "may have had effects" in server.requests[1]["messages"][-1]["content"]
    assert workshop.results()[0].state is ToolCallState.INTERRUPTED


async def test_long_and_binary_results_are_cut_and_kept(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, asks(("long", "{}"), ("picture", "{}")), reply("Nice."))
    await workshop.send(server, clock)
    long, picture = server.requests[1]["messages"][-2:]
    assert len(long["content"]) < 51_000
    assert "50,000 of 100,000" in long["content"]
    assert "image/png 2×3" in picture["content"]
    (file,) = workshop.results()[1].files
    assert Path(file.path).read_bytes().startswith(b"\x89PNG")
    assert Path(file.path).stat().st_mode & 0o077 == 0


CALL = ToolCall("c", "function", "read_file", '{"path": "docs/a.md"}')
TOOL = Tool("read_file", "", "{}", "shipped", "read_file")


async def nobody(_wanted: CallToDecide) -> Decision:
    return Decision(False, "asked")


async def decide(rules: tuple[ConsentRule, ...], tool: Tool = TOOL, arguments: str = "") -> str:
    ask: AskPerson = nobody
    call = ToolCall("c", "function", tool.own_name, arguments or CALL.arguments)
    decision = await Consent(lambda: rules, ask).decide(CallToDecide("s", call, tool))
    return ("yes " if decision.allows else "no ") + decision.by


@pytest.mark.parametrize(
    ("rule", "arguments", "answer"),
    [
        (ConsentRule("shipped/read_file", True, (("path", "docs/*"),)), "", "yes a rule"),
        (ConsentRule("shipped/*", True, (("path", "**"),)), "", "yes a rule"),
        (ConsentRule("shipped/read_file", True, (("path", "src/*"),)), "", "no asked"),
        (ConsentRule("shipped/read_file", True), "", "no asked"),
        (
            ConsentRule("shipped/read_file", True, (("path", "docs/*"),)),
            '{"path": "docs/a", "mode": "w"}',
            "no asked",
        ),
        (ConsentRule("mcp:evil/read_file", True, (("path", "*"),)), "", "no asked"),
        (ConsentRule("shipped/*", False), "", "no a rule"),
        (ConsentRule("shipped/read_file", False, (("path", "secret/*"),)), "", "no asked"),
    ],
)
async def test_a_rule_allows_what_it_names_and_nothing_more(
    rule: ConsentRule, arguments: str, answer: str
) -> None:
    assert (await decide((rule,), arguments=arguments)).startswith(answer)


async def test_no_rule_allows_a_tool_that_always_asks() -> None:
    command = Tool("run_command", "", "{}", "shipped", "run_command", always_asks=True)
    rule = ConsentRule("*/*", True, (("command", "*"),))
    assert await decide((rule,), command, '{"command": ["ls"]}') == "no asked"


async def test_a_word_for_the_session_holds_for_the_tool_as_it_was_described() -> None:
    consent = Consent(lambda: (), nobody)
    consent.grant("s", TOOL)
    assert (await consent.decide(CallToDecide("s", CALL, TOOL))).allows
    assert not (await consent.decide(CallToDecide("other", CALL, TOOL))).allows
    changed = Tool("read_file", "Now it writes.", "{}", "shipped", "read_file")
    assert not (await consent.decide(CallToDecide("s", CALL, changed))).allows


def test_an_output_that_is_short_enough_is_left_alone() -> None:
    assert cut("short", 5) == "short"
    assert cut("longer", 5).startswith("longe\n[cut")


@pytest.mark.parametrize("allows", [True, False])
async def test_an_approval_goes_back_to_the_provider(
    workshop: Workshop, server: LoopbackServer, clock: Clock, allows: bool
) -> None:
    async def ask(_wanted: CallToDecide) -> Decision:
        return Decision(allows, "you", "" if allows else "Too wide.")

    workshop.consent.ask = ask
    approval = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "delete_all",
        "arguments": "{}",
        "server_label": "shop",
    }
    hosted = '{"type":"mcp","server_label":"shop","server_url":"https://shop.test/mcp"}'
    session = workshop.conversation.session
    settings = replace(session.settings, tools=(), hosted=(hosted,))
    workshop.conversation.session = replace(session, settings=settings)
    in_turn(server, response(items=(approval,), store=False), response("So be it."))
    await workshop.send(server, clock, api=Api.RESPONSES)
    assert server.requests[0]["tools"] == [json.loads(hosted)]
    answer = server.requests[1]["input"][-1]
    assert answer["type"] == "mcp_approval_response"
    assert (answer["approval_request_id"], answer["approve"]) == ("mcpr_1", allows)
    assert answer.get("reason") == (None if allows else "Too wide.")


async def test_a_fork_takes_calls_and_their_results_along(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, asks(("add", '{"a": 1, "b": 1}')), reply("Two."), reply("Still two."))
    await workshop.send(server, clock)
    last = workshop.conversation.messages[-1]
    workshop.conversation = await workshop.archive.fork(workshop.conversation, last.id)
    await workshop.send(server, clock)
    sent = server.requests[2]["messages"]
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert (sent[1]["tool_calls"][0]["id"], sent[2]["tool_call_id"]) == ("call_0", "call_0")
    assert sent[2]["content"] == "2"


async def test_a_retry_after_tools_keeps_their_results(
    workshop: Workshop, server: LoopbackServer, clock: Clock
) -> None:
    in_turn(server, asks(("add", '{"a": 1, "b": 1}')), reply("Two."), reply("No tools now."))
    await workshop.send(server, clock)
    async with open_chat(server.base_url, clock) as provider:
        await workshop.conversation.retry(target_of(provider))
    roles = [m["role"] for m in server.requests[2]["messages"]]
    assert roles == ["user", "assistant", "tool"]  # what ran is not run again
    texts = [e.choice(0).text for e in workshop.conversation.exchanges.values()]
    assert "No tools now." in texts
