"""Collects the turns of conversations from the lines of a log.

A log may be read while it is written: a changed turn is returned again. Only the newest turns can
change, so the memory does not depend on the size of the log. The same lines give the same turns,
in any number of reads.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.domain.import_format import ImportedFile, Item
from replyscope.domain.item_bound import decode_json
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.leftovers import Leftovers
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Part,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.plural import plural
from replyscope.domain.session import title_from
from replyscope.domain.shared import LeftOut

_MOST_BYTES = 4_000_000
"""The bytes of lines after which turns are handed out."""
_WINDOW, _MOST_OF_WINDOW = 32, 16_000_000
"""The number of newest turns of a conversation that may still change, and their size in bytes. The
newest one always may.
"""
_MOST_KEYS = 100_000
_MOST_TALKS = 64


class LineTurns(OrderedDict[str, str | None]):
    """A bounded mapping from the ids of lines to the keys of their turns: the oldest are dropped.

    A turn whose parent was dropped follows the newest turn.
    """

    def __setitem__(self, name: str, key: str | None) -> None:
        super().__setitem__(name, key)
        if len(self) > _MOST_KEYS:
            self.popitem(last=False)


class Talk:
    """The newest turns of one conversation. `above` maps line ids to the keys of turns."""

    def __init__(self, source: str, key: str) -> None:
        self._source = source
        self._key = key
        self._turns: dict[str, ForeignTurn] = {}
        self._changed: set[str] = set()
        self._recent: deque[str] = deque(maxlen=_WINDOW)
        self._sizes: dict[str, int] = {}
        self._earlier_head: str | None = None
        self._at: datetime | None = None
        self._last_at: datetime | None = None
        self._first_words = ""
        self._is_renamed = False
        self._has_words = False
        self.above = LineTurns()
        self.leftovers = Leftovers()
        self.head: str | None = None
        self.title = ""
        self.system: str | None = None
        self.tags: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has no turns to return."""
        return not self._changed and not self._is_renamed

    def get(self, key: str) -> ForeignTurn | None:
        """A turn that may still change; None for an older one."""
        return self._turns.get(key) if key in self._recent else None

    def newest(self, role: Role) -> ForeignTurn | None:
        """The newest turn of a role that may still change."""
        for key in reversed(self._recent):
            if self._turns[key].role is role:
                return self._turns[key]
        return None

    def caller_of(self, call_id: str) -> ForeignTurn | None:
        """The recent reply that made a tool call."""
        for key in reversed(self._recent):
            if any(call.id == call_id for call in self._turns[key].calls):
                return self._turns[key]
        return None

    def put(self, turn: ForeignTurn, *, is_head: bool = True) -> None:
        """Add a turn, or replace the one with its key."""
        before = self._turns.get(turn.key)
        if turn.key not in self._recent:
            self._recent.append(turn.key)
        self._bound(turn)
        if is_head:
            self.head = turn.key
        self._at = self._at or turn.at
        self._last_at = turn.at or self._last_at
        if turn.at is None:
            turn = replace(turn, at=self._last_at)
        if turn.role is Role.USER and not self._first_words:
            self._first_words = "\n".join(p.text for p in turn.parts if isinstance(p, TextPart))
        if turn != before:
            self._turns[turn.key] = turn
            self._changed.add(turn.key)

    def _bound(self, turn: ForeignTurn) -> None:
        """Let go of the oldest turns that may still change, if all are too large together."""
        self._sizes[turn.key] = _size_of(turn)
        self._sizes = {key: self._sizes[key] for key in self._recent if key in self._sizes}
        while len(self._recent) > 1 and sum(self._sizes.values()) > _MOST_OF_WINDOW:
            self._sizes.pop(self._recent.popleft(), None)

    def parent_of(self, name: object) -> str | None:
        """The key of the turn above a line, by the id of its parent line."""
        if not isinstance(name, str) or not name:
            return None
        return self.above.get(name, self.head)

    def name(self, title: object, *, is_final: bool = True) -> None:
        """Set the title, unless it has a final one."""
        if isinstance(title, str) and title.strip() and (is_final or not self.title):
            self._is_renamed = self._is_renamed or title != self.title
            self.title = title

    def suggest_title(self, text: str) -> None:
        """Suggest a title from the person's text. Without a title in the log, the first is used."""
        if text.strip() and not self._has_words:
            self._first_words = text
            self._has_words = True

    def take(self, *, is_end: bool) -> ForeignConversation | None:
        """The changed turns. Without `is_end` the newest turns are kept for the next call."""
        keys = [key for key in self._turns if key in self._changed]
        if not is_end:  # a turn never leaves before its parent
            while keys and keys[-1] in self._recent:
                keys.pop()
        if is_end and not keys and self._is_renamed:
            keys = [next(reversed(self._turns))] if self._turns else []
        if not keys:
            return None
        head = (self.head if is_end else None) or keys[-1]
        piece = ForeignConversation(
            self._source,
            self._key,
            self.title or title_from(self._first_words),
            self._at,
            tuple(self._turns[key] for key in keys),
            self.system,
            head,
            self.tags,
            self.leftovers.all,
            grows=True,
            has_title=bool(self.title),
            earlier_head=self._earlier_head,
        )
        self._forget(keys, head)
        return piece

    def _forget(self, keys: list[str], head: str) -> None:
        self._changed.difference_update(keys)
        self._earlier_head = head
        self._is_renamed = False
        self.leftovers = Leftovers()
        kept = self._changed | set(self._recent)
        self._turns = {key: turn for key, turn in self._turns.items() if key in kept}


