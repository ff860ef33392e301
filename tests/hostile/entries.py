"""Where text of unknown origin comes in: each way as one function of bytes.

Each does all that the program does with it, and raises nothing, whatever the bytes are.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import httpx2
from textual.strip import Strip

from replyscope.cli.system import SystemClock
from replyscope.cli.wiring import translate_frames
from replyscope.config.look import read_look
from replyscope.config.mcp import parse_servers
from replyscope.config.settings import parse_settings
from replyscope.config.themes import read_theme
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ImportFault, SettingsError
from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.facts import Facts
from replyscope.domain.fold import fold_events
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, shared_of
from replyscope.domain.matching import check_query, matches
from replyscope.domain.message import Role, TextPart
from replyscope.domain.printable import is_printable_line
from replyscope.domain.query import QueryError, parse_query
from replyscope.domain.search import Search, Sort
from replyscope.domain.shared import Form
from replyscope.engine.importing import import_batch
from replyscope.engine.recovery import refold
from replyscope.engine.rules import usable
from replyscope.engine.sharing import Sharing
from replyscope.inspection.explain import explain
from replyscope.inspection.facts import facts_of
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.json_view import exchange_object
from replyscope.inspection.report import exchange_lines, session_report
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.timeline import timeline_of
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.responses import Responses
from replyscope.store.codec import decode_exchange, encode_exchange
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from replyscope.ui.markdown.document import MarkdownDocument
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.theming import build_themes
from tests.hostile.bounds import bounded
from tests.support.build import NOON, Memory, ask, collect, make_exchange
from tests.support.importing import read_file

_NOON = NOON.astimezone()
PALETTE = Palette()
_MOST_DRAWN = 20


def reply_to(api: Api, status: int, kind: str, body: bytes) -> Exchange:
    """What the real SDK and our provider make of an answer, looked at from each side."""
    return asyncio.run(_reply_to(api, status, kind, body))


async def _reply_to(api: Api, status: int, kind: str, body: bytes) -> Exchange:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind}, content=body)

    endpoint = Endpoint("test", "http://test.invalid/v1", api, max_retries=0)
    dialect = Responses() if api is Api.RESPONSES else ChatCompletions()
    memory = Memory()
    provider = OpenAIProvider(
        dialect,
        endpoint,
        "sk-planted-key-123",
        SystemClock(),
        memory.recall,
        memory.remember,
        httpx2.MockTransport(answer),
    )
    opening = make_exchange(api=api)
    events = await collect(provider, ask())
    await provider.aclose()
    exchange = fold_events(opening, events)
    _look_at(exchange)
    frames = [event for event in events if isinstance(event, WireFrame)]
    with suppress(ValueError):  # a frame that is no JSON ends a recovery too, and is told
        refold(opening, frames, translate_frames)
    return exchange


def _look_at(exchange: Exchange) -> None:
    json.dumps(exchange_object(exchange)).encode()
    assert decode_exchange(encode_exchange(exchange)) == exchange
    for choice in exchange.choices:
        explain(exchange, choice.index)
    for line in [*exchange_lines(exchange), *find_oddities(exchange)]:
        assert isinstance(line, str)
    timeline_of(exchange, (), {})
    facts_of(exchange, ())


def chat_stream(data: bytes) -> None:
    """Server-sent events of Chat Completions."""
    reply_to(Api.CHAT, 200, "text/event-stream", data)


def response_stream(data: bytes) -> None:
    """Server-sent events of Responses."""
    reply_to(Api.RESPONSES, 200, "text/event-stream", data)


def chat_body(data: bytes) -> None:
    """A completion that is not streamed, and the same as an error."""
    reply_to(Api.CHAT, 200, "application/json", data)
    reply_to(Api.CHAT, 400, "application/json", data)


def response_body(data: bytes) -> None:
    """A response that is not streamed, and the same as an error."""
    reply_to(Api.RESPONSES, 200, "application/json", data)
    reply_to(Api.RESPONSES, 500, "text/html", data)


def settings(data: bytes) -> None:
    """settings.toml."""
    text = data.decode("utf-8", "replace")
    with suppress(SettingsError):
        usable(parse_settings(text, Path("settings.toml")).rules)
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(data)
        read_look(Path(file.name))


def theme(data: bytes) -> None:
    """A theme file."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(data)
        with suppress(SettingsError):
            build_themes([read_theme(Path(file.name))])


def servers(data: bytes) -> None:
    """mcp.json, and what a person pastes."""
    with suppress(ValueError):
        parse_servers(data.decode("utf-8", "replace"))


