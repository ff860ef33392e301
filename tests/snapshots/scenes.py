"""Every screen and dialog, and how a person gets there."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.domain.exchange import Api
from tests.engine.test_tools import asks
from tests.snapshots.archive import COMET, HARBOUR, TIDES, VERSE
from tests.snapshots.stage import Stage, open_saved, quiet, see
from tests.support.responses import response
from tests.support.server import Answer, delta, error, sse
from tests.ui.app import chat_of, until
from tests.ui.test_chat import is_idle, send, type_text

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
Size = tuple[int, int]
Play = Callable[[Pilot[None], Stage], Awaitable[None]]
_DRAFT = "New session"
"""What the list of sessions says once a draft was saved, which it is after a moment."""
DARK, LIGHT = "midnight", "paper"


@dataclass(frozen=True)
class Scene:
    """What is pressed, and the sizes and themes in which it is looked at."""

    name: str
    play: Play
    sizes: tuple[Size, ...] = (MIDDLE,)
    theme: str = DARK
    changes: dict[str, Any] = field(default_factory=dict)

    def takes(self) -> Iterator[tuple[str, "Scene", Size]]:
        """Each picture: its name, and the size."""
        for size in self.sizes:
            theme = "" if self.theme == DARK else f"-{self.theme}"
            yield f"{self.name}-{size[0]}x{size[1]}{theme}", self, size


async def _nothing(pilot: Pilot[None], _stage: Stage) -> None:
    await see(pilot, "Ask anything")


async def _first_run(pilot: Pilot[None], _stage: Stage) -> None:
    await see(pilot, "no server found on this machine")


async def _first_run_key(pilot: Pilot[None], stage: Stage) -> None:
    await _first_run(pilot, stage)
    await pilot.press("end", "up", "up", "enter")
    await see(pilot, "Your OpenAI API key")


async def _install(pilot: Pilot[None], stage: Stage) -> None:
    await _first_run(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "downloading")


async def _read(pilot: Pilot[None], _stage: Stage, session_id: str, text: str) -> None:
    await open_saved(pilot, session_id, text)


_long = partial(_read, session_id=TIDES, text="cut off at the limit")


async def _reading(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await pilot.press("f4", "f5", "escape", "g", "j", "space")
    await see(pilot, "The difference of the pulls")


async def _find(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await pilot.press("ctrl+f", *"bulge")
    await quiet(pilot)
    await pilot.press("enter", "n")
    await see(pilot, "2. a bulge on the opposite side")


async def _tool_call(pilot: Pilot[None], stage: Stage) -> None:
    """The cursor is on the reply that asked for the tool."""
    await _long(pilot, stage)
    await pilot.press("escape", "k", "k", "k")


async def _tab(pilot: Pilot[None], stage: Stage, name: str, text: str, first: Play = _long) -> None:
    await first(pilot, stage)
    chat_of(pilot).inspector.open_tab(name)
    await see(pilot, text)


_tools_tab = partial(_tab, name="tools", text="by you, once", first=_tool_call)


async def _wire(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await pilot.press("f7")
    await see(pilot, "[DONE]")


async def _wire_frame(pilot: Pilot[None], stage: Stage) -> None:
    await _wire(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "Frame 1 of")


async def _time(pilot: Pilot[None], stage: Stage) -> None:
    await _read(pilot, stage, VERSE, "without a clock")
    await pilot.press("escape", "L")
    await see(pilot, "waiting", "tok/s")


async def _streaming(pilot: Pilot[None], stage: Stage) -> None:
    begun = sse(delta("# Fog\n\nFog is a cloud that **lies** on the"), done=False)
    stage.server.answer = lambda _request: Answer(chunks=[*begun, stage.gate])
    await send(pilot, "What is fog?")
    await see(pilot, "that lies on the", "…What is fog?")
    await pilot.press("f4", "f4")  # the figures are drawn each fifth time: draw them now


async def _queued(pilot: Pilot[None], stage: Stage) -> None:
    await _streaming(pilot, stage)
    await send(pilot, "And what is mist?")
    await see(pilot, "1 queued")


async def _failed(pilot: Pilot[None], stage: Stage) -> None:
    stage.server.answer = lambda _request: error(429, "You are over your quota.")
    await send(pilot, "What is fog?")
    await see(pilot, "over your quota")
    await until(pilot, lambda: is_idle(pilot))


async def _notice(pilot: Pilot[None], _stage: Stage) -> None:
    await send(pilot, "/undo")
    await see(pilot, "Nothing was deleted since the start.")


async def _consent(pilot: Pilot[None], stage: Stage) -> None:
    call = ("read_file", json.dumps({"path": "tides.txt"}))
    stage.server.answer = lambda _request: asks(call)
    await _offer_read_file(pilot)
    await send(pilot, "When is high water?")
    await see(pilot, "reads one file of the working folder")
    await until(pilot, lambda: chat_of(pilot).query_one("#consent").has_focus, "the pause")


async def _offer_read_file(pilot: Pilot[None]) -> None:
    """Tick the tool in its dialog; it is the fifth."""
    await pilot.press("f10")
    await see(pilot, "Tools that the model may ask for", "read_file")
    await pilot.press("home", *["down"] * 4, "space", "enter")
    await until(pilot, lambda: chat_of(pilot).conversation.session.settings.tools, "the tool")


async def _consent_arguments(pilot: Pilot[None], stage: Stage) -> None:
    await _consent(pilot, stage)
    await pilot.press("e")
    await until(pilot, lambda: pilot.app.screen is not chat_of(pilot), "the editor")


async def _consent_reason(pilot: Pilot[None], stage: Stage) -> None:
    await _consent(pilot, stage)
    await pilot.press("b")
    await see(pilot, "No, because")


async def _private(pilot: Pilot[None], _stage: Stage) -> None:
    await send(pilot, "/private")
    await see(pilot, "nothing of this session is written")


async def _written(pilot: Pilot[None], stage: Stage) -> None:
    await _private(pilot, stage)
    await send(pilot, "What is fog?")
    await see(pilot, "Hello world")
    await until(pilot, lambda: is_idle(pilot))


async def _delete_private(pilot: Pilot[None], stage: Stage) -> None:
    await _written(pilot, stage)
    await send(pilot, "/delete")
    await see(pilot, "Delete this private session?")


async def _suggestions(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("/", "r")
    await see(pilot, "/review", "/retry")


async def _files(pilot: Pilot[None], stage: Stage) -> None:
    for name in ("notes.txt", "tides.txt"):
        (stage.folder / name).write_text("04:12 high")
    chat_of(pilot).services.working_folder = stage.folder
    await pilot.press("@", "t", "i")
    await see(pilot, "tides.txt", _DRAFT)


async def _attached(pilot: Pilot[None], stage: Stage) -> None:
    await _files(pilot, stage)
    await pilot.press("tab")
    await see(pilot, "📎")


async def _command(
    pilot: Pilot[None], stage: Stage, line: str, text: str, first: Play = _nothing
) -> None:
    await first(pilot, stage)
    await send(pilot, line)
    await see(pilot, text)


async def _key(
    pilot: Pilot[None], stage: Stage, keys: tuple[str, ...], text: str, first: Play = _nothing
) -> None:
    await first(pilot, stage)
    await pilot.press(*keys)
    await see(pilot, text)


async def _try_call(pilot: Pilot[None], stage: Stage) -> None:
    """What a call would run with; the session does not offer its tool any more."""
    await _tool_call(pilot, stage)
    await pilot.press("T")
    await see(pilot, "try again")
    await pilot.press("down", "down", "enter")
    await see(pilot, "Try read_file with")


async def _tried_call(pilot: Pilot[None], stage: Stage) -> None:
    await _try_call(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "not among this session")


async def _edit(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await pilot.press("escape", "k", "e")
    await until(pilot, lambda: "spring tides" in chat_of(pilot).composer.text, "the message")


async def _sidebar(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("ctrl+o", "j", "j")


async def _responses(pilot: Pilot[None], stage: Stage) -> None:
    stage.server.answer = lambda _request: response("Fog is a cloud.", response_id="resp_fog")
    await send(pilot, "What is fog?")
    await see(pilot, "Fog is a cloud.")
    await until(pilot, lambda: is_idle(pilot))


async def _stored(pilot: Pilot[None], stage: Stage) -> None:
    await _responses(pilot, stage)
    await send(pilot, "/responses")
    await see(pilot, "resp_fog")


async def _no_room(pilot: Pilot[None], stage: Stage) -> None:
    """A message that the model's window has no room for."""
    stage.server.models_body = json.dumps(
        {"data": [{"id": "harbour-large", "object": "model", "context_length": 600}]}
    )
    await pilot.press("f2")
    await see(pilot, "Model of harbour", "600")
    await pilot.press("escape")
    await send(pilot, "tide " * 2_000)
    await see(pilot, "This will not fit", _DRAFT)


