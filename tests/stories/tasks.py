"""Everyday tasks with their keys: the guide's table, and a story in a terminal for each.

`python -m tests.docs.tables` writes the table; `test_tasks.py` presses the keys and counts them.
"""

from dataclasses import dataclass

KEYS = {
    "Enter": "\r",
    "Esc": "\x1b",
    "Space": " ",
    "F1": "\x1bOP",
    "F2": "\x1bOQ",
    "F3": "\x1bOR",
    "F7": "\x1b[18~",
    "F9": "\x1b[20~",
    "?": "?",
    "Alt+1": "\x1b1",
    "Ctrl+F": "\x06",
    "Ctrl+N": "\x0e",
    "Ctrl+Q": "\x11",
    **{letter: letter for letter in "ceprstuy"},
}
"""The bytes that a terminal sends for each key."""


@dataclass(frozen=True)
class Step:
    """A key, or a text that is typed, and what is on the screen afterwards."""

    key: str
    shown: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def sent(self) -> str:
        """What the terminal sends."""
        return self.key if self.is_text else KEYS[self.key]


@dataclass(frozen=True)
class Task:
    """A task; it begins in the chat, with `asked` already answered. `ends` is set when the
    program is left.
    """

    name: str
    steps: tuple[Step, ...]
    asked: str = "hello"
    ends: bool = False

    @property
    def keystrokes(self) -> int:
        """The number of keys, without typed text."""
        return sum(not step.is_text for step in self.steps)

    @property
    def keys(self) -> str:
        """The keys as the guide writes them."""
        return " ".join(f"“{step.key}”" if step.is_text else f"`{step.key}`" for step in self.steps)


def press(key: str, *shown: str) -> Step:
    """A key, and what is then shown."""
    return Step(key, shown)


def write(text: str, *shown: str) -> Step:
    """A typed text, and what is then shown."""
    return Step(text, shown, is_text=True)


_REVIEW = press("F3", "by relevance", "1/8 replies")
_RESULTS = press("Enter")

TASKS = (
    Task("Ask a question", (write("why?", "why?"), press("Enter", "About why?")), asked=""),
    Task("Ask again for a reply", (press("Esc"), press("r", "[r] yes"), press("r", "2 ●"))),
    Task("Copy a reply", (press("Esc"), press("y", "copied"))),
    Task("Start a new session", (press("Ctrl+N", "Send a message"),)),
    Task("Find a word in this conversation", (press("Ctrl+F"), write("About"), press("Enter"))),
    Task("Choose a model", (press("F2", "Choose a model"), press("Enter", "type a message"))),
    Task("See the source of a reply", (press("Esc"), press("s", "  source"))),
    Task("See the frames of a reply's stream", (press("F7", "what"),)),
    Task("See the keys of a pane", (press("Esc"), press("?", "Everywhere"))),
    Task("See all keys", (press("F1", "type to filter"),)),
    Task(
        "Delete this session, and undo it",
        (write("/delete"), press("Enter", "type a message"), write("/undo"),
         press("Enter", "Restored 1 session")),
    ),
    Task("Find a saved reply by a word", (_REVIEW, write("lantern", "1/1 reply"))),
    Task(
        "Open a saved reply in the chat",
        (_REVIEW, write("lantern", "1/1 reply"), _RESULTS, press("Enter", "type a message")),
    ),
    Task(
        "List the replies that ended in one way", (_REVIEW, press("Alt+1", "[1] stop", "finish:"))
    ),
    Task("Pin a session", (_REVIEW, _RESULTS, press("p", "Pinned 1 session"))),
    Task(
        "Undo the last change",
        (_REVIEW, _RESULTS, press("p", "Pinned 1 session"), press("u", "Unpinned 1 session")),
    ),
    Task(
        "Tag a session",
        (_REVIEW, _RESULTS, press("t", "Tags of 1 session"), write("later"),
         press("Enter", "Tagged 1 session #later")),
    ),
    Task("Export a session", (_REVIEW, _RESULTS, press("e", "Export session as…"))),
    Task("See tokens, cost and latency", (press("F9", "all replies"),)),
    Task(
        "See the numbers of what a query finds",
        (_REVIEW, write("lantern", "1/1 reply"), press("F9", "all replies")),
    ),
    Task("Leave", (press("Ctrl+Q"),), ends=True),
)  # fmt: skip
