"""Everyday tasks with their keys: the guide's table, and a story in a terminal for each.

`python -m tests.docs.tables` writes the table; `test_tasks.py` presses the keys and counts them.
"""

from dataclasses import dataclass
from enum import Enum

KEYS = {
    "Enter": "\r",
    "Esc": "\x1b",
    "Space": " ",
    "Tab": "\t",
    "Down": "\x1b[B",
    "PageUp": "\x1b[5~",
    "End": "\x1b[F",
    "F1": "\x1bOP",
    "F2": "\x1bOQ",
    "F3": "\x1bOR",
    "F6": "\x1b[17~",
    "F7": "\x1b[18~",
    "F8": "\x1b[19~",
    "F9": "\x1b[20~",
    "F10": "\x1b[21~",
    "?": "?",
    "[": "[",
    "Alt+1": "\x1b1",
    "Ctrl+F": "\x06",
    "Ctrl+N": "\x0e",
    "Ctrl+O": "\x0f",
    "Ctrl+Q": "\x11",
    "Ctrl+Up": "\x1b[1;5A",
    "Ctrl+S": "\x13",
    **{letter: letter for letter in "cenprstuyDFPRXY"},
}
"""The bytes that a terminal sends for each key."""


@dataclass(frozen=True)
class Step:
    """A key, or a text that is typed; the texts that are then on the screen, and one that is
    no longer.
    """

    key: str
    shown: tuple[str, ...] = ()
    gone: str = ""
    is_text: bool = False

    @property
    def sent(self) -> str:
        """What the terminal sends."""
        return self.key if self.is_text else KEYS[self.key]


class Part(Enum):
    """The tasks of one terminal, in which they are done one after the other."""

    FIRST_RUN = "first run"
    WRITING = "writing"
    READING = "reading"
    TOOLS = "tools"
    REVIEW = "review"
    LARGE = "large archive"
    FULL = "full context"


@dataclass(frozen=True)
class Task:
    """A task. It begins in a new session, with the focus in the composer.

    First `asked` is sent and `answered` is shown. The server holds the reply back until the
    steps of `meanwhile` are done. The keys of `meanwhile` and `before` do not count.
    """

    name: str
    steps: tuple[Step, ...]
    part: Part = Part.WRITING
    asked: str = "hello"
    answered: tuple[str, ...] = ("About hello", "● stop")
    meanwhile: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()
    ends: bool = False
    """Whether the program ends with the last key."""

    @property
    def keystrokes(self) -> int:
        """The number of keys, without typed text."""
        return sum(not step.is_text for step in self.steps)

    @property
    def keys(self) -> str:
        """The keys as the guide writes them."""
        written = (f"“{step.key}”" if step.is_text else f"`{step.key}`" for step in self.steps)
        return " ".join(written) or "none"


def press(key: str, *shown: str, gone: str = "") -> Step:
    """A key, and what is then shown and gone."""
    return Step(key, shown, gone)


def write(text: str, *shown: str) -> Step:
    """A typed text, and what is then shown."""
    return Step(text, shown, is_text=True)


def _of_a_reply(name: str, *steps: Step, before: tuple[Step, ...] = ()) -> Task:
    """A task that begins with `Esc`, which moves the focus to the newest reply."""
    return Task(name, (press("Esc", "READ"), *steps), Part.READING, before=before)


def _of_a_call(name: str, steps: tuple[Step, ...], *meanwhile: Step) -> Task:
    """A task with a tool call that waits for permission."""
    shown = ("[F6] [y]yes",) if meanwhile else ("[y]yes", "ALLOW")
    return Task(name, steps, Part.TOOLS, "call 8*9", shown, meanwhile)


def _of_the_review(name: str, *steps: Step) -> Task:
    """A task of the review screen."""
    return Task(name, (press("F3", "newest first"), *steps), Part.REVIEW)


_AGAIN = (
    press("Esc", "READ"),
    press("r", "[r] yes"),
    press("r", "once more"),
    press("Esc", "WRITE"),
)
"""Retries the reply, so that there are two versions, and returns to the composer."""
_NEXT = "and what is the sum of all these words above?"
_RESULTS = press("Enter", "[Space] mark")
_FOUND = write("lantern", "1/1 reply")
_ALLOWED = press("y", "The result is 72")