class TurnLog:
    """Reads a log with one JSON object for each line. Implements LogReader.

    A subclass reads one object in `read`, which may raise DATA_FAULTS.
    """

    def __init__(self, source: str, file: ImportedFile) -> None:
        self._source = source
        self._name = file.name
        self._talks: dict[str, Talk] = {}
        self._bad: Counter[str] = Counter()
        self._size = 0
        self._has_turns = False
        self.number = 0
        """The number of the line, from 1."""

    def read(self, entry: Mapping[str, Any]) -> None:
        """Read the object of a line. Raises DATA_FAULTS."""
        raise NotImplementedError

    def talk(self, key: str) -> Talk:
        """The conversation with a key; a new one if it is not known."""
        found = self._talks.pop(key, None) or Talk(self._source, key)
        self._talks[key] = found  # the newest is last
        return found

    def feed(self, line: bytes) -> None:
        """See LogReader."""
        self.number += 1
        self._size += len(line)
        if not line.strip():
            return
        try:
            entry = read_bounded_json(decode_json(line))
            if not isinstance(entry, dict):
                raise BadData("it is not a JSON object")
            self.read(entry)
        except DATA_FAULTS as error:
            self._bad[_reason(error)] += 1

    def skip(self, why: str) -> None:
        """See LogReader."""
        self.number += 1
        self._bad[why] += 1

    @property
    def is_full(self) -> bool:
        """See LogReader."""
        return self._size > _MOST_BYTES

    def take(self, *, is_end: bool) -> list[Item]:
        """See LogReader."""
        self._size = 0
        pieces = [talk.take(is_end=is_end) for talk in self._talks.values()]
        items = [piece for piece in pieces if piece is not None]
        self._has_turns = self._has_turns or bool(items)
        if items and self._bad:
            bad = tuple(LeftOut("damaged line", why, n) for why, n in self._bad.items())
            items[-1] = replace(items[-1], left_out=(*items[-1].left_out, *bad))
            self._bad.clear()
        self._drop_old()
        if is_end and self._bad and not self._has_turns:
            why, _ = self._bad.most_common(1)[0]
            count = plural(self._bad.total(), "line")
            self._bad.clear()
            return [Unreadable(self._name, f"{count} of it can't be read: {why}")]
        return [*items]

    def _drop_old(self) -> None:
        """Drop the oldest conversations without new turns, if there are many."""
        for key in [key for key, talk in self._talks.items() if talk.is_empty]:
            if len(self._talks) <= _MOST_TALKS:
                return
            del self._talks[key]


def _size_of(turn: ForeignTurn) -> int:
    """The size of a turn in memory, roughly."""
    said = len(turn.reasoning) + sum(len(call.arguments) for call in turn.calls)
    return said + sum(map(_size_of_part, turn.parts))


def _size_of_part(part: Part) -> int:
    match part:
        case ImagePart(data=data) | DocumentPart(data=data) | AudioPart(data=data):
            return len(data)
        case ToolResultPart(output=text) | TextPart(text=text) | FilePart(text=text):
            return len(text)
    return 0


def _reason(error: BaseException) -> str:
    """The error of an invalid line, without the position, so that equal errors are counted."""
    is_json = isinstance(error, ValueError) and hasattr(error, "lineno")
    return "it is not JSON" if is_json else fault_in_words(error)
