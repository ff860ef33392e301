"""Tools, their servers, and consent on a desk, without a terminal."""

import json
from pathlib import Path

from replyscope.domain.exchange import ToolCall
from replyscope.domain.message import ToolResultPart
from replyscope.domain.tool import Tool, ToolCallState
from replyscope.engine.consent import CallToDecide
from replyscope.ui.chat.consent_card import Answer as CardAnswer
from tests.support.server import Answer as ServerAnswer
from tests.support.server import LoopbackServer, delta, sse, usage
from tests.ui.chat.bench import Bench, on_bench


async def test_the_chosen_tools_are_offered_from_the_next_message_on(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.answer((("read_file",), ()))
        bench.tools.choose_tools()
        await bench.host.quiet()
        await bench.say("hi")
        assert [t["function"]["name"] for t in server.requests[-1]["tools"]] == ["read_file"]


async def test_a_call_that_waits_is_answered_by_hand(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await _ask_for_a_call(bench, server)
        bench.answer("answer by hand", "it is noon")
        bench.tools.open_call()
        await bench.host.quiet()
        assert bench.told[-1] == "[t] send it to the model"
        last = bench.desk.conversation.messages[-1]
        assert [part.output for part in last.parts if isinstance(part, ToolResultPart)] == [
            "it is noon"
        ]


async def test_tools_run_only_when_a_call_waits(server: LoopbackServer, tmp_path: Path) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        bench.tools.run_tools()
        await bench.host.quiet()
        assert bench.told == ["No tool call waits in this session."]
        assert len(server.requests) == 1


async def _ask_for_a_call(bench: Bench, server: LoopbackServer) -> None:
    """The model asks for a tool that this session does not offer: the call waits."""
    function = {"name": "clock", "arguments": "{}"}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    server.answer = lambda _request: ServerAnswer(
        chunks=sse(delta(tool_calls=[call]), delta(finish="tool_calls"), usage())
    )
    await bench.say("What time is it?")
    (waiting,) = bench.desk.conversation.waiting_calls()
    assert waiting.name == "clock"


async def test_a_hosted_tool_is_checked_before_it_is_offered(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.tools.offer_hosted("{")
        assert "This is not JSON" in bench.told[-1]
        bench.tools.offer_hosted('{"type": "web_search"}')
        assert bench.desk.conversation.session.settings.hosted == ('{"type": "web_search"}',)


async def test_without_servers_there_is_nothing_to_attach_and_no_prompt(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.servers.attach_resource()
        await bench.host.quiet()
        assert "No server of this session has any" in bench.told[-1]
        bench.servers.use_prompt("time:greet")
        await bench.host.quiet()
        assert "There is no command /time:greet" in bench.told[-1]
        assert bench.servers.prompt_rows("/", lambda: None) == []


def _call(path: str) -> CallToDecide:
    call = ToolCall(
        "call_1",
        "function",
        "read_file",
        json.dumps({"path": path}),
        state=ToolCallState.REQUESTED,
    )
    tool = Tool("read_file", "", "{}", "shipped", "read_file", "reads one file")
    return CallToDecide("session", call, tool)


async def test_each_answer_on_the_card_is_a_decision(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        decided = {}
        for answer in (CardAnswer.ONCE, CardAnswer.SESSION, CardAnswer.NO):
            decided[answer] = await bench.decisions.decide(_call("a.txt"), answer)
        allows = [decision is not None and decision.allows for decision in decided.values()]
        assert allows == [True, True, False]


async def test_a_no_with_a_reason_that_is_cancelled_decides_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.answer(None, "not this file")
        assert await bench.decisions.decide(_call("a.txt"), CardAnswer.BECAUSE) is None
        decision = await bench.decisions.decide(_call("a.txt"), CardAnswer.BECAUSE)
        assert decision is not None
        assert (decision.allows, decision.reason) == (False, "not this file")


async def test_a_rule_whose_patterns_do_not_match_the_call_is_not_saved(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.answer("path = b.txt")
        assert await bench.decisions.decide(_call("a.txt"), CardAnswer.ALWAYS) is None
        assert bench.told == ["The patterns do not match this call. Nothing was saved."]