TASKS = (
    Task(
        "Ask the first question, with a key in the environment",
        (write("why?"), press("Enter", "[Ctrl+F] favourite"), press("Enter", "About why?")),
        Part.FIRST_RUN,
        asked="",
    ),
    Task("Ask a question", (write("why?", "why?"), press("Enter", "About why?")), asked=""),
    Task(
        "Queue a message while a reply streams",
        (write("and then?"), press("Enter", "1 queued")),
        asked="stream", answered=("row 59",),
    ),
    Task(
        "Scroll while a reply streams", (press("PageUp", "row 40"),),
        asked="stream", answered=("row 59",),
    ),
    Task("Stop a reply", (press("Esc", "cancelled"),), asked="stream", answered=("row 59",)),
    Task(
        "Attach a file", (write("@note", "notes.txt"), press("Tab", "notes.txt 6 B")), asked="",
    ),
    Task(
        "Choose a model",
        (press("F2", "Choose a model"), write("beta"), press("Enter", "WRITE  beta")),
    ),
    Task(
        "Tick two tools",
        (press("F10", "Tools available"), press("Space", "1 of 6"), press("Down"),
         press("Space", "2 of 6"), press("Enter", gone="Tools available")),
        asked="",
    ),
    Task("Start a new session", (press("Ctrl+N", "─ New session ─"),)),
    Task(
        "Start a private session",
        (write("/private"), press("Enter", "nothing of this session")), asked="",
    ),
    Task("Rename this session", (write("/rename Boats"), press("Enter", "─ Boats ─"))),
    Task(
        "Run a command by its first letters",
        (write("/sta", "/stats"), press("Enter", "all replies; / to narrow")),
    ),
    Task(
        "Delete this session, and undo it",
        (write("/delete"), press("Enter", "─ New session ─"), write("/undo"),
         press("Enter", "Restored “")),
    ),
    Task(
        "Find a word in this conversation",
        (press("Ctrl+F", "FIND"), write("About"), press("Enter", "READ")), Part.READING,
    ),
    Task(
        "See why a reply ended", (), Part.READING,
        asked="cut", answered=("cut off at the limit", "● length"),
    ),
    Task(
        "Continue a reply that was cut off",
        (press("Esc", "READ"), press("c", "[c] yes"), press("c", "a reply, and more")),
        Part.READING, asked="cut", answered=("● length",),
    ),
    _of_a_reply("Ask again for a reply", press("r", "[r] yes"), press("r", "once more")),
    _of_a_reply(
        "Ask again with another model", press("R", "Ask again with"), write("beta"),
        press("Enter", "asked    beta"),
    ),
    _of_a_reply(
        "Edit a message, and send it again", press("e", "edits an earlier"), write(" there"),
        press("Enter", "About hello there"),
    ),
    _of_a_reply("Go to the other version of a reply", press("[", gone="once more"), before=_AGAIN),
    _of_a_reply("Compare two versions of a reply", press("D", "Compare 1"), before=_AGAIN),
    _of_a_reply("Continue in a new session from here", press("F", "Forked")),
    _of_a_reply("Replay a reply", press("P", "[Space] pause")),
    _of_a_reply("Copy a reply", press("y", "copied")),
    Task(
        "Copy a code block", (press("Esc", "READ"), press("Y", "copied")), Part.READING,
        asked="code", answered=("print(42)", "● stop"),
    ),
    _of_a_reply("See the source of a reply", press("s", "  source")),
    Task("See the frames of a reply's stream", (press("F7", "what"),), Part.READING),
    _of_a_reply("See the keys of a pane", press("?", "Everywhere")),
    Task("See all keys", (press("F1", "type to filter"),), Part.READING),
    Task(
        "See a tool's result", (), Part.TOOLS,
        asked="call 6*7", answered=("calculate(expression=\"6*7\") → 42", "The result is 42"),
    ),
    _of_a_call("Allow a tool call", (_ALLOWED,)),
    _of_a_call(
        "Allow a tool call from a half-written message", (press("F6", "ALLOW"), _ALLOWED),
        write("meanwhile"),
    ),
    _of_a_call(
        "Allow a tool call from the messages", (press("F6", "ALLOW"), _ALLOWED),
        press("Ctrl+Up", "READ"),
    ),
    _of_a_call(
        "Allow a tool call from the sessions", (press("F6", "ALLOW"), _ALLOWED),
        press("Ctrl+O", "SESSIONS"),
    ),
    _of_a_call(
        "Allow a tool call from the inspector", (press("F6", "ALLOW"), _ALLOWED),
        press("F7", "INSPECT"),
    ),
    _of_a_call("Refuse a tool call", (press("n", "✗ refused"),)),
    Task(
        "Read a long tool call to its end, and allow it",
        (press("End"), press("y", "The result is 600")),
        Part.TOOLS, asked=f"call {'+'.join('1' * 600)}", answered=("[y]yes", "ALLOW"),
    ),
    _of_the_review("Find a saved reply by a word", _FOUND),
    _of_the_review("Open a saved reply in the chat", _FOUND, _RESULTS,
                   press("Enter", "type a message")),
    _of_the_review("List the replies that ended in one way",
                   press("Alt+1", "finish:stop")),
    _of_the_review("Pin a session", _RESULTS, press("p", "Pinned 1 session")),
    _of_the_review("Undo the last change", _RESULTS, press("p", "Pinned 1 session"),
                   press("u", "Unpinned 1 session")),
    Task(
        "Delete a session for good, after /delete",
        (press("F3", "newest first"), write("is:deleted", "1/1 reply"), _RESULTS,
         press("X", "There is no undo"), write("1"), press("Enter", "Permanently deleted")),
        Part.REVIEW, before=(write("/delete"), press("Enter", "─ New session ─")),
    ),
    _of_the_review("Tag a session", _RESULTS, press("t", "Tags of 1 session"), write("later"),
                   press("Enter", "Tagged 1 session #later")),
    _of_the_review("Export a session", _RESULTS, press("e", "Export session as…")),
    _of_the_review("See the numbers of what a query finds", _FOUND, press("F9", "all replies")),
    Task("See tokens, cost and latency", (press("F9", "all replies"),), Part.REVIEW),
    Task(
        "Find a word in 50,000 replies",
        (press("F3", "newest first"), write("zyzzyva450", "1/1 reply")),
        Part.LARGE, asked="",
    ),
    Task(
        "Send a message for which the context is full",
        (write(_NEXT), press("Enter", "exceed the context window"),
         press("Enter", f"About {_NEXT}")),
        Part.FULL, asked="long", answered=("word 599", "● stop"),
    ),
    Task(
        "Compact a conversation that fills the context",
        (write(_NEXT), press("Enter", "exceed the context window"), press("Down"),
         press("Enter", "Compact the conversation"), press("Enter", "Summary that begins"),
         press("Ctrl+S", "Compacted."), press("Enter", f"{_NEXT}, once more")),
        Part.FULL, asked="long", answered=("word 599", "● stop"),
    ),
    Task("Leave", (press("Ctrl+Q"),), Part.REVIEW, ends=True),
)  # fmt: skip
