"""Formats a session as plain text, for `sessions show`."""

from collections.abc import Mapping, Sequence

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    PromptPart,
    ReasoningPart,
    ToolCallPart,
    byte_size,
)
from replyscope.domain.printable import exact_line, printable_line, printable_text
from replyscope.inspection.arguments import one_line
from replyscope.inspection.asked_rows import asked_rows
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import cost, count, rate, seconds, size, whole_time
from replyscope.inspection.findings import find_oddities

_KINDS = {FilePart: "file", ImagePart: "image", AudioPart: "audio", DocumentPart: "PDF"}


def session_report(messages: Sequence[Message], exchanges: Mapping[str, Exchange]) -> str:
    """The messages of a branch, each reply with a summary of its exchanges."""
    blocks = []
    for message in messages:
        sources = [exchanges[s.exchange_id] for s in message.sources if s.exchange_id in exchanges]
        name = printable_line(sources[0].model) if sources else message.role.value
        lines = [f"── {name} ──", *_message_lines(message)]
        for exchange in sources:
            lines += ["", *exchange_lines(exchange)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _message_lines(message: Message) -> list[str]:
    lines: list[str] = []
    for part in message.parts:
        match part:
            case FilePart() | ImagePart() | AudioPart() | DocumentPart():
                kind = _KINDS[type(part)]
                lines.append(f"[{kind} {printable_line(part.name)}, {size(byte_size(part))}]")
            case PromptPart():
                lines.append(f"[prompt {printable_line(part.short_name)}]")
            case ReasoningPart(text=text):
                lines.append(f"[reasoning, {len(text):,} characters]")
            case ToolCallPart(name=name, arguments=arguments):
                lines.append(exact_line(f"[tool {name}({one_line(arguments, 200)})]"))
    text = message.text
    return [printable_text(text), *lines] if text else lines


def exchange_lines(exchange: Exchange) -> list[str]:
    """A summary of an exchange: finish reason, usage, cost, timing and findings."""
    ending = explain(exchange)
    usage, timing = exchange.usage, exchange.timing
    lines = [
        f"   finish  {ending.word}: {printable_line(ending.sentence)}",
        f"   tokens  in {count(usage.input_tokens if usage else None)}, "
        f"out {count(usage.output_tokens if usage else None)}",
        f"   cost    {cost(exchange)}",
        f"   time    {seconds(timing.first_token_ms)} to first token, "
        f"{whole_time(exchange)} total, {rate(exchange)}",
    ]
    lines += [
        f"   {label:<7} {printable_line(text)}" for label, text in asked_rows(exchange.extras)
    ]
    return [*lines, *(f"   note    {printable_line(note)}" for note in find_oddities(exchange))]
