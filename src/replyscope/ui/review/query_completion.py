"""Completes the term that is being typed in a query, and describes the completions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from textual.suggester import Suggester

from replyscope.domain.printable import printable_line
from replyscope.domain.query import term_of
from replyscope.domain.query_fields import FIELDS

_SYNTAX: tuple[tuple[str, str], ...] = (
    ("pars", "words with this beginning, in prompts, replies, reasoning, tool calls"),
    ('"a phrase"', "exactly these words, in this order"),
    ("-a   a or b   ( )", "not; either of two; grouping"),
    ("text:  title:", "words in the reply only; in the session's title"),
)


def _help_lines() -> Iterable[tuple[str, str]]:
    yield from _SYNTAX
    for name, field in FIELDS.items():
        if not field.beside:
            yield term_of(name, field.example), field.help
            yield from field.more


LANGUAGE = tuple(_help_lines())
"""The query language: terms, and what each matches."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The completions of the last term, and where it starts in the text."""

    start: int
    field: str
    terms: tuple[str, ...]

    def in_text(self, text: str) -> str:
        """The text with the first completion."""
        return f"{text[: self.start]}{self.terms[0]}"

    @property
    def sentence(self) -> str:
        """The completions in one line."""
        if not self.field:
            return "  ".join(self.terms)
        values = (term.partition(":")[2] for term in self.terms)
        return printable_line(f"{self.field}: {'  '.join(values)}")


def complete(text: str, known: Callable[[str], Iterable[str]]) -> Completion | None:
    """The completions at the end of a query; None without any.

    `known` gives the values of a field that the archive has: models, tools, tags.
    """
    start = _start_of_last(text)
    last = text[start:]
    lead = len(last) - len(last.lstrip("-("))
    start, word = start + lead, last[lead:]
    field, colon, begun = word.partition(":")
    if not word:
        return None
    if not colon:
        names = tuple(f"{name}:" for name in sorted(FIELDS) if name.startswith(word))
        return Completion(start, "", names) if names and len(word) > 1 else None
    wanted = begun.lstrip('"').lower()
    fixed = FIELDS[field].values if field in FIELDS else ()
    values = dict.fromkeys([*fixed, *known(field)])
    fitting = (term_of(field, value) for value in values if value.lower().startswith(wanted))
    terms = tuple(term for term in fitting if term != word)
    return Completion(start, field, terms) if terms else None


def _start_of_last(text: str) -> int:
    """The index of the last term's start: after the last space that is not in quotation marks."""
    start, is_quoted = 0, False
    for at, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char.isspace() and not is_quoted:
            start = at + 1
    return start


class QuerySuggester(Suggester):
    """Suggests the first completion that begins with the typed text."""

    def __init__(self, known: Callable[[str], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        """The whole query with its last term completed; None when nothing fits."""
        completion = complete(value, self._known)
        if completion is None:
            return None
        whole = completion.in_text(value)
        return whole if whole.startswith(value) else None
