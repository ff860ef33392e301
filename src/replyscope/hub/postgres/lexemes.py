"""The full-text index of a reply as PostgreSQL stores it, and the queries that search it.

Words are ours (`domain.words`), so that a search finds what the local index finds. A pair of
adjacent characters of a script without spaces is a lexeme of its own. The index finds
candidates; phrases are then checked in the text of all words.

PostgreSQL's limits: a lexeme is shorter than 2 kB, and a row has less than 1 MB of lexemes.
A longer text is marked as cut, and every query finds and checks the texts that are cut.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from replyscope.domain.query import All, Either, Query, Term
from replyscope.domain.query_fields import ANYWHERE, Text, type_of
from replyscope.domain.words import is_unspaced, words_of

_LONGEST = 200
"""The characters of a word that are indexed; longer ones are checked in the text."""
_MOST_BYTES = 700_000
_CUT = "<cut>"
"""The lexeme of a text with more lexemes than a row can have; no word has these characters."""
_WEIGHTS = {"text": "A", "prompt": "B", "calls": "C", "reasoning": "D"}
"""The weight of the lexemes of each place: a query of one place names its weight."""
_MARKS = {place: f"{number}{weight}" for number, (place, weight) in enumerate(_WEIGHTS.items(), 1)}
_MOST_PER_CHARACTER = 4
"""A bound of the bytes that a row needs for each character of its lexemes and marks."""

_PIECE = 500_000
"""The characters of a piece of a long text, at least."""
_BETWEEN = re.compile(r"[\s,.;:!?\u3001\u3002\uff0c\uff01\uff1f]")


@dataclass(frozen=True, slots=True)
class Indexed:
    """The row of `words` for a reply: lexemes as a tsvector's text, and the words of each place
    with a space on both sides.
    """

    lexemes: str
    is_cut: bool
    texts: tuple[str, ...]


def index_texts(prompt: str, text: str, reasoning: str, calls: str) -> Indexed:
    """The row for the texts of a reply."""
    given = {"text": text, "prompt": prompt, "calls": calls, "reasoning": reasoning}
    read = {place: _words(given[place]) for place in _WEIGHTS}
    texts = tuple(text for text, _ in read.values())
    lexemes = {place: found for place, (_, found) in read.items()}
    marked = " ".join(_marked(lexemes[place], mark) for place, mark in _MARKS.items())
    if len(marked) * _MOST_PER_CHARACTER <= _MOST_BYTES:
        return Indexed(marked, is_cut=False, texts=texts)
    return Indexed(*_bounded(lexemes), texts)


def _words(text: str) -> tuple[str, dict[str, None]]:
    """The words of a text with a space on both sides, and its lexemes.

    A long text is read in pieces: a list of its words takes ten times its size in memory.
    """
    joined = " "
    lexemes: dict[str, None] = {}
    last: list[str] = []
    for piece in _pieces(text):
        words = words_of(piece)
        if words:
            part = " ".join(words)
            lexemes |= _lexemes([*last, *words], is_ascii=part.isascii())
            joined += part + " "  # CPython extends a text that nobody else has in its place
            last = words[-1:]
    return joined if lexemes else "  ", lexemes


def _pieces(text: str) -> Iterable[str]:
    """The pieces of a text, which end between words."""
    start = 0
    while len(text) - start > _PIECE:
        found = _BETWEEN.search(text, start + _PIECE)
        if found is None:
            break
        yield text[start : found.end()]
        start = found.end()
    yield text[start:] if start else text


def _marked(lexemes: Iterable[str], mark: str) -> str:
    """The lexemes of one place. PostgreSQL joins the marks of a lexeme that is in several."""
    text = f"':{mark} '".join(lexemes)
    return f"'{text}':{mark}" if text else ""


def _bounded(lexemes: Mapping[str, Iterable[str]]) -> tuple[str, bool]:
    """The lexemes that fit a row with their marks, and whether some were left out."""
    marks: dict[str, str] = {}
    left = _MOST_BYTES
    for place, mark in _MARKS.items():
        for lexeme in lexemes[place]:
            known = marks.get(lexeme)
            marks[lexeme] = f"{known},{mark}" if known else mark
            left -= 0 if known else len(lexeme.encode()) + 12
            if left < 0:
                return _written({**marks, _CUT: "1A"}), True
    return _written(marks), False


def _written(marks: Mapping[str, str]) -> str:
    return " ".join(f"'{lexeme}':{mark}" for lexeme, mark in marks.items())


def _lexemes(words: Sequence[str], *, is_ascii: bool) -> dict[str, None]:
    """The distinct lexemes of words. Most texts have no long words and no pairs."""
    different = dict.fromkeys(words)
    if is_ascii and max(map(len, different), default=0) <= _LONGEST:
        return different
    found = dict.fromkeys(word[:_LONGEST] for word in different)
    unspaced = {word for word in different if is_unspaced(word)}
    if unspaced:
        found |= {a + b: None for a, b in pairwise(words) if a in unspaced and b in unspaced}
    return found


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to check: a LIKE pattern, the weights of the places, and whether the lexemes
    alone do not decide it.
    """

    pattern: str
    places: str
    is_checked: bool


@dataclass(frozen=True, slots=True)
class TextQuery:
    """The arguments of the function `found`: a tsquery, and the phrases that all must match."""

    wanted: str
    phrases: tuple[Phrase, ...]

    @property
    def values(self) -> tuple[object, ...]:
        """The first arguments of `found`."""
        return (
            f"({self.wanted}) | '{_CUT}'",
            [one.pattern for one in self.phrases],
            [one.places for one in self.phrases],
            [one.is_checked for one in self.phrases],
        )


def text_query(terms: Sequence[Term]) -> TextQuery:
    """The query for replies that have the words of every term."""
    read = [_read(term) for term in terms]
    return TextQuery(
        " & ".join(f"({wanted})" for wanted, _ in read), tuple(phrase for _, phrase in read)
    )


def together(texts: Iterable[Query]) -> tuple[list[Term], list[Query]]:
    """The terms that all must match, and the other texts."""
    terms: list[Term] = []
    rest: list[Query] = []
    for text in texts:
        match text:
            case Term():
                terms.append(text)
            case All(queries=inner):
                inner_terms, inner_rest = together(inner)
                terms += inner_terms
                rest += inner_rest
            case Either():
                rest.append(text)
    return terms, rest


def _read(term: Term) -> tuple[str, Phrase]:
    words, is_open = words_of(term.value), not term.is_phrase
    kind = type_of(term.field)
    assert isinstance(kind, Text), "only texts have words"
    places = "".join(_WEIGHTS[place] for place in kind.places)
    weight = "" if kind == ANYWHERE else places
    pairs = [a + b for a, b in pairwise(words) if is_unspaced(a) and is_unspaced(b)]
    paired = {char for pair in pairs for char in pair}
    wanted = [_lexeme(pair, weight) for pair in pairs]
    for number, word in enumerate(words):
        is_last = number == len(words) - 1
        if word not in paired:
            prefix = "*" if is_last and is_open else ""
            wanted.append(_lexeme(word[:_LONGEST], prefix + weight))
    is_checked = len(words) > 1 or len(words[0]) >= _LONGEST
    pattern = f"% {' '.join(words)}{'' if is_open else ' '}%"
    return " & ".join(wanted), Phrase(pattern, places, is_checked)


def _lexeme(word: str, flags: str) -> str:
    return f"'{word}':{flags}" if flags else f"'{word}'"
