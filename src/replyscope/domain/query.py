"""The parser of the query language: words, phrases, `field:value`, `-term`, `or`, parentheses.

A reply matches when every term matches. The fields are in `query_fields`.
"""

import re

from replyscope.domain.values import dataclass


class QueryError(ValueError):
    """An invalid query; `at` is the position of the fault, counted from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase (`field` None), or a field with a value.

    A word matches as a prefix; in quotation marks it matches only itself.
    """

    field: str | None
    value: str
    at: int = 0
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """A query that must not match."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class All:
    """Queries that must all match. Without any, everything matches."""

    queries: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Queries of which at least one must match."""

    queries: tuple["Query", ...]


Query = Term | Not | All | Either

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()])|(?P<minus>-)(?=\S)
    |(?P<field>[a-z]+):(?:"(?P<quoted>[^"]*)"|(?P<value>[^\s()"]+))
    |"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+))""",
    re.VERBOSE,
)
_DEEPEST = 50
_MOST_TERMS = 300


def parse_query(text: str) -> Query:
    """Parse a query. Raises QueryError."""
    parser = _Parser(text)
    query = parser.either(0)
    if parser.peek() is not None:
        raise QueryError("a ) too many", parser.at)
    return query


def term_of(field: str, value: str) -> str:
    """The term for a field with a value; * and ? in it remain wildcards."""
    if re.fullmatch(r"""[^\s()"]+""", value):
        return f"{field}:{value}"
    return f'{field}:"{value.replace(chr(34), "?")}"'


def toggle_term(text: str, term: str) -> str:
    """Add a term to a query, or remove it if every match needs it."""
    outer, has_or, depth, at = [], False, 0, 0
    while (token := _TOKEN.match(text, at)) is not None:
        depth += {"(": 1, ")": -1}.get(token["mark"] or "", 0)
        start = token.end() - len(token[0].lstrip())
        if depth == 0 and not token["mark"]:
            outer.append((start, token.end()))
            has_or = has_or or token["word"] in ("or", "OR")
        at = token.end()
    found = [span for span in outer if text[slice(*span)] == term]
    if has_or:
        return f"({text.strip()}) {term}"
    if found and text[: found[0][0]].endswith("-"):
        found = []
    if not found:
        return f"{text.rstrip()} {term}".lstrip()
    start, end = found[0]
    return f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self.at = 0
        self._terms = 0

    def peek(self) -> "re.Match[str] | None":
        """The next token; None at the end."""
        if self.at >= len(self._text):
            return None
        match = _TOKEN.match(self._text, self.at)
        if match is None:
            raise QueryError("a quotation mark too many, or a field without a value", self.at)
        return match

    def either(self, depth: int) -> Query:
        """Parse alternatives with `or` between them."""
        if depth > _DEEPEST:
            raise QueryError("too many parentheses", self.at)
        found = [self.together(depth)]
        while (token := self.peek()) is not None and token["word"] in ("or", "OR"):
            self.at = token.end()
            found.append(self.together(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def together(self, depth: int) -> Query:
        """Parse terms that must all match."""
        found: list[Query] = []
        while (token := self.peek()) is not None:
            if token["mark"] == ")" or token["word"] in ("or", "OR"):
                break
            found.append(self.term(depth))
        return found[0] if len(found) == 1 else All(tuple(found))

    def term(self, depth: int) -> Query:
        """Parse one term, with or without a minus, or a query in parentheses."""
        if depth > _DEEPEST:
            raise QueryError("one inside the other too often", self.at)
        token = self.peek()
        if token is None or token["mark"] == ")":
            raise QueryError("a term is missing", self.at)
        self.at = token.end()
        if token["minus"]:
            return Not(self.term(depth + 1))
        if token["mark"] == "(":
            query = self.either(depth + 1)
            closing = self.peek()
            if closing is None or closing["mark"] != ")":
                raise QueryError("a ) is missing", self.at)
            self.at = closing.end()
            return query
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise QueryError(f"more than {_MOST_TERMS} terms", self.at)
        start = token.start() + len(token[0]) - len(token[0].lstrip())
        if token["word"] and re.fullmatch("[a-z]+:", token["word"]):
            raise QueryError("a field without a value", start)
        if token["field"]:
            is_quoted = token["quoted"] is not None
            value = token["quoted"] if is_quoted else token["value"]
            return Term(token["field"], value, start, is_quoted)
        is_phrase = token["phrase"] is not None
        return Term(None, token["phrase"] if is_phrase else token["word"], start, is_phrase)
