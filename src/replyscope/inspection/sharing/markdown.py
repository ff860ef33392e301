"""A session as Markdown with a front matter: its branch, readable as it is."""

import json
import re

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import FilePart, ImagePart, Message, Role, TextPart
from replyscope.domain.shared import Clean, Shared
from replyscope.inspection.arguments import one_line, readable_result
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import cost, count, seconds, size
from replyscope.inspection.json_view import iso


def session_markdown(shared: Shared, clean: Clean) -> str:
    """The whole text, one line break at its end."""
    session = shared.session
    front = {
        "title": clean(session.title),
        "id": session.id,
        "created": iso(session.created_at),
        "updated": iso(session.updated_at),
        "models": sorted({exchange.model for exchange in shared.exchanges.values()}),
        "tags": list(shared.tags),
    }
    head = "\n".join(f"{name}: {json.dumps(v, ensure_ascii=False)}" for name, v in front.items())
    blocks = [f"---\n{head}\n---", f"# {clean(session.title)}"]
    if session.settings.system:
        blocks.append(f"## system\n\n{clean(session.settings.system)}")
    for message in shared.branch:
        if message.role is Role.ASSISTANT:
            blocks += _reply(shared, message, clean)
        elif message.role is not Role.TOOL:
            blocks.append(f"## {message.role.value}\n\n{_said(message, clean)}".rstrip())
    return "\n\n".join(blocks) + "\n"


def _said(message: Message, clean: Clean) -> str:
    pieces = []
    for part in message.parts:
        match part:
            case TextPart(text=text):
                pieces.append(clean(text))
            case FilePart(name=name, text=text):
                pieces.append(f"**{clean(name)}**\n\n{fenced(clean(text))}")
            case ImagePart(name=name, data=data):
                pieces.append(f"*image {clean(name)}, {size(len(data))}*")
    return "\n\n".join(pieces)


def _reply(shared: Shared, message: Message, clean: Clean) -> list[str]:
    blocks = []
    results = shared.results_of(message)
    for number, (exchange, index) in enumerate(shared.exchanges_of(message)):
        choice = exchange.choice(index)
        if not number:
            blocks.append(f"## {exchange.answered_model or exchange.model}")
        if choice.reasoning:
            quoted = "\n".join(f"> {line}" for line in clean(choice.reasoning).split("\n"))
            blocks.append(quoted)
        blocks += [clean(said) for said in (choice.text, choice.refusal) if said]
        for call in choice.tool_calls:
            part = results.get(call.id)
            result = part.output if part is not None else call.result
            blocks.append(f"`{clean(call.name)}({clean(one_line(call.arguments, 2_000))})`")
            if result:
                blocks.append(fenced(clean(readable_result(result))))
        blocks.append(f"*{_facts(exchange, index)}*")
    return blocks


def _facts(exchange: Exchange, index: int) -> str:
    usage = exchange.usage
    into, out = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
    return (
        f"{explain(exchange, index).word} · {count(into)} tokens in, {count(out)} out · "
        f"{seconds(exchange.timing.duration_ms)} · {cost(exchange)}"
    )


def fenced(text: str) -> str:
    """A code block that the text can't end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"
