"""Writes the branch of a session as Markdown with a front matter.

Messages of other branches follow at the end. Headings inside messages are demoted below the
heading of the message.
"""

import json
from collections.abc import Iterator, Mapping

from replyscope.domain.exchange import Choice, Exchange, RunKind, ToolCall
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
    TextPart,
    ToolResultPart,
)
from replyscope.domain.printable import exact_line
from replyscope.domain.shared import Clean, Shared
from replyscope.inspection.arguments import one_line, readable_result
from replyscope.inspection.explain import Mood, explain
from replyscope.inspection.figures import cost, count, image_line, size, whole_time
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.json_view import iso
from replyscope.inspection.reply_parts import reply_parts
from replyscope.inspection.sharing.fences import closed, fenced
from replyscope.inspection.sharing.headings import demoted
from replyscope.inspection.sharing.reply_redaction import clean_choice

_CALL_WIDTH = 2_000


def session_markdown(shared: Shared, clean: Clean) -> str:
    """The Markdown text, with one line break at its end."""
    shared = shared.told()
    session = shared.session
    front = {
        "title": clean(session.title),
        "id": session.id,
        "created": iso(session.created_at),
        "updated": iso(session.updated_at),
        "models": sorted({clean(exchange.model) for exchange in shared.exchanges.values()}),
        "tags": [clean(tag) for tag in shared.tags],
    }
    head = "\n".join(f"{name}: {json.dumps(v, ensure_ascii=False)}" for name, v in front.items())
    blocks = [f"---\n{head}\n---", f"# {_line(clean(session.title))}"]
    if session.settings.system:
        system = demoted(clean(session.settings.system), _level("##"))
        blocks.append(f"## system\n\n{closed(system)}")
    writer = _Writer(shared, clean)
    for message in shared.branch:
        blocks += writer.message(message, "##")
    blocks += writer.detours()
    return "\n\n".join(blocks) + "\n"


def _level(heading: str) -> int:
    """The number of levels by which headings of a message below this heading are demoted."""
    return len(heading)


def _line(text: str) -> str:
    return " ".join(text.split())


class _Writer:
    """Writes the messages of one session."""

    def __init__(self, shared: Shared, clean: Clean) -> None:
        self._shared = shared
        self._clean = clean
        self._results = shared.results()

    def message(self, message: Message, level: str) -> Iterator[str]:
        """The blocks of a message under a heading of the given level."""
        if message.role is Role.ASSISTANT:
            yield from self._reply(message, level)
        elif message.role is not Role.TOOL:
            head = f"{message.role.value}{self._mark(message)}"
            yield f"{level} {head}\n\n{self._said(message, level)}".rstrip()

    def _mark(self, message: Message) -> str:
        mark = self._shared.session.settings.mark_of(message.id)
        return f" ({mark})" if mark else ""

    def detours(self) -> Iterator[str]:
        """The messages of other branches."""
        by_id = {message.id: message for message in self._shared.messages}
        stretches = [s for found in self._shared.detours().values() for s in found]
        told = False
        for stretch in stretches:
            blocks = [block for m in stretch for block in self.message(m, "####")]
            if not blocks:
                continue
            if not told:
                yield "---\n\n## Other branches"
                told = True
            parent = by_id.get(stretch[0].parent_id or "")
            words = _line(self._clean(self._words(parent)))[:80] if parent is not None else ""
            yield f"### After “{words}”" if words else "### Another beginning"
            yield from blocks

    def _words(self, message: Message) -> str:
        if message.role is not Role.ASSISTANT:
            return message.text
        return "".join(e.choice(n).text for e, n in self._shared.exchanges_of(message))

    def _said(self, message: Message, level: str) -> str:
        clean = self._clean
        pieces = []
        for part in message.parts:
            match part:
                case TextPart(text=text):
                    pieces.append(closed(demoted(clean(text), _level(level))))
                case FilePart(name=name, text=text) | DocumentPart(name=name, text=text):
                    pieces.append(f"**{_line(clean(name))}**\n\n{fenced(clean(text))}")
                case ImagePart(name=name, data=data):
                    pieces.append(f"*image {_line(clean(name))}, {size(len(data))}*")
                case PromptPart():
                    pieces.append(f"*prompt {_line(clean(part.short_name))}*")
                case OpaquePart(kind=kind, payload=text) if kind == NOTE:
                    pieces.append(f"*{_line(clean(text))}*")
                case AudioPart(name=name, data=data):
                    pieces.append(f"*audio {_line(clean(name))}, {size(len(data))}*")
        return "\n\n".join(pieces)

    def _reply(self, message: Message, level: str) -> Iterator[str]:
        results = self._results.get(message.id, {})
        for number, (exchange, index) in enumerate(self._shared.exchanges_of(message)):
            if not number:
                name = _line(self._clean(exchange.answered_model or exchange.model))
                yield f"{level} {name}{self._mark(message)}"
            yield from self._choice(exchange.choice(index), results, level)
            yield self._facts(exchange, index)

    def _choice(
        self, choice: Choice, results: Mapping[str, ToolResultPart], level: str
    ) -> Iterator[str]:
        clean, deeper = self._clean, _level(level)
        for part in reply_parts(clean_choice(choice, clean)):
            if isinstance(part, ToolCall):
                yield from self._call(part, results.get(part.id))
                continue
            said = closed(demoted(part.markdown, deeper))
            if part.kind is RunKind.REASONING:
                said = "\n".join(f"> {line}".rstrip() for line in said.split("\n"))
            yield said
        for image in choice.images:
            yield f"*{_line(clean(image_line(image)))}*"
        sources = dict.fromkeys((c.title or c.url or c.kind, c.url) for c in choice.citations)
        if sources:
            yield "\n".join(
                f"{n}. {_line(clean(title))}{f' <{clean(url)}>' if url and url != title else ''}"
                for n, (title, url) in enumerate(sources, start=1)
            )

    def _call(self, call: ToolCall, part: ToolResultPart | None) -> Iterator[str]:
        clean = self._clean
        said = f"{exact_line(clean(call.name))}({clean(one_line(call.arguments, _CALL_WIDTH))})"
        tick = "``" if "`" in said else "`"
        yield f"{tick}{_line(said)}{tick} {call.state.value}"
        result = part.output if part is not None else call.result
        if result:
            yield fenced(clean(readable_result(result)))

    def _facts(self, exchange: Exchange, index: int) -> str:
        usage = exchange.usage
        into, out = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
        ending = explain(exchange, index)
        facts = (
            f"*{ending.word} · {count(into)} tokens in, {count(out)} out · "
            f"{whole_time(exchange)} · {cost(exchange)}*"
        )
        notes = [] if ending.mood is Mood.GOOD else [ending.sentence]
        notes += [f"finding: {finding}" for finding in find_oddities(exchange)]
        return "\n".join([facts, *(f"\n*{_line(self._clean(note))}*" for note in notes)])
