"""Sessions as one HTML file that needs nothing else: no script, no font, no picture from
elsewhere. What a model, a tool or a person wrote is text in it, never markup.
"""

import base64
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from replyscope.domain.exchange import Choice, Exchange, ToolCall
from replyscope.domain.message import FilePart, ImagePart, Message, Role, TextPart, ToolResultPart
from replyscope.domain.printable import printable_text
from replyscope.domain.shared import Clean, Shared
from replyscope.inspection.arguments import readable_arguments, readable_result
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import cost, count, rate, seconds, size
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.json_view import iso
from replyscope.inspection.sharing.html_style import STYLE
from replyscope.inspection.timeline import Timeline, timeline_of

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def page_start(title: str) -> str:
    """Everything before the first session."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )


def page_end(note: str) -> str:
    """Everything after the last session; `note` says what was taken out."""
    return f"<footer>Made with replyscope. {_text(note)}</footer>\n</main>\n</body>\n</html>\n"


def session_html(shared: Shared, clean: Clean) -> str:
    """One session: its branch, with what each reply was made of folded under it."""
    session = shared.session
    models = sorted({exchange.model for exchange in shared.exchanges.values()})
    about = " · ".join([iso(session.created_at)[:16].replace("T", " "), *models, *shared.tags])
    pieces = [f"<section>\n<h1>{_text(clean(session.title))}</h1>"]
    pieces.append(f'<p class="about">{_text(about)}</p>')
    if session.settings.system:
        body = _markdown(clean(session.settings.system))
        pieces.append(f'<article class="system"><h2>system</h2>{body}</article>')
    for message in shared.branch:
        if message.role is Role.ASSISTANT:
            pieces.append(_reply(shared, message, clean))
        elif message.role is not Role.TOOL:
            body = "".join(_parts(message, clean))
            pieces.append(f'<article class="user"><h2>you</h2>{body}</article>')
    return "\n".join([*pieces, "</section>\n"])


def _text(text: str) -> str:
    return escape(printable_text(text))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 24}).enable(
        ["table", "strikethrough"]
    )

    def image(renderer: Any, tokens: Any, at: int, _options: Any, _env: Any) -> str:
        token = tokens[at]
        source = str(token.attrGet("src") or "")
        return f"[{escape(token.content or 'image')}: {escape(source)}]"

    def link(renderer: Any, tokens: Any, at: int, _options: Any, _env: Any) -> str:
        target = str(tokens[at].attrGet("href") or "")
        if not target.lower().startswith(("http://", "https://", "mailto:", "#")):
            return "<a>"
        return f'<a href="{escape(target)}" rel="noopener noreferrer">'

    parser.add_render_rule("image", image)
    parser.add_render_rule("link_open", link)
    return parser


def _markdown(text: str) -> str:
    return str(_parser().render(printable_text(text)))


def _parts(message: Message, clean: Clean) -> Iterator[str]:
    for part in message.parts:
        match part:
            case TextPart(text=text):
                yield _markdown(clean(text))
            case FilePart(name=name, text=text):
                yield _folded(clean(name), f"<pre>{_text(clean(text))}</pre>")
            case ImagePart(name=name, media_type=kind, data=data):
                yield _picture(clean(name), kind, data)


def _picture(name: str, media_type: str, data: bytes) -> str:
    label = f"{name}, {size(len(data))}"
    if media_type not in _PICTURES:
        return f"<p>[{_text(label)}]</p>"
    url = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
    return f'<p><img src="{url}" alt="{_text(label)}"></p>'


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{_text(title)}</summary>{body}</details>"


def _reply(shared: Shared, message: Message, clean: Clean) -> str:
    pairs = list(shared.exchanges_of(message))
    if not pairs:
        return ""
    newest, index = pairs[-1]
    ending = explain(newest, index)
    name = newest.answered_model or newest.model
    head = f'{_text(name)}<span class="badge {ending.mood.value}">● {_text(ending.word)}</span>'
    results = shared.results_of(message)
    body = "".join(_said(exchange.choice(choice), results, clean) for exchange, choice in pairs)
    about = "".join(_about(exchange, choice, results, clean) for exchange, choice in pairs)
    return f'<article class="assistant"><h2>{head}</h2>{body}{about}</article>'


def _said(choice: Choice, results: Mapping[str, ToolResultPart], clean: Clean) -> str:
    pieces = []
    if choice.reasoning:
        pieces.append(_folded("reasoning", f"<pre>{_text(clean(choice.reasoning))}</pre>"))
    if choice.text:
        pieces.append(_markdown(clean(choice.text)))
    if choice.refusal:
        pieces.append(f"<blockquote>{_markdown(clean(choice.refusal))}</blockquote>")
    pieces += [_call(call, results.get(call.id), clean) for call in choice.tool_calls]
    if choice.citations:
        sources = (c.title or c.url or c.file_id or c.kind for c in choice.citations)
        listed = "".join(f"<li>{_text(clean(source))}</li>" for source in sources)
        pieces.append(f"<ol>{listed}</ol>")
    return "".join(pieces)


def _call(call: ToolCall, part: ToolResultPart | None, clean: Clean) -> str:
    state = part.state if part is not None else call.state
    took = part.duration_ms if part is not None else call.duration_ms
    title = f"⚙ {call.name} · {state.value}{f' · {seconds(took)}' if took is not None else ''}"
    body = f"<pre>{_text(clean(readable_arguments(call)))}</pre>"
    result = part.output if part is not None else call.result
    if result:
        body += f"<pre>{_text(clean(readable_result(result)))}</pre>"
    if part is not None and part.allowed_by:
        body += f'<p class="about">allowed by {_text(part.allowed_by)}</p>'
    return _folded(clean(title), body)


def _about(
    exchange: Exchange, index: int, results: Mapping[str, ToolResultPart], clean: Clean
) -> str:
    usage, timing = exchange.usage, exchange.timing
    into, out = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
    ending = explain(exchange, index)
    rows = [
        ("finish", f"{ending.word}. {ending.sentence}"),
        ("tokens", f"{count(into)} in, {count(out)} out"),
        ("cost", cost(exchange)),
        ("time", f"{seconds(timing.first_token_ms)} to first token, "
                 f"{seconds(timing.duration_ms)} in all, {rate(exchange)}"),
        ("model", f"asked {exchange.model}, answered {exchange.answered_model or '—'}"),
        ("api", f"{exchange.api.value} · {exchange.response_id or 'no id'}"),
        *(("finding", finding) for finding in find_oddities(exchange)),
    ]  # fmt: skip
    listed = "".join(f"<dt>{_text(a)}</dt><dd>{_text(clean(b))}</dd>" for a, b in rows)
    took = seconds(timing.duration_ms)
    summary = f"{count(into)} in · {count(out)} out · {took} · {cost(exchange)}"
    drawn = _timeline(timeline_of(exchange, (), results))
    return _folded(summary, f'<dl class="facts">{listed}</dl>{drawn}')


def _timeline(timeline: Timeline) -> str:
    """Bars under each other, each with its name and length."""
    end = timeline.end_ms or 1.0
    rows = []
    for number, bar in enumerate(timeline.bars[:40]):
        x, width = 120 + bar.start_ms / end * 560, (bar.end_ms - bar.start_ms) / end * 560
        y = number * 18
        rows.append(
            f'<text x="0" y="{y + 11}">{_text(bar.label[:18])}</text>'
            f'<rect class="{bar.doing.value}" x="{x:.1f}" y="{y + 2}" '
            f'width="{max(2.0, width):.1f}" height="11" rx="2"></rect>'
            f'<text x="690" y="{y + 11}">{_text(seconds(bar.end_ms - bar.start_ms))}</text>'
        )
    height = max(18, len(rows) * 18)
    return f'<svg viewBox="0 0 760 {height}" role="img">{"".join(rows)}</svg>'
