"""Renders a reply as HTML: its text, and its collapsed details."""

from collections.abc import Mapping, Sequence

from replyscope.domain.exchange import Choice, Citation, Exchange, RunKind, Timing, ToolCall
from replyscope.domain.message import ToolResultPart
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, exact_text
from replyscope.domain.shared import Clean
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.arguments import one_line, readable_arguments, readable_result
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import (
    UNKNOWN,
    api_words,
    cost,
    count,
    rate,
    rate_limits,
    seconds,
    usage_rows,
    whole_time,
)
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.markup.diagram import PageDiagrams
from replyscope.inspection.reply_parts import Passage, reply_parts
from replyscope.inspection.sharing.html_files import reply_file_html
from replyscope.inspection.sharing.html_text import code, is_link, markdown, plain
from replyscope.inspection.sharing.reply_redaction import clean_choice
from replyscope.inspection.timeline import Bar, Doing, Timeline

Results = Mapping[str, ToolResultPart]
_MOST_BARS = 40
_CALL_WIDTH = 80
_LEAST_PACE = 40  # bars in the full width; with fewer bars, part of it is empty
_MOODS = {
    ToolCallState.COMPLETED: "good",
    ToolCallState.FAILED: "bad",
    ToolCallState.INTERRUPTED: "bad",
}


def said_html(choice: Choice, results: Results, clean: Clean, diagrams: PageDiagrams) -> str:
    """The parts of a choice in the order of their arrival, then its images and sources."""
    pieces = []
    for part in reply_parts(clean_choice(choice, clean)):
        if isinstance(part, ToolCall):
            pieces.append(_call(part, results.get(part.id), clean))
        else:
            pieces.append(_passage(part, diagrams))
    pieces += [reply_file_html(image, clean) for image in choice.images]
    if choice.citations:
        pieces.append(_sources(choice.citations, clean))
    return "".join(pieces)


def _passage(passage: Passage, diagrams: PageDiagrams) -> str:
    said = markdown(passage.markdown, diagrams)
    if passage.kind is RunKind.REASONING:
        return folded(plain(f"reasoning, {len(passage.text):,} characters"), said)
    return f"<blockquote>{said}</blockquote>" if passage.kind is RunKind.REFUSAL else said


def folded(title: str, body: str, kind: str = "", *, is_open: bool = False) -> str:
    """A section that folds, collapsed unless `is_open`; `title` and `body` are HTML."""
    name = f' class="{kind}"' if kind else ""
    name += " open" if is_open else ""
    return f"<details{name}><summary>{title}</summary>{body}</details>"


def _sources(citations: Sequence[Citation], clean: Clean) -> str:
    rows = []
    for title, url in dict.fromkeys(
        (c.title or c.url or c.file_id or c.kind, c.url) for c in citations
    ):
        shown = plain(clean(title))
        if url is not None and is_link(url):
            link = plain(clean(url))
            shown = f'<a href="{link}" rel="noopener noreferrer nofollow">{shown}</a>'
        rows.append(f"<li>{shown}</li>")
    return f'<ol class="sources">{"".join(rows)}</ol>'


def _call(call: ToolCall, part: ToolResultPart | None, clean: Clean) -> str:
    state = part.state if part is not None else call.state
    took = part.duration_ms if part is not None else call.duration_ms
    asked = one_line(clean(call.arguments), _CALL_WIDTH)
    mood = _MOODS.get(state, "note")
    title = f"⚙ <b>{plain(exact_line(clean(call.name)))}</b> <code>{plain(asked)}</code> "
    title += f'<span class="{mood}">{plain(state.value)}</span>'
    title += f" · {plain(seconds(took))}" if took is not None else ""
    readable = exact_text(clean(readable_arguments(call)))
    body = code(readable, "json") if readable[:1] in "{[" else _flowing(readable)
    if part is not None and part.arguments is not None and part.arguments != call.arguments:
        body += f"<h3>run with</h3>{_flowing(exact_text(clean(readable_result(part.arguments))))}"
    result = part.output if part is not None else call.result
    if result:
        body += f"<h3>result</h3>{_flowing(clean(readable_result(result)))}"
    if part is not None and part.detail:
        body += f"<h3>detail</h3>{_flowing(clean(part.detail))}"
    if part is not None and part.allowed_by:
        body += f'<p class="about">allowed by {plain(clean(part.allowed_by))}</p>'
    return folded(title, body, "call-card", is_open=bool(result))


def _flowing(text: str) -> str:
    return f'<pre class="flow">{plain(text)}</pre>' if text else ""