async def _export(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await send(pilot, "/export")
    await see(pilot, "Export this session as")


async def _export_path(pilot: Pilot[None], stage: Stage) -> None:
    await _export(pilot, stage)
    await pilot.press("enter")
    await see(pilot, "Write to")


async def _import(pilot: Pilot[None], stage: Stage) -> None:
    chat = {
        "format": "replyscope/1",
        "id": "one",
        "title": "One more",
        "created_at": 0,
        "updated_at": 0,
        "messages": [{"id": "one-m", "role": "user", "created_at": 0, "parts": []}],
    }
    (stage.folder / "more.json").write_text(json.dumps(chat))
    chat_of(pilot).services.working_folder = stage.folder
    await send(pilot, "/import more.json")
    await see(pilot, "take them in")


async def _review(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("f3")
    await see(pilot, "1/9 replies", "The reply was cut off")
    await quiet(pilot)


async def _query(pilot: Pilot[None], stage: Stage, text: str, shown: tuple[str, ...]) -> None:
    """Write a query at once: what its beginning finds is never shown."""
    await _review(pilot, stage)
    pilot.app.screen.query_one("#query", Input).value = text
    await see(pilot, *shown)


async def _facets(pilot: Pilot[None], stage: Stage) -> None:
    await _review(pilot, stage)
    await pilot.press("enter", "2")
    await see(pilot, "finish:content_filter", "1/1 reply", "How many gears had")


async def _review_sessions(pilot: Pilot[None], stage: Stage) -> None:
    await _review(pilot, stage)
    await pilot.press("enter", "v")
    await see(pilot, "1/5 sessions")
    await quiet(pilot)
    await pilot.press("space")
    await see(pilot, "What do harbour dues pay for?")
    await quiet(pilot)
    await pilot.press("down")
    await see(pilot, "Write two lines about the sea.")


async def _review_wire(pilot: Pilot[None], stage: Stage) -> None:
    await _review(pilot, stage)
    await pilot.press("enter", "f7")
    await see(pilot, "POST")


async def _deleted(pilot: Pilot[None], stage: Stage) -> None:
    await _query(pilot, stage, "is:deleted", ("1/1 reply", "The model ended its"))


async def _purge(pilot: Pilot[None], stage: Stage) -> None:
    await _deleted(pilot, stage)
    await pilot.press("enter", "X")
    await see(pilot, "There is no undo")


async def _numbers(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("f9")
    await see(pilot, "cost unknown")


async def _numbers_cost(pilot: Pilot[None], stage: Stage) -> None:
    await _numbers(pilot, stage)
    await pilot.press("3")
    await see(pilot, "■ reported")


async def _compare(pilot: Pilot[None], stage: Stage) -> None:
    await _long(pilot, stage)
    await pilot.press("escape", "D")
    await see(pilot, "Compare 1 harbour-large and 2 harbour-small", "Esc")


async def _replay(pilot: Pilot[None], stage: Stage) -> None:
    await _read(pilot, stage, VERSE, "without a clock")
    await pilot.press("escape", "P")
    await see(pilot, " of 1")
    await pilot.press("space", *["full_stop"] * 6)


async def _palette(pilot: Pilot[None], _stage: Stage) -> None:
    await pilot.press("ctrl+p")
    await see(pilot, "Search for commands")
    await pilot.press(*"rep")
    await see(pilot, "Replay")


async def _ascii(pilot: Pilot[None], stage: Stage) -> None:
    await _read(pilot, stage, COMET, "suisei")


async def _draft(pilot: Pilot[None], _stage: Stage) -> None:
    await type_text(pilot, "Three lines\nof a message\nthat is not sent.")
    await see(pilot, _DRAFT)


_FOUND = ("1/1 reply", "The Moon pulls on the near")
_COMMANDS = {
    "api": ("/api", "Wire API"),
    "theme": ("/theme", "high-contrast"),
    "schema": ("/schema", "JSON schema that replies have to fit"),
    "attach": ("/attach", "Path of a text file or an image"),
    "add_server": ("/mcp", "Paste a tool server's entry"),
    "import_ask": ("/import", "File to take in"),
    "provider": ("/provider", "Where should your messages go?"),
}
_ALL = (SMALL, MIDDLE, LARGE)
_EMPTY = {"is_empty": True}
SCENES = (
    Scene("chat_empty", _nothing, _ALL, changes=_EMPTY),
    Scene("chat_empty", _nothing, theme=LIGHT),
    Scene("first_run", _first_run, (SMALL, MIDDLE), changes={**_EMPTY, "has_target": False}),
    Scene("first_run_key", _first_run_key, changes={**_EMPTY, "has_target": False}),
    Scene("install", _install, changes={**_EMPTY, "has_target": False}),
    Scene("chat_long", _long, _ALL),
    Scene("chat_long", _long, theme=LIGHT),
    Scene("chat_reading", _reading),
    Scene("chat_find", _find, (SMALL,)),
    Scene("chat_streaming", _streaming),
    Scene("chat_queued", _queued, (SMALL,)),
    Scene("chat_error", _failed),
    Scene("chat_notice", _notice, (SMALL,), changes={"notifications": True}),
    Scene("chat_broken", partial(_read, session_id=HARBOUR, text="dredging"), (SMALL,)),
    Scene("chat_private", _private),
    Scene("chat_private_written", _written, (SMALL,)),
    Scene("chat_suggestions", _suggestions),
    Scene("chat_files", _files, (SMALL,)),
    Scene("chat_attached", _attached, (SMALL,)),
    Scene("chat_draft", _draft, (SMALL,)),
    Scene("chat_edit", _edit, (SMALL,)),
    Scene("chat_ascii", _ascii, changes={"ascii_only": True}),
    Scene("sidebar", _sidebar),
    Scene("consent", _consent, (SMALL, MIDDLE)),
    Scene("consent_arguments", _consent_arguments),
    Scene("consent_reason", _consent_reason, (SMALL,)),
    Scene("inspector_tools", _tools_tab),
    Scene("inspector_wire", _wire),
    Scene("inspector_time", _time, (SMALL, MIDDLE)),
    Scene("wire_frame", _wire_frame, (SMALL, MIDDLE)),
    Scene("help", partial(_key, keys=("f1",), text="Keys and commands"), (SMALL, MIDDLE)),
    Scene("model", partial(_key, keys=("f2",), text="kaigan-7b")),
    Scene("parameters", partial(_key, keys=("f8",), text="temperature"), (SMALL, MIDDLE)),
    Scene("tools", partial(_key, keys=("f10",), text="run_command")),
    Scene("tool_call", partial(_key, keys=("T",), text="try again", first=_tool_call), (SMALL,)),
    Scene(
        "retry", partial(_key, keys=("escape", "R"), text="Ask again with", first=_long), (SMALL,)
    ),
    Scene(
        "rename",
        partial(_command, line="/rename", text="Title of this session", first=_long),
        (SMALL,),
    ),
    *(
        Scene(name, partial(_command, line=line, text=text), (SMALL,))
        for name, (line, text) in _COMMANDS.items()
    ),
    Scene("tool_try", _try_call, (SMALL,)),
    Scene("tool_tried", _tried_call, (SMALL,)),
    Scene("delete_private", _delete_private, (SMALL,)),
    Scene("stored_replies", _stored, changes={"wire_api": Api.RESPONSES}),
    Scene("no_room", _no_room, (SMALL,)),
    Scene("export", _export, (SMALL,)),
    Scene("export_path", _export_path, (SMALL,)),
    Scene("import", _import),
    Scene("palette", _palette),
    Scene("review", _review, _ALL),
    Scene("review", _review, theme=LIGHT),
    Scene("review_query", partial(_query, text="bulge", shown=_FOUND), (MIDDLE, LARGE)),
    Scene("review_fault", partial(_query, text="tokens:x", shown=("wants a number",)), (SMALL,)),
    Scene(
        "review_completion", partial(_query, text="fin", shown=("0 replies", "finish:")), (SMALL,)
    ),
    Scene("review_facets", _facets),
    Scene("review_sessions", _review_sessions),
    Scene("review_wire", _review_wire, (LARGE,)),
    Scene("review_deleted", _deleted, (SMALL,)),
    Scene("review_purge", _purge, (SMALL,)),
    Scene("numbers", _numbers, _ALL),
    Scene("numbers_cost", _numbers_cost),
    Scene("compare", _compare, (SMALL, MIDDLE)),
    Scene("replay", _replay, (SMALL, MIDDLE)),
)
_HELP = partial(_key, keys=("f1",), text="Keys and commands")
HELP = {"chat": _HELP, "review": partial(_key, keys=("f1",), text="The query", first=_review)}
