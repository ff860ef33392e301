"""The state of the vim keys: text, cursor, mode, register, pending keys and the undo stack."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum

END = 1 << 30
"""The wished column of a cursor that stays at the end of lines, as after `$`."""


class VimMode(StrEnum):
    """A mode, and its word in the status line."""

    NORMAL = "NORMAL"
    INSERT = "INSERT"
    VISUAL = "VISUAL"
    LINES = "VISUAL LINE"

    @property
    def is_visual(self) -> bool:
        """Whether a text is selected."""
        return self in (VimMode.VISUAL, VimMode.LINES)


class Effect(Enum):
    """The action of the host after a key."""

    NONE = "none"
    SUBMIT = "submit"
    LEAVE = "leave"
    UNKNOWN = "unknown"
    """The key is none of the engine's; the host handles it."""


@dataclass(frozen=True, slots=True)
class Register:
    """The text of the last delete or yank. Lines are put as whole lines, and have no final
    line feed here.
    """

    text: str = ""
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A text before or after a change, and the cursor before that change."""

    text: str
    cursor: int


@dataclass(frozen=True, slots=True)
class RepeatableChange:
    """A change to repeat with `.`: its keys without the count, the text that was inserted, and
    for a change of a selection its lines and the characters of its last line.
    """

    keys: tuple[str, ...]
    count: int | None = None
    inserted: str = ""
    selected: tuple[VimMode, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Insertion:
    """An insert mode: the text and the cursor at its start, and the change that started it."""

    text: str
    cursor: int
    change: RepeatableChange


@dataclass(frozen=True, slots=True)
class Vim:
    """A state. `cursor` and `anchor` are offsets; `anchor` is the other end of a selection.

    `wanted` is the column that `j` and `k` keep; `found` is the last of `f t F T` with its
    character; `pending` are the keys of an incomplete command.
    """

    text: str = ""
    cursor: int = 0
    mode: VimMode = VimMode.INSERT
    anchor: int = 0
    register: Register = field(default_factory=Register)
    pending: tuple[str, ...] = ()
    wanted: int | None = None
    found: tuple[str, str] | None = None
    change: RepeatableChange | None = None
    insertion: Insertion | None = None
    undo: tuple[Snapshot, ...] = ()
    redo: tuple[Snapshot, ...] = ()