def figures_html(exchange: Exchange, index: int, timeline: Timeline, clean: Clean) -> str:
    """The figures, findings and timeline of the inspector."""
    usage = exchange.usage
    into, out = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
    listed = "".join(
        f"<dt>{plain(label)}</dt><dd>{plain(clean(value))}</dd>"
        for label, value in _rows(exchange, index)
    )
    findings = find_oddities(exchange)
    told = [f"{count(into)} in", f"{count(out)} out", whole_time(exchange), cost(exchange)]
    if rate(exchange) != UNKNOWN:
        told.insert(3, rate(exchange))
    summary = plain(" · ".join(told))
    if findings:
        number = plural(len(findings), "finding")
        summary += f' · <span class="note">{number}</span>'
    drawn = _timeline(timeline, clean) + _pace(exchange.timing)
    return folded(summary, f"<dl>{listed}</dl>{drawn}", "figures")


def _rows(exchange: Exchange, index: int) -> list[tuple[str, str]]:
    ending, timing = explain(exchange, index), exchange.timing
    raw = exchange.choice(index).finish_reason_raw
    said = f" (“{raw}”)" if raw is not None and raw != ending.word else ""
    tokens = ", ".join(f"{value} {label}" for label, value in usage_rows(exchange.usage))
    status = f"{exchange.status} · " if exchange.status is not None else ""
    answered = exchange.answered_model or UNKNOWN
    rows = [
        ("finish", f"{ending.word}{said}. {ending.sentence}"),
        ("tokens", tokens if exchange.usage is not None else "not reported"),
        ("cost", cost(exchange)),
        ("time", f"{seconds(timing.first_token_ms)} to first token, {whole_time(exchange)} total"),
        ("rate", rate(exchange)),
        ("model", f"asked {exchange.model}, answered {answered}"),
        ("provider", f"{exchange.endpoint} · {api_words(exchange)}"),
        ("response", exchange.response_id or UNKNOWN),
        ("http", f"{status}{count(exchange.frame_count)} frames"),
    ]
    optional = [
        ("request", exchange.request_id),
        ("tier", exchange.service_tier),
        ("limit", f"{exchange.max_tokens:,} tokens" if exchange.max_tokens else None),
        ("left", ", ".join(f"{value} {name}" for name, value in rate_limits(exchange)) or None),
    ]
    rows += [(label, value) for label, value in optional if value]
    rows += [("finding", finding) for finding in find_oddities(exchange)]
    return rows + [("rule", firing) for firing in exchange.firings]


def _timeline(timeline: Timeline, clean: Clean) -> str:
    """The timeline as rows of bars, each with its label and duration."""
    if timeline.end_ms <= 0:
        return ""
    rows = "".join(_bar(bar, timeline.end_ms, clean) for bar in timeline.bars[:_MOST_BARS])
    left = len(timeline.bars) - _MOST_BARS
    more = f'<p class="about">and {left:,} more</p>' if left > 0 else ""
    return f'<div class="time">{rows}</div>{more}'


def _bar(bar: Bar, end_ms: float, clean: Clean) -> str:
    start, length = bar.start_ms / end_ms * 100, (bar.end_ms - bar.start_ms) / end_ms * 100
    width = max(0.6, length)
    kind = "text-bar" if bar.doing is Doing.TEXT else bar.doing.value
    took = seconds(bar.end_ms - bar.start_ms)
    label = plain(clean(bar.label))
    return (
        f'<span>{label}</span><svg role="img" aria-label="{label} {plain(took)}">'
        f'<rect class="{kind}" x="{min(start, 100 - width):.2f}%" y="0" width="{width:.2f}%" '
        f'height="13" rx="3"></rect></svg><span class="n">{plain(took)}</span>\n'
    )


def _pace(timing: Timing) -> str:
    """The output rate over time, as bars."""
    pace = timing.pace
    top = max(pace, default=0)
    if len(pace) < 2 or top <= 0:
        return ""
    width = 100 / max(_LEAST_PACE, len(pace))
    bars = "".join(
        f'<rect x="{n * width:.3f}" y="{30 - value / top * 30:.2f}" width="{width * 0.8:.3f}" '
        f'height="{value / top * 30:.2f}"></rect>'
        for n, value in enumerate(pace)
    )
    label = f"characters per {seconds(timing.pace_ms)}, peak {top:,}"
    return (
        f'<p class="about">{plain(label)}</p><svg class="pace" viewBox="0 0 100 30" '
        f'preserveAspectRatio="none" role="img" aria-label="{plain(label)}">{bars}</svg>'
    )
