"""The content of a transcript entry: immutable values, built from messages and exchanges."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from replyscope.domain.exchange import Choice, Citation, Exchange, ReplyImage, RunKind, ToolCall
from replyscope.domain.message import (
    NOTE,
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    PromptPart,
    Role,
    byte_size,
)
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.unicode_text import byte_count
from replyscope.domain.values import dataclass
from replyscope.inspection.explain import Mood, Remedy, explain, has_text
from replyscope.inspection.figures import image_line, size
from replyscope.inspection.reply_parts import Passage, ReplyPart, joined_parts
from replyscope.ui.pictures.source import PictureError, PictureSource, reply_picture

REASONING, TEXT, REFUSAL = RunKind.REASONING, RunKind.TEXT, RunKind.REFUSAL


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of one sibling of a message: a choice, a retry or an edit."""

    key: str
    mood: Mood
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Attached:
    """A line about an attachment or an image, with its picture, or the address of one. A file
    that is not `is_drawn`, such as a recording, can only be opened.
    """

    line: str
    picture: PictureSource | None = None
    url: str = ""
    is_drawn: bool = True


@dataclass(frozen=True, slots=True)
class EntryContent:
    """The content of one entry. `summary` is a line of figures, for narrow screens only.
    `arranged` are the parts of a reply in the order of their arrival; without it reasoning, text,
    refusal and calls follow each other.
    """

    key: str
    role: Role
    title: str
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    arranged: tuple[ReplyPart, ...] = ()
    attachments: tuple[Attached, ...] = ()
    word: str = ""
    mood: Mood = Mood.GOOD
    notice: str = ""
    summary: str = ""
    tabs: tuple[Tab, ...] = ()
    citations: tuple[Citation, ...] = ()
    images: tuple[Attached, ...] = ()
    is_live: bool = False
    mark: str = ""
    """A word about the message in the next request: left out, or pinned."""

    @property
    def parts(self) -> tuple[ReplyPart, ...]:
        """The passages and calls in the order in which they are drawn."""
        if self.arranged:
            return self.arranged
        whole = ((REASONING, self.reasoning), (TEXT, self.text), (REFUSAL, self.refusal))
        return (*(Passage(kind, text) for kind, text in whole if text), *self.calls)


ContentOf = Callable[[str], EntryContent]
"""Returns the current content of the entry with a key."""


def no_content(key: str) -> EntryContent:
    """The content of an empty entry."""
    return EntryContent(key, Role.USER, "")


def user_content(message: Message) -> EntryContent:
    """The content of a person's message, with the names and sizes of its attachments."""
    attachments = []
    for part in message.parts:
        if isinstance(part, FilePart):
            line = f"{printable_line(part.name)} · {size(byte_count(part.text))}"
            attachments.append(Attached(line))
        elif isinstance(part, PromptPart):
            attachments.append(Attached(f"prompt {printable_line(part.short_name)}"))
        elif isinstance(part, AudioPart | DocumentPart):
            line = f"{printable_line(part.name)} · {size(byte_size(part))}"
            if isinstance(part, DocumentPart):
                line += f" · {plural(part.page_count, 'page')}"
            attachments.append(Attached(line))
        elif isinstance(part, ImagePart):
            line = f"{printable_line(part.name)} · {size(len(part.data))}"
            attachments.append(_attached(line, PictureSource(part.name, part.data)))
    return EntryContent(
        key=message.id,
        role=Role.USER if message.role is Role.ASIDE else message.role,
        title="you, aside" if message.role is Role.ASIDE else "you",
        text=message.text or notes_of(message),
        attachments=tuple(attachments),
    )


def notes_of(message: Message) -> str:
    """The sentences for the person in a message."""
    notes = (part for part in message.parts if isinstance(part, OpaquePart))
    return "\n".join(part.payload for part in notes if part.kind == NOTE)


def reply_content(
    message: Message,
    exchanges: Mapping[str, Exchange],
    *,
    possible: Container[Remedy] = frozenset(Remedy),
) -> EntryContent:
    """The content of a reply, from its exchanges; the notice describes the newest one's end.

    `possible` are the remedies whose keys work now on the screen that shows the reply.
    """
    sources = [s for s in message.sources if s.exchange_id in exchanges]
    if not sources:
        return EntryContent(message.id, Role.ASSISTANT, "reply")
    choices: list[Choice] = [exchanges[s.exchange_id].choice(s.choice_index) for s in sources]
    parts = tuple(joined_parts(choices))
    newest = exchanges[sources[-1].exchange_id]
    is_begun = has_text(message, exchanges)
    ending = explain(newest, sources[-1].choice_index, is_begun=is_begun)
    remedies = tuple(remedy for remedy in ending.remedies if remedy in possible)
    return EntryContent(
        key=message.id,
        role=Role.ASSISTANT,
        title=printable_line(newest.answered_model or newest.model),
        text="\n\n".join(_words(parts, TEXT)),
        reasoning="\n\n".join(_words(parts, REASONING)),
        refusal="".join(_words(parts, REFUSAL)),
        calls=tuple(part for part in parts if isinstance(part, ToolCall)),
        arranged=parts,
        citations=tuple(c for choice in choices for c in choice.citations),
        images=tuple(_image(image) for choice in choices for image in choice.images),
        word=ending.word,
        mood=ending.mood,
        notice=_notice(ending.mood, ending.sentence, remedies),
        is_live=not newest.state.is_terminal and not newest.is_detached,
    )


def _words(parts: Iterable[ReplyPart], kind: RunKind) -> Iterator[str]:
    return (part.markdown for part in parts if isinstance(part, Passage) and part.kind is kind)


def _image(image: ReplyImage) -> Attached:
    line = printable_line(image_line(image))
    picture = reply_picture(image)
    if not image.is_picture:
        return Attached(line, picture, image.url, is_drawn=False)
    return Attached(line, url=image.url) if picture is None else _attached(line, picture)


def _attached(line: str, picture: PictureSource) -> Attached:
    """A line about a picture, with its dimensions where its header has them."""
    try:
        header = picture.header
    except PictureError:
        return Attached(line, picture)
    return Attached(f"{line} · {header.width}×{header.height}", picture)


REMEDY_COMMANDS = {
    Remedy.CONTINUE: "/continue",
    Remedy.RESUME: "/continue",
    Remedy.RETRY: "/retry",
    Remedy.RAISE_LIMIT: "/raise limit",
    Remedy.RUN_TOOLS: "/run tools",
}
"""Each remedy with its command, which can be typed with every focus. Its key is a letter, which
the composer would type; the footer shows it where it works.
"""


def _notice(mood: Mood, sentence: str, remedies: tuple[Remedy, ...]) -> str:
    """The notice under a reply; empty after a normal end."""
    if mood is Mood.LIVE or (mood is Mood.GOOD and not remedies):
        return ""
    commands = "  ".join(REMEDY_COMMANDS[remedy] for remedy in remedies)
    return f"{printable_line(sentence)}\n{commands}".rstrip()
