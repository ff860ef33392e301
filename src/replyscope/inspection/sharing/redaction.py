"""Redacts keys, home folders, e-mail addresses and custom patterns in exports.

Every pattern is bounded: built-in patterns by their form, custom patterns by a time limit
per text.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import regex

from replyscope.domain.printable import printable_line
from replyscope.domain.secret_shapes import KEY_SHAPES, masked_key
from replyscope.domain.values import dataclass

_MAIL = (
    r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}"
    r"\.[A-Za-z]{2,24}\b"
)
_ASSIGNED = (
    r"(?i)\b(?:api[_-]?key|secret[_-]?(?:access[_-]?)?key|access[_-]?token|auth[_-]?token|"
    r"client[_-]?secret|password|passwd)\b[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
    # A digit is required, so code that only names a secret is not redacted.
    r"(?P<secret>(?=[^\s\"'\\,;<>{}()$\[]{0,200}\d)[^\s\"'\\,;<>{}()$\[]{8,200})"
)
_LOGIN = r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{0,100}:(?P<secret>[^\s/@\"']{1,200})@"
_MAYBE_LOGIN = re.compile(r"://[^\s/:@\"']{0,100}:[^\s/@\"']{1,200}@")
"""Every recorded reply has a URL: this pattern begins with a literal, so it is searched fast."""
_KEY, _PLACE = "key", "home folder"
_KINDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *((_KEY, needs, pattern) for needs, pattern in KEY_SHAPES),
    (_KEY, ("bearer ",), r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{12,}"),
    (
        _KEY,
        ("://",),
        _LOGIN,
    ),
    (
        _KEY,
        ("api_key", "api-key", "apikey", "secret", "access", "auth", "passw"),
        _ASSIGNED,
    ),
    ("e-mail address", ("@",), _MAIL),
    (
        _PLACE,
        ("home", "users"),
        r"(?:\\?/home\\?/|\\?/Users\\?/|\b[A-Za-z]:\\+Users\\+)[^/\\\s\"'<>:)]+",
    ),
)
"""Kind, a lower-case substring that the text must contain, and the pattern."""
_MARKS = "_-"
"""Two thirds of the substrings have one of these characters."""
_LONGEST_S = 2.0
_EXAMPLES = 3
OWN = "own pattern"


def _marked(mark: str, needs: Collection[str]) -> "re.Pattern[str]":
    """A pattern of the substrings that have a mark. It begins with the mark, and looks back from
    there: a search goes from one mark to the next instead of through the text for each substring.
    """
    looks = []
    for need in sorted(needs):
        first = next((one for one in _MARKS if one in need), "")
        if first == mark:
            end = need.index(mark) + 1
            looks.append(f"(?<={re.escape(need[:end])}){re.escape(need[end:])}")
    return re.compile(f"{re.escape(mark)}(?:{'|'.join(looks)})")


class PatternTooSlow(Exception):
    """A custom pattern exceeded its time limit. The message names the pattern."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """A section of a text, and the text that replaces it."""

    start: int
    end: int
    instead: str
    kind: str


class Redactor:
    """A callable that redacts texts. `counts` has the number of redactions by kind.

    `own` are custom regular expressions, `home` is the home folder; with `keys_only` only keys
    and these expressions are redacted. Raises ValueError for an invalid pattern; calling it raises
    PatternTooSlow.
    """

    def __init__(
        self,
        own: Sequence[str] = (),
        *,
        is_on: bool = True,
        home: str | None = None,
        keys_only: bool = False,
    ) -> None:
        self.is_on = is_on
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, dict[str, None]] = {}
        self.places: dict[str, Counter[str]] = {}
        self._place = ""
        kinds = [one for one in _KINDS if one[0] == _KEY or not keys_only] if is_on else []
        if is_on and not keys_only and home and home.count("/") + home.count("\\") > 1:
            kinds.append((_PLACE, (home.lower(),), re.escape(home) + r"(?![\w.-])"))
        self._patterns = [(kind, needs, re.compile(pattern)) for kind, needs, pattern in kinds]
        needed = {need for _, needs, p in kinds if p != _LOGIN for need in needs}
        self._marked = [_marked(mark, needed) for mark in _MARKS] if needed else []
        self._needs = [need for need in needed if not any(mark in need for mark in _MARKS)]
        self._own = [_compiled(pattern) for pattern in own] if is_on else []

    def may_find(self, text: str) -> bool:
        """Whether a text, or JSON of it, may have something to redact: false is certain."""
        if self._own:
            return True
        small = text.lower()
        for need in self._needs:  # not `any`: every entry for a hub is searched
            if need in small:
                return True
        for pattern in self._marked:
            if pattern.search(small) is not None:
                return True
        return self.is_on and _MAYBE_LOGIN.search(small) is not None

    def enter(self, place: str) -> None:
        """Set the session of the next texts, for the report."""
        self._place = place

    def __call__(self, text: str) -> str:
        """The redacted text, with the kind of each redaction in brackets."""
        if not self.is_on:
            return text
        pieces: list[str] = []
        at = 0
        for span in self.spans(text):
            pieces += [text[at : span.start], span.instead]
            at = span.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def spans(self, text: str) -> list[Redaction]:
        """The sections to redact, in order and without overlap."""
        found = sorted(self._found(text), key=lambda span: span.start)
        apart: list[Redaction] = []
        for span in found:
            if not apart or span.start >= apart[-1].end:
                apart.append(span)
                self._note(span.kind, text[span.start : span.end])
        return apart

    def _found(self, text: str) -> Iterator[Redaction]:
        small = text.lower() if self._patterns else ""
        for kind, needs, pattern in self._patterns:
            if not any(need in small for need in needs):
                continue
            instead = "~" if kind == _PLACE else f"[{kind}]"
            for match in pattern.finditer(text):
                group = "secret" if "secret" in pattern.groupindex else 0
                yield Redaction(*match.span(group), instead, kind)
        for own in self._own:
            try:
                for found in own.finditer(text, concurrent=True, timeout=_LONGEST_S):
                    if found.end() > found.start():
                        yield Redaction(*found.span(), f"[{OWN}]", OWN)
            except TimeoutError:
                raise PatternTooSlow(
                    f"The pattern {own.pattern!r} takes more than {_LONGEST_S:.0f} s on a text of "
                    f"{len(text):,} characters."
                ) from None

    def _note(self, kind: str, secret: str) -> None:
        self.counts[kind] += 1
        examples = self.examples.setdefault(kind, {})
        if len(examples) < _EXAMPLES:
            examples[masked(secret, kind)] = None
        self.places.setdefault(kind, Counter())[self._place] += 1

    @property
    def sentence(self) -> str:
        """A sentence with the number of redactions by kind."""
        if not self.is_on:
            return "Nothing is redacted."
        if not self.counts:
            return "Nothing had to be redacted."
        listed = ", ".join(f"{count:,} × {kind}" for kind, count in self.counts.items())
        return f"Redacted: {listed}."

    @property
    def report(self) -> list[str]:
        """The sentence, and for each kind masked examples and the sessions."""
        lines = [self.sentence]
        for kind, count in self.counts.items():
            places = self.places[kind]
            named = ", ".join(
                f"“{printable_line(place)}” {n:,} ×" for place, n in places.most_common(_EXAMPLES)
            )
            more = f" and {len(places) - _EXAMPLES:,} more" if len(places) > _EXAMPLES else ""
            shown = printable_line(", ".join(self.examples[kind]))
            lines.append(f"{count:,} × {kind}: {shown}")
            lines.append(f"    in {named}{more}")
        return lines


def _compiled(pattern: str) -> "regex.Pattern[str]":
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is not a valid regular expression: {error}") from error


def masked(secret: str, kind: str) -> str:
    """A masked secret: recognisable, but not usable."""
    if kind == "e-mail address":
        name, _, host = secret.partition("@")
        return f"{name[:1]}…@{host}"
    if kind == _PLACE:
        head = re.match(r".*[/\\]", secret)
        start = head.end() if head is not None else 0
        return f"{secret[:start]}{secret[start : start + 1]}…"
    return masked_key(secret)


def cut(pieces: Sequence[str], spans: Sequence[Redaction]) -> list[str]:
    """The pieces of a text with its spans replaced. A span can extend over several pieces."""
    made: list[str] = []
    start = 0
    for piece in pieces:
        end = start + len(piece)
        out: list[str] = []
        at = start
        for span in spans:
            if span.end <= start or span.start >= end:
                continue
            out.append(piece[at - start : max(0, span.start - start)])
            out.append(span.instead if span.start >= start else "")
            at = min(span.end, end)
        made.append("".join(out) + piece[at - start :])
        start = end
    return made
