"""The content of a transcript entry: immutable values, built from messages and exchanges."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from replyscope.domain.exchange import APPROVAL, Choice, Citation, Exchange, ReplyImage, ToolCall
from replyscope.domain.message import FilePart, ImagePart, Message, Role
from replyscope.domain.printable import printable_line
from replyscope.domain.unicode_text import byte_count
from replyscope.inspection.explain import Mood, Remedy, explain
from replyscope.inspection.figures import size


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of one sibling of a message: a choice, a retry or an edit."""

    key: str
    mood: Mood
    is_shown: bool


@dataclass(frozen=True, slots=True)
class EntryContent:
    """The content of one entry. `summary` is a line of figures, for narrow screens only; `lead`
    is the number of calls that came before the text.
    """

    key: str
    role: Role
    title: str
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    lead: int = 0
    attachments: tuple[str, ...] = ()
    word: str = ""
    mood: Mood = Mood.GOOD
    notice: str = ""
    summary: str = ""
    tabs: tuple[Tab, ...] = ()
    citations: tuple[Citation, ...] = ()
    images: tuple[ReplyImage, ...] = ()
    is_live: bool = False


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
            attachments.append(f"{printable_line(part.name)} · {size(byte_count(part.text))}")
        elif isinstance(part, ImagePart):
            attachments.append(f"{printable_line(part.name)} · {size(len(part.data))}")
    return EntryContent(
        key=message.id,
        role=message.role,
        title="you",
        text=message.text,
        attachments=tuple(attachments),
    )


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
    newest = exchanges[sources[-1].exchange_id]
    ending = explain(newest, sources[-1].choice_index)
    remedies = tuple(remedy for remedy in ending.remedies if remedy in possible)
    return EntryContent(
        key=message.id,
        role=Role.ASSISTANT,
        title=printable_line(newest.answered_model or newest.model),
        text="".join(readable_text(choice) for choice in choices),
        reasoning="\n\n".join(c.reasoning for c in choices if c.reasoning),
        refusal="".join(c.refusal or "" for c in choices),
        calls=tuple(call for choice in choices for call in choice.tool_calls),
        lead=_calls_before_text(choices),
        citations=tuple(c for choice in choices for c in choice.citations),
        images=tuple(image for choice in choices for image in choice.images),
        word=ending.word,
        mood=ending.mood,
        notice=_notice(ending.mood, ending.sentence, remedies),
        is_live=not newest.state.is_terminal and not newest.is_detached,
    )


def _calls_before_text(choices: Sequence[Choice]) -> int:
    """The number of calls that came before the first text, by the order of the output items.

    Chat Completions has no order of items: there, calls follow the text of their choice.
    """
    before = 0
    for choice in choices:
        if choice.text:
            kinds = [item.kind for item in choice.items]
            kinds = kinds[: kinds.index("message")] if "message" in kinds else kinds
            calls = sum(kind.endswith("_call") or kind == APPROVAL for kind in kinds)
            return before + min(calls, len(choice.tool_calls))
        before += len(choice.tool_calls)
    return 0


def readable_text(choice: Choice) -> str:
    """The text of a choice, with its sections as paragraphs. It only grows while it streams."""
    if not choice.sections:
        return choice.text
    pieces: list[str] = []
    ends = [section.start for section in choice.sections[1:]] + [len(choice.text)]
    for section, end in zip(choice.sections, ends, strict=True):
        if pieces:
            pieces.append("\n\n")
        if section.phase == "commentary":
            pieces.append("*commentary*\n\n")
        pieces.append(choice.text[section.start : end])
    return "".join(pieces)


REMEDY_KEYS = {
    Remedy.CONTINUE: "[c] continue",
    Remedy.RESUME: "[c] resume",
    Remedy.RETRY: "[r] retry",
    Remedy.RAISE_LIMIT: "[m] raise limit",
    Remedy.RUN_TOOLS: "[t] run tools",
}
"""Each remedy with the key that runs it."""


def _notice(mood: Mood, sentence: str, remedies: tuple[Remedy, ...]) -> str:
    """The notice under a reply; empty after a normal end."""
    if mood is Mood.LIVE or (mood is Mood.GOOD and not remedies):
        return ""
    keys = "  ".join(REMEDY_KEYS[remedy] for remedy in remedies)
    return f"{printable_line(sentence)}\n{keys}".rstrip()
