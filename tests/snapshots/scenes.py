"""Every screen and dialog, at the sizes and in the themes in which it is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from replyscope.domain.exchange import Api
from tests.snapshots import plays
from tests.snapshots.archive import HARBOUR
from tests.snapshots.plays import Play

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
Size = tuple[int, int]
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


_FOUND = ("1/1 reply", "The Moon pulls on the near")
_COMMANDS = {
    "api": ("/api", "Switch between Chat and Responses"),
    "theme": ("/theme", "high-contrast"),
    "schema": ("/schema", "JSON schema of the replies"),
    "attach": ("/attach", "Path of a file or a folder"),
    "add_server": ("/mcp", "Add a tool server"),
    "import_ask": ("/import", "Import file"),
    "provider": ("/provider", "Choose a provider"),
}
_ALL = (SMALL, MIDDLE, LARGE)
_EMPTY = {"is_empty": True}
SCENES = (
    Scene("chat_empty", plays.nothing, _ALL, changes=_EMPTY),
    Scene("chat_empty", plays.nothing, theme=LIGHT),
    Scene("first_run", plays.first_run, (SMALL, MIDDLE), changes={**_EMPTY, "has_target": False}),
    Scene("first_run_key", plays.first_run_key, changes={**_EMPTY, "has_target": False}),
    Scene("install", plays.install, changes={**_EMPTY, "has_target": False}),
    Scene("chat_long", plays.long, _ALL),
    Scene("chat_long", plays.long, theme=LIGHT),
    Scene("chat_reading", plays.reading),
    Scene("chat_find", plays.find, (SMALL,)),
    Scene("chat_streaming", plays.streaming),
    Scene("chat_queued", plays.queued, (SMALL,)),
    Scene("chat_error", plays.failed),
    Scene("chat_notice", plays.notice, (SMALL,), changes={"notifications": True}),
    Scene("chat_broken", partial(plays.read, session_id=HARBOUR, text="dredging"), (SMALL,)),
    Scene("chat_private", plays.private),
    Scene("chat_private_written", plays.written, (SMALL,)),
    Scene("chat_suggestions", plays.suggestions),
    Scene("chat_files", plays.files, (SMALL,)),
    Scene("chat_attached", plays.attached, (SMALL,)),
    Scene("chat_draft", plays.draft, (SMALL,)),
    Scene("chat_edit", plays.edit, (SMALL,)),
    Scene("chat_ascii", plays.ascii, changes={"ascii_only": True}),
    Scene("sidebar", plays.sidebar),
    Scene("consent", plays.consent, (SMALL, MIDDLE)),
    Scene("consent_arguments", plays.consent_arguments),
    Scene("consent_reason", plays.consent_reason, (SMALL,)),
    Scene("inspector_tools", plays.tools_tab),
    Scene("inspector_wire", plays.wire),
    Scene("inspector_time", plays.time, (SMALL, MIDDLE)),
    Scene("wire_frame", plays.wire_frame, (SMALL, MIDDLE)),
    Scene("help", partial(plays.key, keys=("f1",), text="Keys and commands"), (SMALL, MIDDLE)),
    Scene("model", partial(plays.key, keys=("f2",), text="kaigan-7b")),
    Scene("parameters", partial(plays.key, keys=("f8",), text="temperature"), (SMALL, MIDDLE)),
    Scene("tools", partial(plays.key, keys=("f10",), text="run_command")),
    Scene(
        "context",
        partial(plays.key, keys=("escape", "C"), text="Context of the next", first=plays.long),
        (SMALL, MIDDLE),
    ),
    Scene(
        "request",
        partial(plays.key, keys=("escape", "C", "ctrl+r"), text='"messages"', first=plays.long),
    ),
    Scene("prompt_history", partial(plays.key, keys=("ctrl+r",), text="tides"), (SMALL, MIDDLE)),
    Scene(
        "tool_call",
        partial(plays.key, keys=("T",), text="try again", first=plays.tool_call),
        (SMALL,),
    ),
    Scene(
        "retry",
        partial(plays.key, keys=("escape", "R"), text="Ask again with", first=plays.long),
        (SMALL,),
    ),
    Scene(
        "rename",
        partial(plays.command, line="/rename", text="Rename", first=plays.long),
        (SMALL,),
    ),
    *(
        Scene(name, partial(plays.command, line=line, text=text), (SMALL,))
        for name, (line, text) in _COMMANDS.items()
    ),
    Scene("tool_try", plays.try_call, (SMALL,)),
    Scene("tool_tried", plays.tried_call, (SMALL,)),
    Scene("delete_private", plays.delete_private, (SMALL,)),
    Scene("stored_replies", plays.stored, changes={"wire_api": Api.RESPONSES}),
    Scene("no_room", plays.no_room, (SMALL,)),
    Scene("export", plays.export, (SMALL,)),
    Scene("export_path", plays.export_path, (SMALL,)),
    Scene("import", plays.import_file),
    Scene("palette", plays.palette),
    Scene("review", plays.review, _ALL),
    Scene("review", plays.review, theme=LIGHT),
    Scene("review_query", partial(plays.query, text="bulge", shown=_FOUND), (MIDDLE, LARGE)),
    Scene(
        "review_fault", partial(plays.query, text="tokens:x", shown=("wants a number",)), (SMALL,)
    ),
    Scene(
        "review_completion",
        partial(plays.query, text="fin", shown=("0 replies", "finish:")),
        (SMALL,),
    ),
    Scene("review_facets", plays.facets),
    Scene("review_sessions", plays.review_sessions),
    Scene("review_wire", plays.review_wire, (LARGE,)),
    Scene("review_deleted", plays.deleted, (SMALL,)),
    Scene("review_purge", plays.purge, (SMALL,)),
    Scene("watch", plays.watch, _ALL),
    Scene("watch", plays.watch, theme=LIGHT),
    Scene("watch_held", plays.watch_held, (SMALL, MIDDLE)),
    Scene("watch_edited", plays.watch_edited, (SMALL, MIDDLE)),
    Scene("watch_refused", plays.watch_refused, (SMALL, MIDDLE)),
    Scene("watch_answered", plays.watch_answered, (SMALL, MIDDLE)),
    Scene("watch_waiting", plays.watch_waiting, (SMALL, MIDDLE)),
    Scene("numbers", plays.numbers, _ALL),
    Scene("numbers_cost", plays.numbers_cost),
    Scene("compare", plays.compare, (SMALL, MIDDLE)),
    Scene("replay", plays.replay, (SMALL, MIDDLE)),
)
_HELP = partial(plays.key, keys=("f1",), text="Keys and commands")
HELP = {
    "chat": _HELP,
    "review": partial(plays.key, keys=("f1",), text="The query", first=plays.review),
}
