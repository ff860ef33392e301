"""Renders sessions as one self-contained HTML file, without scripts or external resources.

Texts of models, tools and people are escaped; they never become markup.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from replyscope.domain.event import Event
from replyscope.domain.exchange import Exchange
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
    byte_size,
)
from replyscope.domain.plural import plural
from replyscope.domain.session import SessionSummary
from replyscope.domain.shared import Clean, Shared
from replyscope.inspection.explain import Mood, explain
from replyscope.inspection.figures import cost_of_all, count, size
from replyscope.inspection.json_view import iso
from replyscope.inspection.markup.diagram import PageDiagrams
from replyscope.inspection.sharing.html_files import audio_html, picture_html
from replyscope.inspection.sharing.html_reply import figures_html, said_html
from replyscope.inspection.sharing.html_style import STYLE
from replyscope.inspection.sharing.html_text import markdown, plain
from replyscope.inspection.timeline import timeline_of

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_FEW = 30  # the list of contents is open up to this length
_EXCERPT = 70


def page_start(title: str) -> str:
    """The HTML before the contents."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="generator" '
        f'content="replyscope">\n<title>{plain(title)}</title>\n<style>{STYLE}</style>\n'
        "</head>\n<body>\n<main>\n"
    )


def contents(summaries: Sequence[SessionSummary], titles: Sequence[str]) -> str:
    """The table of contents with a link to each session; empty for a single session."""
    if len(summaries) < 2:
        return ""
    rows = "".join(
        f"<li><time>{_day(summary)}</time>"
        f'<a href="#s-{plain(summary.id)}" dir="auto">{plain(title)}</a>'
        f'<span class="n">{plural(summary.exchange_count, "reply")}</span></li>\n'
        for summary, title in zip(summaries, titles, strict=True)
    )
    listed = f"<ol>\n{rows}</ol>"
    number = f"{len(summaries):,} sessions"
    if len(summaries) > _FEW:
        listed = f"<details><summary>{number}</summary>{listed}</details>"
    return f"<h1>{number}</h1>\n<nav>{listed}</nav>\n"


def _day(summary: SessionSummary) -> str:
    return iso(summary.created_at)[:10]


def page_end(note: str) -> str:
    """The HTML after the last session; `note` is the sentence on redactions."""
    return f"<footer>Made with replyscope. {plain(note)}</footer>\n</main>\n</body>\n</html>\n"


