"""Completes the term that is being typed in a query, and says what the language has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from textual.suggester import Suggester

from replyscope.domain.finish import FinishReason
from replyscope.domain.matching import FIELDS, HAS, IS
from replyscope.domain.printable import printable_line
from replyscope.domain.query import term_of

_VALUES: Mapping[str, Iterable[str]] = {
    "finish": [reason.value for reason in FinishReason],
    "has": [mark.value for mark in HAS],
    "is": list(IS),
    "api": ["chat", "responses"],
    "before": ["today", "yesterday", "7d", "4w"],
    "after": ["7d", "30d", "yesterday", "today"],
    "on": ["today", "yesterday", "7d"],
    "tokens": [">4k", ">1000", "<100"],
    "in": [">4k", ">1000", "<100"],
    "out": [">1k", ">500", "<10"],
    "cost": [">0.01", ">$0.10", "<0.001"],
    "ttft": [">2s", ">500ms", "<1s"],
    "duration": [">10s", ">60s", "<1s"],
    "tps": [">50", "<10", "<5"],
}
LANGUAGE: tuple[tuple[str, str], ...] = (
    ("pars", "words that begin so, in prompts, replies, reasoning, tool calls"),
    ('"a phrase"', "these very words, one after another"),
    ("-a   a or b   ( )", "without it; one of both; what belongs together"),
    ("text:  title:", "words of the reply alone; of the session's title"),
    ("finish:length", "how it ended: stop, length, tool_calls, content_filter, error …"),
    ("model:gpt-6*", "asked for or answering; * and ? stand for any characters"),
    ("asked:gpt-6*", "asked for, whichever answered"),
    ("tool:read_file", "a tool that it called"),
    ("api:chat", "chat or responses"),
    ("tokens:>4k", "in all; in: and out: for either side. > >= < <= or a number"),
    ("cost:>0.01", "US dollars"),
    ("ttft:>2s", "time to first token; duration: for the whole"),
    ("tps:<10", "tokens per second"),
    ("after:7d", "that day or later; before: on: too. 2026-11-02, 2026-11, today, 2w"),
    ("tag:work", "a tag of its session"),
    ("is:pinned", "archived, deleted; flagged (by a rule), partial, toolfailed"),
    ("is:reported", "its cost: estimated, unpriced; unmetered has no usage"),
    ("has:error", "tool, image, reasoning, finding"),
)
"""The query language: how it is written, and what that asks for."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What the last term may become: its beginning in the text, and whole terms."""

    start: int
    field: str
    terms: tuple[str, ...]

    def in_text(self, text: str) -> str:
        """The text with the first of them."""
        return f"{text[: self.start]}{self.terms[0]}"

    @property
    def sentence(self) -> str:
        """The choices in a line."""
        if not self.field:
            return "  ".join(self.terms)
        values = (term.partition(":")[2] for term in self.terms)
        return printable_line(f"{self.field}: {'  '.join(values)}")


def complete(text: str, known: Callable[[str], Iterable[str]]) -> Completion | None:
    """How a query may go on at its end; None when there is nothing to tell.

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
    values = dict.fromkeys([*_VALUES.get(field, ()), *known(field)])
    fitting = (term_of(field, value) for value in values if value.lower().startswith(wanted))
    terms = tuple(term for term in fitting if term != word)
    return Completion(start, field, terms) if terms else None


def _start_of_last(text: str) -> int:
    """Where the last term begins: after the last space that is not in quotation marks."""
    start, is_quoted = 0, False
    for at, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char.isspace() and not is_quoted:
            start = at + 1
    return start


class QuerySuggester(Suggester):
    """Offers the first completion that goes on with what was typed."""

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
