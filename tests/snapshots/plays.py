"""How a person gets to each screen and dialog: what is pressed, and what is waited for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import openai
from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.domain.watched import Client, WatchedRequest
from replyscope.engine.watching.held_calls import HeldCall, Verdict
from replyscope.engine.watching.request_facts import request_facts
from replyscope.provider.watched_wire import WatchedWire
from tests.engine.test_tools import asks
from tests.snapshots.archive import COMET, TIDES, VERSE
from tests.snapshots.stage import Stage, open_saved, quiet, see
from tests.support.responses import response
from tests.support.server import Answer, delta, error, reply, sse
from tests.ui.app import chat_of, until
from tests.ui.test_chat import is_idle, send, type_text

Play = Callable[[Pilot[None], Stage], Awaitable[None]]
_DRAFT = "New session"
"""What the list of sessions says once a draft was saved, which it is after a moment."""


async def nothing(pilot: Pilot[None], _stage: Stage) -> None:
    await see(pilot, "Ask anything")


async def first_run(pilot: Pilot[None], _stage: Stage) -> None:
    await see(pilot, "No server found")


async def first_run_key(pilot: Pilot[None], stage: Stage) -> None:
    await first_run(pilot, stage)
    await pilot.press("end", "up", "up", "enter")
    await see(pilot, "Your OpenAI API key")


async def install(pilot: Pilot[None], stage: Stage) -> None:
    await first_run(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "downloading")


async def read(pilot: Pilot[None], _stage: Stage, session_id: str, text: str) -> None:
    await open_saved(pilot, session_id, text)


long = partial(read, session_id=TIDES, text="cut off at the limit")


async def reading(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await pilot.press("f4", "f5", "escape", "g", "j", "space")
    await see(pilot, "The difference of the pulls")


async def find(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await pilot.press("ctrl+f", *"bulge")
    await quiet(pilot)
    await pilot.press("enter", "n")
    await see(pilot, "2. a bulge on the opposite side")


async def tool_call(pilot: Pilot[None], stage: Stage) -> None:
    """The cursor is on the reply that asked for the tool."""
    await long(pilot, stage)
    await pilot.press("escape", "k", "k", "k")


async def tab(pilot: Pilot[None], stage: Stage, name: str, text: str, first: Play = long) -> None:
    await first(pilot, stage)
    chat_of(pilot).groups.reading.inspector.open_tab(name)
    await see(pilot, text)


tools_tab = partial(tab, name="tools", text="by you, once", first=tool_call)


async def wire(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await pilot.press("f7")
    await see(pilot, "[DONE]")


async def wire_frame(pilot: Pilot[None], stage: Stage) -> None:
    await wire(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "Frame 1 of")


async def time(pilot: Pilot[None], stage: Stage) -> None:
    await read(pilot, stage, VERSE, "without a clock")
    await pilot.press("escape", "L")
    await see(pilot, "waiting", "tok/s")


async def streaming(pilot: Pilot[None], stage: Stage) -> None:
    begun = sse(delta("# Fog\n\nFog is a cloud that **lies** on the"), done=False)
    stage.server.answer = lambda _request: Answer(chunks=[*begun, stage.gate])
    await send(pilot, "What is fog?")
    await see(pilot, "that lies on the")
    await pilot.press("f4", "f4")  # the figures are drawn each fifth time: draw them now


async def queued(pilot: Pilot[None], stage: Stage) -> None:
    await streaming(pilot, stage)
    await send(pilot, "And what is mist?")
    await see(pilot, "1 queued")


async def failed(pilot: Pilot[None], stage: Stage) -> None:
    stage.server.answer = lambda _request: error(429, "You are over your quota.")
    await send(pilot, "What is fog?")
    await see(pilot, "over your quota")
    await until(pilot, lambda: is_idle(pilot))


async def notice(pilot: Pilot[None], _stage: Stage) -> None:
    await send(pilot, "/undo")
    await see(pilot, "There is nothing to undo.")


async def consent(pilot: Pilot[None], stage: Stage) -> None:
    call = ("read_file", json.dumps({"path": "tides.txt"}))
    stage.server.answer = lambda _request: asks(call)
    await offer_read_file(pilot)
    await send(pilot, "When is high water?")
    await see(pilot, "reads one file of the working folder")
    await until(pilot, lambda: chat_of(pilot).query_one("#consent").has_focus, "the pause")


async def offer_read_file(pilot: Pilot[None]) -> None:
    """Tick the tool in its dialog; it is the fifth."""
    await pilot.press("f10")
    await see(pilot, "Tools available to the model", "read_file")
    await pilot.press("home", *["down"] * 4, "space", "enter")
    await until(pilot, lambda: chat_of(pilot).desk.conversation.session.settings.tools, "the tool")


async def consent_arguments(pilot: Pilot[None], stage: Stage) -> None:
    await consent(pilot, stage)
    await pilot.press("e")
    await until(pilot, lambda: pilot.app.screen is not chat_of(pilot), "the editor")


async def consent_reason(pilot: Pilot[None], stage: Stage) -> None:
    await consent(pilot, stage)
    await pilot.press("b")
    await see(pilot, "No, because")


async def private(pilot: Pilot[None], _stage: Stage) -> None:
    await send(pilot, "/private")
    await see(pilot, "nothing of this session is written")


async def written(pilot: Pilot[None], stage: Stage) -> None:
    await private(pilot, stage)
    await send(pilot, "What is fog?")
    await see(pilot, "Hello world")
    await until(pilot, lambda: is_idle(pilot))


async def delete_private(pilot: Pilot[None], stage: Stage) -> None:
    await written(pilot, stage)
    await send(pilot, "/delete")
    await see(pilot, "Delete the private session")


async def suggestions(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("/", "r")
    await see(pilot, "/review", "/retry")


async def files(pilot: Pilot[None], stage: Stage) -> None:
    for name in ("notes.txt", "tides.txt"):
        (stage.folder / name).write_text("04:12 high")
    chat_of(pilot).desk.services.working_folder = stage.folder
    await pilot.press("@", "t", "i")
    await see(pilot, "tides.txt", _DRAFT)


async def attached(pilot: Pilot[None], stage: Stage) -> None:
    await files(pilot, stage)
    await pilot.press("tab")
    await see(pilot, "📎")


async def command(
    pilot: Pilot[None], stage: Stage, line: str, text: str, first: Play = nothing
) -> None:
    await first(pilot, stage)
    await send(pilot, line)
    await see(pilot, text)


async def key(
    pilot: Pilot[None], stage: Stage, keys: tuple[str, ...], text: str, first: Play = nothing
) -> None:
    await first(pilot, stage)
    await pilot.press(*keys)
    await see(pilot, text)


async def try_call(pilot: Pilot[None], stage: Stage) -> None:
    """What a call would run with; the session does not offer its tool any more."""
    await tool_call(pilot, stage)
    await pilot.press("T")
    await see(pilot, "try again")
    await pilot.press("down", "down", "enter")
    await see(pilot, "Try read_file with")


async def tried_call(pilot: Pilot[None], stage: Stage) -> None:
    await try_call(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "not among this session")


async def edit(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await pilot.press("escape", "k", "e")
    await until(pilot, lambda: "spring tides" in chat_of(pilot).panes.composer.text, "the message")


async def sidebar(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("ctrl+o", "j", "j")


async def responses(pilot: Pilot[None], stage: Stage) -> None:
    stage.server.answer = lambda _request: response("Fog is a cloud.", response_id="resp_fog")
    await send(pilot, "What is fog?")
    await see(pilot, "Fog is a cloud.")
    await until(pilot, lambda: is_idle(pilot))


async def stored(pilot: Pilot[None], stage: Stage) -> None:
    await responses(pilot, stage)
    await send(pilot, "/responses")
    await see(pilot, "resp_fog")


async def no_room(pilot: Pilot[None], stage: Stage) -> None:
    """A message that the model's window has no room for."""
    stage.server.models_body = json.dumps(
        {"data": [{"id": "harbour-large", "object": "model", "context_length": 600}]}
    )
    await pilot.press("f2")
    await see(pilot, "Choose a model", "600")
    await pilot.press("escape")
    await send(pilot, "tide " * 2_000)
    await see(pilot, "exceed the context window", _DRAFT)


