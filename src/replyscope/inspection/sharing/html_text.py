"""Renders Markdown as safe HTML: no embedded HTML, and links to web pages only.

Code is highlighted unless it is too long or its language is unknown.
"""

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, String
from pygments.util import ClassNotFound

from replyscope.domain.printable import printable_text
from replyscope.inspection.markup.diagram import (
    PageDiagrams,
    TooMuchWorkError,
    is_diagram,
)
from replyscope.inspection.markup.formula import formula_mathml
from replyscope.inspection.markup.syntax import ALERTS, mark_blocks, markdown_parser

_SCHEMES = ("http://", "https://", "mailto:", "#")
_LONGEST_LINE = 1_000  # lexers can take quadratic time on them
_LONGEST_CODE = 60_000
_DEEPEST = 60
_DIAGRAMS = "diagrams"
"""The key of the diagrams of the page, in the environment of the parser."""
_SIDES = {"text-align:right": "right", "text-align:center": "center"}
_OWN_DIRECTION = ("paragraph_open", "heading_open", "list_item_open", "td_open", "th_open")
_COLOURS: tuple[tuple[Any, str], ...] = (
    (Comment, "hc"),
    (Keyword.Type, "ht"),
    (Keyword, "hk"),
    (Operator.Word, "hk"),
    (String, "hs"),
    (Literal, "hm"),
    (Generic.Inserted, "hi"),
    (Generic.Deleted, "hd"),
    (Generic.Heading, "hk"),
    (Generic.Subheading, "hk"),
    (Name.Function, "hf"),
    (Name.Class, "ht"),
    (Name.Builtin, "hf"),
    (Name.Tag, "hk"),
    (Name.Attribute, "hm"),
    (Name.Decorator, "hm"),
)


def plain(text: str) -> str:
    """Escape text for HTML."""
    return escape(printable_text(text))


def markdown(text: str, diagrams: PageDiagrams) -> str:
    """Markdown as HTML, in its own element."""
    shown = printable_text(text)
    parser = _parser(finds_links="://" in shown)
    env: dict[str, Any] = {_DIAGRAMS: diagrams}
    tokens = parser.parse(shown, env)
    mark_blocks(tokens)
    return f'<div class="text">{parser.renderer.render(tokens, parser.options, env)}</div>'


def code(source: str, language: str) -> str:
    """A highlighted code block, with the name of its language if known."""
    name = language.split()[0] if language.split() else ""
    caption = f"<figcaption>{escape(name[:40])}</figcaption>" if name else ""
    block = f"<pre><code>{_coloured(source, name)}</code></pre>"
    return f"<figure>{caption}{block}</figure>\n"


def is_link(target: str) -> bool:
    """Whether a link target is safe: opening it only shows a page."""
    return target.lower().startswith(_SCHEMES)


def _coloured(source: str, language: str) -> str:
    lexer = _lexer(language.lower())
    is_long = len(source) > _LONGEST_CODE or any(
        len(line) > _LONGEST_LINE for line in source.split("\n")
    )
    if lexer is None or is_long:
        return escape(source)
    pieces = []
    for _, kind, value in lexer.get_tokens_unprocessed(f"{source}\n"):  # rules end at breaks
        name = next((name for group, name in _COLOURS if kind in group), None)
        text = escape(value)
        pieces.append(f'<span class="{name}">{text}</span>' if name and value.strip() else text)
    return "".join(pieces).removesuffix("\n").replace("\n</span>", "</span>\n")


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language or language in ("text", "plain", "txt"):
        return None
    try:
        lexer: Lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer


