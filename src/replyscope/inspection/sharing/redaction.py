"""Takes keys, home folders, addresses and a person's own patterns out of what is shared."""

import re
from collections import Counter
from collections.abc import Sequence

_KINDS: tuple[tuple[str, str], ...] = (
    ("key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"),
    ("key", r"\b(?:sk|rk|pk)-[A-Za-z0-9_-]{12,}"),
    ("key", r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_|gsk_|AIza)[A-Za-z0-9_-]{12,}"),
    ("key", r"\bAKIA[A-Z0-9]{16}\b"),
    ("key", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
    ("key", r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{12,}"),
    ("e-mail address", r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"),
    ("home folder", r"(?:/home/|/Users/|[A-Za-z]:\\+Users\\+)[^/\\\s\"'<>:]+"),
)


class Redactor:
    """`counts` says what was taken out, by kind. Own patterns are regular expressions.

    Raises ValueError for one that is none.
    """

    def __init__(self, own: Sequence[str] = (), *, is_on: bool = True) -> None:
        self.is_on = is_on
        self.counts: Counter[str] = Counter()
        kinds = [*_KINDS, *(("own pattern", pattern) for pattern in own)] if is_on else []
        try:
            self._patterns = [(kind, re.compile(pattern)) for kind, pattern in kinds]
        except re.error as error:
            raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from error

    def __call__(self, text: str) -> str:
        """The text without them. What was there is named in brackets."""
        for kind, pattern in self._patterns:
            text, count = pattern.subn("~" if kind == "home folder" else f"[{kind}]", text)
            if count:
                self.counts[kind] += count
        return text

    @property
    def sentence(self) -> str:
        """What was taken out, in words."""
        if not self._patterns:
            return "Nothing is taken out."
        if not self.counts:
            return "Nothing had to be taken out."
        told = ", ".join(f"{count:,} × {kind}" for kind, count in self.counts.items())
        return f"Taken out: {told}."