async def export(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await send(pilot, "/export")
    await see(pilot, "Export session as")


async def export_path(pilot: Pilot[None], stage: Stage) -> None:
    await export(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "Export to file")


async def import_file(pilot: Pilot[None], stage: Stage) -> None:
    chat = {
        "format": "replyscope/1",
        "id": "one",
        "title": "One more",
        "created_at": 0,
        "updated_at": 0,
        "messages": [{"id": "one-m", "role": "user", "created_at": 0, "parts": []}],
    }
    (stage.folder / "more.json").write_text(json.dumps(chat))
    chat_of(pilot).desk.services.working_folder = stage.folder
    await send(pilot, "/import more.json")
    await see(pilot, "save these sessions")


async def review(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("f3")
    await see(pilot, "1/9 replies", "The reply was cut off")
    await quiet(pilot)


async def query(pilot: Pilot[None], stage: Stage, text: str, shown: tuple[str, ...]) -> None:
    """Write a query at once: what its beginning finds is never shown."""
    await review(pilot, stage)
    pilot.app.screen.query_one("#query", Input).value = text
    await see(pilot, *shown)


async def facets(pilot: Pilot[None], stage: Stage) -> None:
    await review(pilot, stage)
    await pilot.press("enter", "2")
    await see(pilot, "finish:content_filter", "1/1 reply", "How many gears had")


async def review_sessions(pilot: Pilot[None], stage: Stage) -> None:
    await review(pilot, stage)
    await pilot.press("enter", "v")
    await see(pilot, "1/5 sessions")
    await quiet(pilot)
    await pilot.press("space")
    await see(pilot, "What do harbour dues pay for?")
    await quiet(pilot)
    await pilot.press("down")
    await see(pilot, "Write two lines about the sea.")


async def review_wire(pilot: Pilot[None], stage: Stage) -> None:
    await review(pilot, stage)
    await pilot.press("enter", "f7")
    await see(pilot, "POST")


async def deleted(pilot: Pilot[None], stage: Stage) -> None:
    await query(pilot, stage, "is:deleted", ("1/1 reply", "The model finished its"))


async def purge(pilot: Pilot[None], stage: Stage) -> None:
    await deleted(pilot, stage)
    await pilot.press("enter", "X")
    await see(pilot, "There is no undo")


async def numbers(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("f9")
    await see(pilot, "cost unknown")


async def numbers_cost(pilot: Pilot[None], stage: Stage) -> None:
    await numbers(pilot, stage)
    await pilot.press("3")
    await see(pilot, "■ reported")


async def compare(pilot: Pilot[None], stage: Stage) -> None:
    await long(pilot, stage)
    await pilot.press("escape", "D")
    await see(pilot, "Compare 1 harbour-large and 2 harbour-small")


async def replay(pilot: Pilot[None], stage: Stage) -> None:
    await read(pilot, stage, VERSE, "without a clock")
    await pilot.press("escape", "P")
    await see(pilot, " of 1")
    await pilot.press("space", *["full_stop"] * 6)


async def palette(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("ctrl+p")
    await see(pilot, "Search for commands")
    await pilot.press(*"rep")
    await see(pilot, "Replay")


async def ascii(pilot: Pilot[None], stage: Stage) -> None:
    await read(pilot, stage, COMET, "suisei")


async def draft(pilot: Pilot[None], _stage: Stage) -> None:
    await type_text(pilot, "Three lines\nof a message\nthat is not sent.")
    await see(pilot, _DRAFT)


async def watch_waiting(pilot: Pilot[None], _stage: Stage) -> None:
    await send(pilot, "/watch")
    await see(pilot, "Waiting for calls", "OPENAI_BASE_URL")


async def watch(pilot: Pilot[None], stage: Stage) -> None:
    """A program has made four calls: one was cut, one failed, and one asked for no reply."""
    answers = [reply("The Moon pulls on the water."), reply("The far", finish="length")]
    answers.append(error(429, "You are over your quota."))
    stage.server.answer = lambda _request: answers.pop(0)
    await watch_waiting(pilot, stage)
    watching = chat_of(pilot).desk.watching
    assert watching is not None
    assert watching.address is not None
    async with openai.AsyncOpenAI(
        base_url=watching.address.base_url, api_key="sk-program", max_retries=0
    ) as client:
        for number, text in enumerate(("Why are there tides?", "And the far side?", "Why?")):
            with suppress(openai.RateLimitError):
                asked: Any = [{"role": "user", "content": text}]
                stream = await client.chat.completions.create(
                    model="harbour-large", messages=asked, stream=True
                )
                assert [chunk async for chunk in stream]
            await see(pilot, f"{number + 1} call")
            await until(pilot, lambda: watching.log.is_quiet)
        await client.models.list()
    await see(pilot, "4 calls", "GET /models")
    await pilot.press("k", "k")
    await see(pilot, "held, 2 newer")


_WAITING: list[asyncio.Task[Verdict]] = []
"""The calls that are held: without a reference to its task a call may end."""


async def watch_held(pilot: Pilot[None], stage: Stage) -> None:
    """A call is held, and its dialog is open."""
    await watch_waiting(pilot, stage)
    watching = chat_of(pilot).desk.watching
    assert watching is not None
    body = {
        "model": "harbour-large",
        "messages": [
            {"role": "system", "content": "You are a careful agent."},
            {"role": "user", "content": "Delete the old branch.\nThen push."},
            {"role": "tool", "tool_call_id": "c1", "content": "On branch main, 2 commits ahead."},
        ],
        "tools": [{"type": "function", "function": {"name": name}} for name in ("bash", "edit")],
        "stream": True,
    }
    request = WatchedRequest(
        "held-1", datetime(2026, 3, 1, 12, tzinfo=UTC), "harbour", "http://127.0.0.1:1/v1", "POST",
        "/chat/completions", "", (), json.dumps(body).encode(), Client(name="agent"),
    )  # fmt: skip
    held = HeldCall(request, request_facts(WatchedWire(), request), json.dumps(body, indent=2))

    async def accept(verdict: Verdict) -> Verdict:
        return verdict

    _WAITING.append(asyncio.create_task(watching.held.decide(held, accept)))
    await see(pilot, "1 call held")
    await pilot.press("h")
    await see(pilot, "Held: agent", "bash, edit")


async def watch_held_then(pilot: Pilot[None], stage: Stage, key: str, text: str) -> None:
    await watch_held(pilot, stage)
    await pilot.press(key)
    await see(pilot, text)


watch_edited = partial(watch_held_then, key="e", text="Edit the request")
watch_refused = partial(watch_held_then, key="r", text="Refuse the call")
watch_answered = partial(watch_held_then, key="a", text="Answer with a recorded reply")
