"""A session that has some of everything, as one that was read from the file."""

from datetime import UTC, datetime, timedelta

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import (
    Api,
    Choice,
    Citation,
    Exchange,
    ExchangeState,
    Retry,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    FilePart,
    ImagePart,
    Message,
    ReplySource,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.session import Parameters, Schema, Session, SessionSettings
from replyscope.domain.shared import Shared

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def exchange(key: str, *choices: Choice, seconds: int = 0) -> Exchange:
    """One that is over, with figures."""
    return Exchange(
        id=key,
        api=Api.CHAT,
        endpoint="work",
        base_url="https://llm.test/v1",
        model="gpt-6-sol",
        started_at=AT + timedelta(seconds=seconds),
        state=ExchangeState.COMPLETED,
        choices=choices,
        usage=Usage(1_204, 512, 1_716, 768, None, 64),
        estimated_cost_usd=0.0041,
        timing=Timing(200.0, 400.0, 3_400.0, 3_500.0, (10, 20, 15), 1_000.0, 300.0, 900.0),
        answered_model="gpt-6-sol-2026-10",
        response_id=f"resp_{key}",
        status=200,
        headers=(("x-ratelimit-remaining-tokens", "10"),),
        frame_count=2,
        done_marker=True,
    )


def rich_session(text: str = "It ends at `len(rows) - 1`.") -> Shared:
    """Two answers to one prompt, a tool that ran, three choices, and an error."""
    call = ToolCall("call1", "function", "read_file", '{"path": "parser.py"}')
    calling = Choice(0, "", "I look first.", None, FinishReason.TOOL_CALLS, "tool_calls", (call,))
    sources = (Citation("url_citation", "A page", "https://a.test/x", start=0, end=4),)
    answer = Choice(0, text, finish_reason=FinishReason.LENGTH, citations=sources)
    other = Choice(0, "Another answer.", finish_reason=FinishReason.STOP)
    three = [Choice(n, f"choice {n}", finish_reason=FinishReason.STOP) for n in range(3)]
    fault = Failure("server", "The server failed.", "Retry.", 500, "oops", "req_1")
    broken = Exchange(
        "x5", Api.RESPONSES, "work", "https://llm.test/v1", "gpt-6-sol", AT + timedelta(hours=1),
        ExchangeState.FAILED, (Choice(0, "half", finish_reason=FinishReason.ERROR),),
        failure=fault, retries=(Retry(fault, 1.5),),
    )  # fmt: skip
    result = ToolResultPart(
        "call1", "rows = []", "read_file", allowed_by="you, once",
        started_ms=round(AT.timestamp() * 1000) + 3_600, duration_ms=12.0,
    )  # fmt: skip
    picture = ImagePart("p.png", "image/png", PNG)
    parts = (TextPart("Why?"), FilePart("log.txt", "line\n" * 3), picture)
    messages = (
        _message("u1", Role.USER, None, 0, *parts),
        _reply("a1", "u1", 1, ("x1", 0)),
        _message("t1", Role.TOOL, "a1", 2, result),
        _reply("a2", "t1", 3, ("x2", 0)),
        _reply("a3", "t1", 4, ("x3", 0)),
        _message("u2", Role.USER, "a2", 5, TextPart("And three more?")),
        *(_reply(f"c{n}", "u2", 6 + n, ("x4", n)) for n in range(3)),
        _message("u3", Role.USER, "c1", 10, TextPart("Once more.")),
        _reply("a5", "u3", 11, ("x5", 0)),
    )
    exchanges = [
        exchange("x1", calling),
        exchange("x2", answer, seconds=3),
        exchange("x3", other, seconds=4),
        exchange("x4", *three, seconds=6),
        broken,
    ]
    settings = SessionSettings(
        "work", "gpt-6-sol", "Be brief.", Parameters(max_tokens=512, metadata=(("a", "b"),)),
        Schema("s", "{}"), ("current_time",), ('{"type": "web_search"}',),
    )  # fmt: skip
    session = Session("rich", "Parser bug", AT, AT + timedelta(hours=1), settings, "a5", True)
    body = b'{"model": "gpt-6-sol", "messages": [{"role": "user", "content": "Why?"}]}'
    sent = RequestSent("POST", "https://llm.test/v1/chat/completions", (("a", "b"),), body)
    frames = (WireFrame(200.0, 'data: {"x": "\u4eac"}\n\n'), WireFrame(3_400.0, "data: [DONE]\n\n"))
    records = {e.id: WireRecord(None, ()) for e in exchanges} | {"x1": WireRecord(sent, frames)}
    return Shared(session, messages, {e.id: e for e in exchanges}, ("work",), records)


def _message(key: str, role: Role, parent: str | None, seconds: int, *parts: object) -> Message:
    return Message(key, role, parts, AT + timedelta(seconds=seconds), parent)  # type: ignore[arg-type]


def _reply(key: str, parent: str, seconds: int, *sources: tuple[str, int]) -> Message:
    named = tuple(ReplySource(exchange_id, choice) for exchange_id, choice in sources)
    return Message(key, Role.ASSISTANT, (), AT + timedelta(seconds=seconds), parent, named)
