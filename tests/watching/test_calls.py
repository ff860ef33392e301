"""A watched call becomes an exchange like our own."""

from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role
from tests.watching.watched import chat_stream, open_watched


async def test_a_call_is_saved_as_an_exchange(tmp_path: Path) -> None:
    body = {"model": "test-model", "messages": [{"role": "user", "content": "Where is Oslo?"}]}
    async with open_watched(tmp_path) as watched:
        exchange, session_id = await watched.call(body, chat_stream("In Norway."))
        stored = await watched.session(session_id)
        wire = await watched.store.load_wire(exchange.id)
    assert exchange.api is Api.CHAT
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).finish_reason is FinishReason.STOP
    assert exchange.choice(0).text == "In Norway."
    assert stored.exchanges[exchange.id] == exchange
    assert [message.role for message in stored.branch] == [Role.USER, Role.ASSISTANT]
    assert stored.session.title == "Where is Oslo?"
    assert (stored.session.source, stored.session.client) == (
        "watch",
        "agent/1.0 · python agent.py · pid 4711",
    )
    assert wire.request is not None
    assert len(wire.frames) == exchange.frame_count


async def test_a_growing_history_is_one_session(tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "a?"},
    ]
    async with open_watched(tmp_path) as watched:
        for turn in range(5):
            call = (f"call_{turn}", "look", '{"at": 1}')
            body = {"model": "m", "messages": messages}
            _, session_id = await watched.call(body, chat_stream(f"Turn {turn}", [call]))
            function = {"name": "look", "arguments": '{"at":1}'}
            messages = [
                *messages,
                {
                    "role": "assistant",
                    "content": f"Turn {turn} ",
                    "tool_calls": [{"id": call[0], "type": "function", "function": function}],
                },
                {"role": "tool", "tool_call_id": call[0], "content": f"seen {turn}"},
            ]
        stored = await watched.session(session_id)
        listed = await watched.store.list_sessions()
    assert len(listed) == 1
    assert [m.role for m in stored.branch] == [
        Role.USER,
        *([Role.ASSISTANT, Role.TOOL] * 5)[:-1],
    ]
    assert len(stored.messages) == len(stored.branch)
    assert len(stored.exchanges) == 5
