"""The modes of the chat: what keys do, by the focused pane, and the order of the footer."""

from collections.abc import Mapping
from enum import Enum

from textual.widget import Widget

from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.reading.inspector import Inspector


class Mode(Enum):
    """A mode, and its word in the status line."""

    WRITE = "WRITE"
    READ = "READ"
    SESSIONS = "SESSIONS"
    INSPECT = "INSPECT"
    FIND = "FIND"
    ALLOW = "ALLOW"


def mode_of(focused: Widget | None) -> Mode:
    """The mode with a focused widget."""
    match focused:
        case Composer():
            return Mode.WRITE
        case Sidebar():
            return Mode.SESSIONS
        case ConsentCard():
            return Mode.ALLOW
        case Widget(id="find"):
            return Mode.FIND
        case None:
            return Mode.READ
        case _:
            inside = [focused, *focused.ancestors]
            return Mode.INSPECT if any(isinstance(w, Inspector) for w in inside) else Mode.READ


_PANES = ("app.keys", "app.help", "chat.model", "app.review", "chat.find", "tools.choose")

FOOTER_ORDER: Mapping[Mode, tuple[str, ...]] = {
    Mode.WRITE: (
        "chat.send", "chat.complete", "chat.back", "chat.newline", "chat.model",
        "app.keys", "app.help", "app.review", "tools.choose", "chat.parameters",
        "sessions.focus", "chat.page-up", "chat.inspector", "chat.find", "app.next-pane",
        "sessions.new-here", "app.stats",
    ),
    Mode.READ: (
        "transcript.next", "reply.continue", "reply.raise", "tools.run", "find.next",
        "find.previous", "reply.previous", "reply.picture", "reply.copy", "reply.retry",
        "reply.edit", "chat.back", "tools.call", "reply.copy-code", "reply.retry-model",
        "reply.compare", "transcript.fold", "reply.fork", "reply.replay", "reply.source",
        "chat.context", "reply.leave-out", "reply.pin", "reply.cache", *_PANES,
    ),
    Mode.SESSIONS: (
        "select", "sessions.new", "sessions.rename", "sessions.delete", "sessions.undo",
        "sessions.filter", "chat.back", *_PANES,
    ),
    Mode.INSPECT: (
        "inspector.overview", "inspector.more", "wire.open", "wire.filter", "wire.copy",
        "timeline.frames", "timeline.next",
        "reply.earlier", "reply.continue", "reply.raise", "tools.run", "chat.back", *_PANES,
    ),
    Mode.FIND: ("submit", "chat.back", *_PANES),
    Mode.ALLOW: (
        "consent.once", "consent.session", "consent.always", "consent.no", "consent.stop", *_PANES,
    ),
}  # fmt: skip
"""The ids of bindings that the footer shows first, most useful first. Bindings of
Textual's widgets have no id, so their action is listed.
"""