def _check_place(at: int, text: str) -> None:
    assert 0 <= at <= len(text)


def query(data: bytes) -> None:
    """The query language: refused with a place, or a search that runs."""
    text = data.decode("utf-8", "replace")
    try:
        parsed = parse_query(text)
        check_query(parsed)
    except QueryError as error:
        _check_place(error.at, text)
        return
    index, facts = _searchable()
    hits = asyncio.run(index.find(Search(parsed, _NOON, Sort.TIME)))
    found = {hit.session_id for hit in hits}
    assert found == {key for key, fact in facts.items() if matches(parsed, fact, _NOON)}


@lru_cache(maxsize=1)
def _searchable() -> tuple[SqliteSearchIndex, dict[str, Facts]]:
    """Two saved replies, and what they can be found by."""
    store = SqliteStore(None, "w")
    facts: dict[str, Facts] = {}

    async def fill() -> None:
        await store.open()
        for name, said in (("one", "alpha beta 東京都庁 Zürich"), ("two", "gamma a b c")):
            turns = (
                ForeignTurn(f"{name}u", Role.USER, (TextPart(f"ask {said}"),), NOON),
                ForeignTurn(f"{name}a", Role.ASSISTANT, (TextPart(said),), NOON, f"{name}u", "m-1"),
            )
            shared = shared_of(ForeignConversation("llm", name, f"Title {name}", NOON, turns))
            await store.import_session(shared)
            exchange = next(iter(shared.exchanges.values()))
            fact = facts_of(exchange, turns[0].parts)
            facts[shared.session.id] = replace(fact, title=f"Title {name}", tags=("llm",))

    asyncio.run(fill())
    index = SqliteSearchIndex(lambda: store.database, facts_of)
    asyncio.run(index.update())
    return index, facts


def imported(data: bytes, suffix: str = ".json") -> None:
    """A file to import: taken in, shown, searched and handed on again."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        Path(file.name).write_bytes(data)
        with suppress(ImportFault):
            asyncio.run(_take_in(Path(file.name)))


async def _take_in(path: Path) -> None:
    batch = read_file(path)
    store = SqliteStore(None, "w")
    await store.open()
    try:
        done = await import_batch(batch, store, is_dry=False)
        assert all(isinstance(failed.name, str) for failed in done.failed)
        index = SqliteSearchIndex(lambda: store.database, facts_of)
        await index.update()
        for summary in await store.list_sessions():
            stored = await store.load_session(summary.id)
            session_report(stored.branch, stored.exchanges).encode("utf-8", "replace")
            for exchange in stored.exchanges.values():
                _look_at(exchange)
            for form in Form:
                pieces: list[str] = []
                await Sharing(store).export([summary.id], form, pieces.append, Redactor())
    finally:
        await store.close()


def stream_file(data: bytes) -> None:
    """A recorded stream as a file."""
    imported(data, ".sse")


def markdown(data: bytes) -> None:
    """Markdown, whole and in pieces, drawn at several widths."""
    text = data.decode("utf-8", "replace").replace("\ufffd", "\ud800")
    drawn(text, (3, 11, 1))


def drawn(text: str, steps: tuple[int, ...]) -> None:
    """The same blocks whatever the steps, and lines that can only be drawn.

    Reading it all has a limit of its own, and so has drawing one block: the view draws no
    more blocks than it shows.
    """
    with bounded():
        whole = MarkdownDocument(text)
        blocks = whole.blocks
    pieces = MarkdownDocument()
    at = turn = 0
    with bounded():
        while at < len(text):
            step = max(steps[turn % len(steps)], len(text) // 50)
            pieces.feed(text[at : at + step])
            at, turn = at + step, turn + 1
    assert pieces.blocks == blocks
    for width in (3, 12, 80):
        for block in blocks[:_MOST_DRAWN]:
            with bounded():
                strips = whole.draw(block, width, PALETTE)
            for strip in strips:
                _check_strip(strip)


def _check_strip(strip: Strip) -> None:
    assert is_printable_line(strip.text), strip.text
    assert all(style is None or style.link is None for _, style, _ in strip)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "chat_stream": chat_stream,
    "response_stream": response_stream,
    "chat_body": chat_body,
    "response_body": response_body,
    "settings": settings,
    "theme": theme,
    "servers": servers,
    "query": query,
    "imported": imported,
    "stream_file": stream_file,
    "markdown": markdown,
}