@lru_cache(maxsize=2)
def _parser(*, finds_links: bool) -> MarkdownIt:
    """A parser. It finds bare links only on request, because that takes most of the time."""
    parser = markdown_parser(html=True, linkify=finds_links, maxNesting=_DEEPEST)
    if finds_links:
        parser.enable("linkify")
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    for name, rule in (
        ("image", _image),
        ("link_open", _link),
        ("fence", _fence),
        ("code_block", _fence),
        ("heading_open", _heading),
        ("heading_close", _heading),
        ("table_open", _table),
        ("table_close", _table),
        ("td_open", _cell),
        ("th_open", _cell),
        ("paragraph_open", _block),
        ("list_item_open", _block),
        ("blockquote_open", _quote),
        ("softbreak", _break),
        ("html_block", _html_block),
        ("html_inline", _html_inline),
        ("formula_inline", _formula),
        ("formula_display", _formula),
        ("formula_block", _formula),
        ("footnote_reference", _footnote),
        ("footnote_open", _footnote_open),
        ("footnote_close", _footnote_close),
    ):
        parser.add_render_rule(name, rule)
    return parser


def _image(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    source = str(tokens[at].attrGet("src") or "")
    return f"[{escape(tokens[at].content or 'image')}: {escape(source)}]"


def _link(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    target = str(tokens[at].attrGet("href") or "")
    if not is_link(target):
        return "<a>"
    kind = ' class="bare"' if tokens[at].info == "auto" else ""
    return f'<a{kind} href="{escape(target)}" rel="noopener noreferrer nofollow">'


def _fence(_self: Any, tokens: Sequence[Token], at: int, _options: Any, env: Any) -> str:
    source = tokens[at].content.rstrip("\n")
    block = code(source, tokens[at].info)
    if not is_diagram(tokens[at].info):
        return block
    diagrams: PageDiagrams = env[_DIAGRAMS]
    try:
        rows = diagrams.rows(source)
    except TooMuchWorkError as error:
        return f'<p class="about">{escape(str(error))}</p>{block}'
    if rows is None:
        return block
    diagram = escape("\n".join(rows))
    return (
        f'<pre class="diagram">{diagram}</pre><details><summary>source</summary>{block}</details>\n'
    )


def _break(_self: Any, _tokens: Sequence[Token], _at: int, _options: Any, _env: Any) -> str:
    return "<br>\n"


def _html_block(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return f'<p dir="auto">{escape(tokens[at].content.strip())}</p>\n'


def _html_inline(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    """A tag of a known name, without attributes; all other HTML is shown as text."""
    tag = tokens[at].meta.get("tag", "")
    return f"<{tag}>" if tag else escape(tokens[at].content)


def _formula(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    token = tokens[at]
    is_block = token.type != "formula_inline"
    shown = formula_mathml(token.content, is_block=is_block) if token.content else None
    if shown is None:
        shown = f'<code class="formula">{escape(token.meta["raw"])}</code>'
    return f'<div class="formula">{shown}</div>\n' if token.type == "formula_block" else shown


def _footnote(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return f"<sup>{escape(tokens[at].meta['label'])}</sup>"


def _footnote_open(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return f'<p class="footnote" dir="auto"><sup>{escape(tokens[at].meta["label"])}</sup> '


def _footnote_close(*_: Any) -> str:
    return "</p>\n"


def _heading(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    """Renders headings of a reply at levels below the headings of the page."""
    level = int(tokens[at].tag[1:])
    tag = f"h{min(6, level + 3)}"
    if tokens[at].nesting < 0:
        return f"</{tag}>\n"
    return f'<{tag} class="h{level}" dir="auto">'


def _table(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return '<div class="table"><table>\n' if tokens[at].nesting > 0 else "</table></div>\n"


def _cell(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    side = _SIDES.get(str(tokens[at].attrGet("style")), "")
    return f'<{tokens[at].tag} dir="auto"{f" class={side}" if side else ""}>'


def _block(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    if tokens[at].hidden:
        return ""
    box = tokens[at].meta.get("task")
    if box is None:
        return f'<{tokens[at].tag} dir="auto">'
    return f'<li class="task" dir="auto">{"☑" if box else "☐"} '


def _quote(_self: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    kind = tokens[at].meta.get("alert", "")
    if kind not in ALERTS:
        return "<blockquote>\n"
    return f'<blockquote class="alert {kind}">\n<p class="alert-title">{kind.capitalize()}</p>\n'