class SessionPage:
    """The section of a session: its branch, with collapsed details of each reply.

    `events` are the events of the recorded frames by exchange id, if they are known. The
    sections of one page share `diagrams`.
    """

    def __init__(
        self,
        shared: Shared,
        clean: Clean,
        events: Mapping[str, Sequence[Event]] | None = None,
        diagrams: PageDiagrams | None = None,
    ) -> None:
        self._shared = shared = shared.told()
        self._clean = clean
        self._events = events or {}
        self._diagrams = diagrams or PageDiagrams()
        self._results = shared.results()
        self._siblings: dict[str | None, list[str]] = {}
        for message in shared.messages:
            self._siblings.setdefault(message.parent_id, []).append(message.id)

    def html(self) -> str:
        """The HTML of the section."""
        shared, clean = self._shared, self._clean
        session = shared.session
        pieces = [f'<section id="s-{plain(session.id)}">']
        pieces.append(f'<h1 dir="auto">{plain(clean(session.title))}</h1>')
        pieces.append(f'<p class="about">{self._about()}</p>')
        if session.settings.system:
            body = markdown(clean(session.settings.system), self._diagrams)
            pieces.append(f'<article class="system"><header>system</header>{body}</article>')
        detours = shared.detours()
        beside = detours.get(None, [])  # alternatives to the next message
        for message in shared.branch:
            pieces += self._message(message)
            pieces += self._detours(beside)
            beside = detours.get(message.id, [])
        pieces += self._detours(beside)
        return "\n".join([*pieces, "</section>\n"])

    def _about(self) -> str:
        shared = self._shared
        exchanges = list(shared.exchanges.values())
        models = sorted({self._clean(exchange.model) for exchange in exchanges})
        tokens = [e.usage.total_tokens for e in exchanges if e.usage and e.usage.total_tokens]
        facts = [iso(shared.session.created_at)[:16].replace("T", " ") + " UTC", *models]
        facts.append(plural(len(exchanges), "reply"))
        if tokens:
            facts.append(f"{count(sum(tokens))} tokens")
        price = cost_of_all(exchanges)
        if any(exchange.cost_usd is not None for exchange in exchanges):
            facts.append(price)
        tags = "".join(f'<span class="tag">{plain(self._clean(tag))}</span>' for tag in shared.tags)
        return plain(" · ".join(facts)) + tags

    def _message(self, message: Message) -> Iterator[str]:
        if message.role is Role.ASSISTANT:
            yield self._reply(message)
        elif message.role is not Role.TOOL:
            body = "".join(self._parts(message))
            name = "you" if message.role is Role.USER else message.role.value
            head = f"{self._anchor(message, name)}{self._which(message)}{self._mark(message)}"
            yield (
                f'<article class="{message.role.value}" id="m-{plain(message.id)}">'
                f"<header>{head}</header>{body}</article>"
            )

    def _anchor(self, message: Message, name: str) -> str:
        return f'<a href="#m-{plain(message.id)}">{plain(name)}</a>'

    def _which(self, message: Message) -> str:
        """The number of a message among its siblings; empty without siblings."""
        siblings = self._siblings.get(message.parent_id, [])
        if len(siblings) < 2:
            return ""
        number = siblings.index(message.id) + 1
        return f'<span class="which">{number} of {len(siblings)}</span>'

    def _mark(self, message: Message) -> str:
        mark = self._shared.session.settings.mark_of(message.id)
        return f'<span class="which">{mark}</span>' if mark else ""

    def _parts(self, message: Message) -> Iterator[str]:
        clean = self._clean
        for part in message.parts:
            match part:
                case TextPart(text=text):
                    yield markdown(clean(text), self._diagrams)
                case FilePart(name=name, text=text) | DocumentPart(name=name, text=text):
                    title = f"{clean(name)}, {size(byte_size(part))}"
                    yield (
                        f"<details><summary>{plain(title)}</summary>"
                        f'<pre class="flow">{plain(clean(text))}</pre></details>'
                    )
                case ImagePart(name=name, media_type=kind, data=data):
                    yield picture_html(clean(name), kind, data)
                case PromptPart():
                    yield f"<p><em>prompt {plain(clean(part.short_name))}</em></p>"
                case OpaquePart(kind=kind, payload=text) if kind == NOTE:
                    yield f"<p><em>{plain(clean(text))}</em></p>"
                case AudioPart(name=name, media_type=kind, data=data):
                    yield audio_html(clean(name), kind, data)

    def _reply(self, message: Message) -> str:
        pairs = list(self._shared.exchanges_of(message))
        if not pairs:
            return ""
        newest, index = pairs[-1]
        ending = explain(newest, index)
        results = self._results.get(message.id, {})
        clean = self._clean
        name = self._anchor(message, clean(newest.answered_model or newest.model))
        badge = f'<span class="badge {ending.mood.value}">● {plain(ending.word)}</span>'
        head = f"{name}{self._which(message)}{self._mark(message)}{badge}"
        body = "".join(
            said_html(exchange.choice(c), results, clean, self._diagrams) for exchange, c in pairs
        )
        if ending.mood is not Mood.GOOD:
            body += f'<p class="why {ending.mood.value}">{plain(clean(ending.sentence))}</p>'
        about = "".join(self._figures(exchange, choice, message) for exchange, choice in pairs)
        key = plain(message.id)
        start = f'<article class="assistant" id="m-{key}"><header>{head}</header>'
        return f"{start}{body}{about}</article>"

    def _figures(self, exchange: Exchange, choice: int, message: Message) -> str:
        results = self._results.get(message.id, {})
        timeline = timeline_of(exchange, self._events.get(exchange.id, ()), results)
        return figures_html(exchange, choice, timeline, self._clean)

    def _detours(self, detours: Sequence[Sequence[Message]]) -> Iterator[str]:
        """The other branches, collapsed."""
        for stretch in detours:
            body = "".join(piece for message in stretch for piece in self._message(message))
            if not body:
                continue
            title = f"{self._which(stretch[0])} {self._excerpt(stretch[0])}"
            rest = sum(m.role is not Role.TOOL for m in stretch) - 1
            more = f", and {plural(rest, 'message')} more" if rest > 0 else ""
            yield (
                f'<details class="other"><summary>other branch: {title}{more}</summary>'
                f"<div>{body}</div></details>"
            )

    def _excerpt(self, message: Message) -> str:
        text = message.text
        name = "you"
        for exchange, index in self._shared.exchanges_of(message):
            choice = exchange.choice(index)
            name = exchange.answered_model or exchange.model
            text = choice.text or choice.refusal or "".join(f"{c.name} " for c in choice.tool_calls)
        words = " ".join(self._clean(text).split())
        shown = words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…"
        return f"<b>{plain(self._clean(name))}</b> {plain(shown)}"
