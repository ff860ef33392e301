"""What will be sent with the next message: attached files, and messages that wait."""

from collections.abc import Sequence

from replyscope.domain.message import FilePart, ImagePart, Message, Part, TextPart
from replyscope.domain.printable import printable_line
from replyscope.domain.unicode_text import byte_count
from replyscope.inspection.figures import size

Attachment = FilePart | ImagePart


class Pending:
    """The attachments of the message being written, and what is queued per session."""

    def __init__(self) -> None:
        self._attached: dict[str, list[Attachment]] = {}
        self._place = ""
        self._queued: dict[str, list[tuple[Part, ...]]] = {}
        self._starting: dict[str, tuple[Part, ...]] = {}
        self._written: dict[str, str] = {}
        self._edited: dict[str, Message] = {}
        self._pastes = 0

    @property
    def attachments(self) -> list[Attachment]:
        """The attachments of the message being written."""
        return self._attached.setdefault(self._place, [])

    @attachments.setter
    def attachments(self, attachments: list[Attachment]) -> None:
        self._attached[self._place] = attachments

    def turn_to(self, place: str) -> None:
        """Write elsewhere: what is attached in a private session waits there.

        A private session's id is a place; "" is that of all others.
        """
        self._place = place

    def attach(self, part: Attachment) -> None:
        """Add a file; the same name replaces."""
        self.attachments = [a for a in self.attachments if a.name != part.name]
        self.attachments.append(part)

    def attach_paste(self, text: str) -> FilePart:
        """Add a paste that is too large to edit."""
        self._pastes += 1
        part = FilePart(f"pasted-{self._pastes}.txt", text)
        self.attach(part)
        return part

    def detach_last(self) -> bool:
        """Take the newest attachment away; whether there was one."""
        return bool(self.attachments and self.attachments.pop())

    def take(self, text: str) -> tuple[Part, ...]:
        """The parts of the message, attachments first; they are taken off the list."""
        parts: list[Part] = [*self.attachments]
        if text.strip():
            parts.append(TextPart(text))
        self.attachments = []
        return tuple(parts)

    def give_back(self, parts: Sequence[Part], place: str = "") -> str:
        """Put the parts of a failed send back where they were; the text for the composer."""
        given = [part for part in parts if isinstance(part, FilePart | ImagePart)]
        names = {part.name for part in given}
        attached = self._attached.get(place, [])
        self._attached[place] = given + [a for a in attached if a.name not in names]
        self._starting = {key: p for key, p in self._starting.items() if p is not parts}
        return _text(parts)

    def queue(self, session_id: str, parts: tuple[Part, ...]) -> None:
        """Send this when the running reply is done."""
        self._queued.setdefault(session_id, []).append(parts)

    def start(self, session_id: str, parts: tuple[Part, ...]) -> None:
        """This is on its way, but not yet saved as a message."""
        self._starting[session_id] = parts

    def settle(self, session_id: str) -> None:
        """The turn is over: what was on its way was sent, or was given back."""
        self._starting.pop(session_id, None)

    def was_sent(self, parts: tuple[Part, ...], messages: Sequence[Message]) -> bool:
        """Whether these very parts became a message."""
        return any(message.parts is parts for message in messages)

    def unsent(self, session_id: str, messages: Sequence[Message]) -> str:
        """The text that was sent or queued and is in no message yet."""
        parts = self._starting.get(session_id)
        waiting = [] if parts is None or self.was_sent(parts, messages) else [parts]
        waiting += self._queued.get(session_id, ())
        return "\n\n".join(filter(None, map(_text, waiting)))

    def edit(self, session_id: str, message: Message) -> None:
        """What is written will be a sibling of this message."""
        self._edited[session_id] = message

    def take_edited(self, session_id: str) -> Message | None:
        """The message that is edited, once."""
        return self._edited.pop(session_id, None)

    def keep_written(self, session_id: str, text: str) -> None:
        """Keep what stands in the composer while another session is shown."""
        self._written[session_id] = text

    def take_written(self, session_id: str) -> str | None:
        """What stood in the composer when the session was last shown; None at first."""
        return self._written.pop(session_id, None)

    def next_queued(self, session_id: str) -> tuple[Part, ...] | None:
        """The message that waits longest."""
        waiting = self._queued.get(session_id)
        return waiting.pop(0) if waiting else None

    def describe(self, session_id: str) -> str:
        """One line about attachments and queue; empty when there is nothing."""
        names = [f"{printable_line(a.name)} {size(_bytes(a))}" for a in self.attachments]
        waiting = len(self._queued.get(session_id, ()))
        if session_id in self._edited:
            names.insert(0, "edits an earlier message; Esc gives that up")
        if waiting:
            names.append(f"{waiting} queued")
        return "  ·  ".join(names)


def _text(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def _bytes(part: Attachment) -> int:
    return len(part.data) if isinstance(part, ImagePart) else byte_count(part.text)
