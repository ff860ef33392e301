"""The unsent parts of each session: draft, attachments and queued messages.

Invariant: each session has a draft and attachments of its own. A file that was attached in
one session is never sent from another.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from replyscope.domain.message import (
    Attachment,
    FilePart,
    ImagePart,
    Message,
    Part,
    PromptPart,
    TextPart,
    byte_size,
)
from replyscope.domain.picture import ENOUGH, read_picture
from replyscope.domain.printable import printable_line
from replyscope.domain.session import Draft
from replyscope.inspection.context import attachment_tokens
from replyscope.inspection.figures import size

_MOST_NAMED = 5


class Pending:
    """The drafts, attachments and queues of all sessions, by session id."""

    def __init__(self) -> None:
        self._attached: dict[str, list[Attachment]] = {}
        self._place = ""
        self._queued: dict[str, list[tuple[Part, ...]]] = {}
        self._starting: dict[str, tuple[Part, ...]] = {}
        self._written: dict[str, Draft] = {}
        self._edited: dict[str, Message] = {}
        self._reading: dict[str, list[str]] = {}
        self._read_from: dict[tuple[str, str, str], Attachment] = {}
        """The newest attachment by session id, source and own name."""

    @property
    def attachments(self) -> list[Attachment]:
        """The attachments of the message being written."""
        return self.attached_in(self._place)

    @attachments.setter
    def attachments(self, attachments: list[Attachment]) -> None:
        self._attached[self._place] = attachments

    @property
    def has_files(self) -> bool:
        """Whether something other than a prompt is attached to the message being written."""
        return any(not isinstance(part, PromptPart) for part in self.attachments)

    def attached_in(self, session_id: str) -> list[Attachment]:
        """The attachments of the message being written in a session."""
        return self._attached.setdefault(session_id, [])

    def turn_to(self, session_id: str, saved: Sequence[Attachment] = ()) -> None:
        """Switch to another session. `saved` are the attachments of its saved draft. They are
        used unless newer ones are known.
        """
        self._place = session_id
        self._attached.setdefault(session_id, list(saved))

    def attach(self, part: Attachment, session_id: str | None = None, source: str = "") -> None:
        """Attach a file, by default in the open session. It replaces the file that was read from
        the same `source` before; another file of the same name is numbered.
        """
        place = self._place if session_id is None else session_id
        earlier = self._read_from.get((place, source, part.name)) if source else None
        others = [one for one in self.attached_in(place) if one is not earlier]
        attached = self._attached[place] = _together(others, [part])
        self._read_from = {
            key: one
            for key, one in self._read_from.items()
            if any(one is known for known in self.attached_in(key[0]))
        }
        same = others.index(part) if part in others else -1
        self._read_from[place, source, part.name] = attached[same]

    def add(self, parts: Sequence[Attachment]) -> None:
        """Attach files. A file whose name exists already gets another name."""
        self.attachments = _together(self.attachments, parts)

    def use_prompts(self, prompts: Sequence[PromptPart], *, keeps: bool) -> None:
        """Record the prompts of the message being written. With `keeps` earlier prompts stay."""
        others = [one for one in self.attachments if keeps or not isinstance(one, PromptPart)]
        self.attachments = _together(others, prompts)

    def attach_paste(self, text: str) -> FilePart:
        """Attach a paste that is too large to edit."""
        part = FilePart(self.paste_name("txt"), text)
        self.attach(part)
        return part

    def paste_name(self, suffix: str, session_id: str | None = None) -> str:
        """A name for a paste that no attachment has, by default in the open session."""
        place = self._place if session_id is None else session_id
        names = {attached.name for attached in self.attached_in(place)}
        number = 1
        while f"pasted-{number}.{suffix}" in names:
            number += 1
        return f"pasted-{number}.{suffix}"

    def start_reading(self, session_id: str, name: str) -> None:
        """Record that a file is being read. It is attached when that has ended."""
        self._reading.setdefault(session_id, []).append(name)

    def end_reading(self, session_id: str, name: str) -> None:
        """Record that a file was read, or could not be."""
        self._reading[session_id].remove(name)

    def being_read(self, session_id: str) -> Sequence[str]:
        """The names of the files that are being read."""
        return self._reading.get(session_id, ())

    def all_being_read(self) -> tuple[str, ...]:
        """The names of the files that are being read, of all sessions."""
        return tuple(name for names in self._reading.values() for name in names)

    def detach_last(self) -> bool:
        """Remove the newest attachment. Returns whether one existed."""
        return bool(self.attachments and self.attachments.pop())

    def parts(self, text: str) -> tuple[Part, ...]:
        """The parts of the message, attachments first."""
        return (*self.attachments, *((TextPart(text),) if text.strip() else ()))

    def take(self, text: str) -> tuple[Part, ...]:
        """The parts of the message. The attachments are removed here."""
        parts = self.parts(text)
        self.attachments = []
        return parts

    def give_back(self, parts: Sequence[Part], session_id: str) -> str:
        """Restore the parts of a failed send. Returns the text for the composer."""
        self._attached[session_id] = _together(_files(parts), self.attached_in(session_id))
        self._starting = {key: p for key, p in self._starting.items() if p is not parts}
        return _text(parts)

    def queue(self, session_id: str, parts: tuple[Part, ...]) -> None:
        """Queue a message, to be sent after the running reply."""
        self._queued.setdefault(session_id, []).append(parts)

    def start(self, session_id: str, parts: tuple[Part, ...]) -> None:
        """Record the parts of a turn that starts. They are not saved as a message yet."""
        self._starting[session_id] = parts

    def settle(self, session_id: str) -> None:
        """Forget the parts of a turn that ended: they were sent or restored."""
        self._starting.pop(session_id, None)

    def was_sent(self, parts: tuple[Part, ...], messages: Sequence[Message]) -> bool:
        """Whether one of the messages has these parts, the same object."""
        return any(message.parts is parts for message in messages)

    def with_unsent(self, session_id: str, messages: Sequence[Message], draft: Draft) -> Draft:
        """The draft to save. It begins with the parts that were sent or queued, but are not in a
        message yet.
        """
        parts = self._starting.get(session_id)
        waiting = [] if parts is None or self.was_sent(parts, messages) else [parts]
        waiting += self._queued.get(session_id, ())
        unsent = "\n\n".join(filter(None, map(_text, waiting)))
        if not waiting:
            return draft
        files: list[Attachment] = []
        for one in waiting:
            files = _together(files, _files(one))
        text = "\n\n".join(filter(None, (unsent, draft.text)))
        before = len(text) - len(draft.text)
        return Draft(
            text,
            tuple(_together(files, draft.attachments)),
            None if draft.cursor is None else before + draft.cursor,
        )

    def edit(self, session_id: str, message: Message) -> None:
        """Make the draft a sibling of this message."""
        self._edited[session_id] = message

    def is_editing(self, session_id: str) -> bool:
        """Whether the draft is a sibling of an earlier message."""
        return session_id in self._edited

    @property
    def edited(self) -> Message | None:
        """The earlier message whose sibling the message being written becomes."""
        return self._edited.get(self._place)

    def take_edited(self, session_id: str) -> Message | None:
        """Return the message that is edited, and forget it."""
        return self._edited.pop(session_id, None)

    def keep_written(self, session_id: str, draft: Draft) -> None:
        """Keep the draft of a session while another session is open."""
        self._written[session_id] = draft

    def add_written(self, session_id: str, text: str) -> None:
        """Prepend a text to the draft of a session that is not open."""
        written = self.written_in(session_id)
        self._written[session_id] = replace(written, text=joined(text, written.text), cursor=None)

    def take_written(self, session_id: str) -> Draft | None:
        """Return and remove the draft that was kept for a session; None without one."""
        return self._written.pop(session_id, None)

    def written_in(self, session_id: str) -> Draft:
        """The draft of a session that is not open."""
        written = self._written.get(session_id, Draft())
        return replace(written, attachments=tuple(self.attached_in(session_id)))

    def forget(self, session_id: str) -> None:
        """Remove everything of a session that was permanently deleted."""
        for known in (self._attached, self._queued, self._starting, self._written, self._edited):
            known.pop(session_id, None)

    def queued_count(self, session_id: str) -> int:
        """The number of queued messages."""
        return len(self._queued.get(session_id, ()))

    def next_queued(self, session_id: str) -> tuple[Part, ...] | None:
        """Remove the oldest queued message, and return its parts; None without one."""
        waiting = self._queued.get(session_id)
        return waiting.pop(0) if waiting else None

    def describe(
        self, session_id: str, form_of: Callable[[Attachment], str] = lambda _part: ""
    ) -> str:
        """A line about attachments and queued messages; empty without them. `form_of` describes
        how an attachment is sent.
        """
        names = [_line(part, form_of(part)) for part in self.attachments]
        if len(names) > _MOST_NAMED:
            tokens = sum(map(attachment_tokens, self.attachments))
            names[_MOST_NAMED:] = [
                f"and {len(names) - _MOST_NAMED} more, together ≈{tokens:,} tokens"
            ]
        names += [f"{printable_line(name)} …" for name in self.being_read(session_id)]
        waiting = self.queued_count(session_id)
        if self.is_editing(session_id):
            names.insert(0, "edits an earlier message  [Esc] cancel")
        if waiting:
            names.append(f"{waiting} queued")
        return "  ·  ".join(names)


def joined(*texts: str) -> str:
    """Join the texts as paragraphs, without empty texts."""
    return "\n\n".join(filter(str.strip, texts))


def _text(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def _files(parts: Sequence[Part]) -> list[Attachment]:
    return [part for part in parts if isinstance(part, Attachment)]


def _together(first: Sequence[Attachment], second: Sequence[Attachment]) -> list[Attachment]:
    """Merge two lists of attachments without duplicates. Different files of the same name are
    numbered, so that none is lost.
    """
    together = list(first)
    for part in second:
        if part in together:
            continue
        if isinstance(part, PromptPart):  # its name has a meaning
            together.append(part)
            continue
        names = {known.name for known in together}
        name, number = part.name, 2
        while name in names:
            name, number = f"{number}-{part.name}", number + 1
        together.append(replace(part, name=name) if name != part.name else part)
    return together


def _line(part: Attachment, form: str) -> str:
    """An attachment's name, size and estimated tokens, and how it is sent."""
    if isinstance(part, PromptPart):
        return f"prompt {printable_line(part.short_name)}"
    words = [printable_line(part.name), size(byte_size(part))]
    picture = read_picture(part.data[:ENOUGH]) if isinstance(part, ImagePart) else None
    if picture is not None and picture.width:
        words.append(f"{picture.width}×{picture.height}")
    words.append(f"≈{attachment_tokens(part):,} tokens")
    return " ".join((*words, f"({form})") if form else words)
