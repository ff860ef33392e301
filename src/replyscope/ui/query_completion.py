"""Completes the term that is being typed in a query."""

from collections.abc import Callable, Iterable, Mapping

from textual.suggester import Suggester

from replyscope.domain.finish import FinishReason
from replyscope.domain.matching import FIELDS, HAS, IS

_VALUES: Mapping[str, Iterable[str]] = {
    "finish": [reason.value for reason in FinishReason],
    "has": [mark.value for mark in HAS],
    "is": list(IS),
    "api": ["chat", "responses"],
    "before": ["today", "yesterday", "7d"],
    "after": ["7d", "30d", "yesterday"],
    "on": ["today", "yesterday"],
}


class QuerySuggester(Suggester):
    """`known` gives the values of a field that the archive has: models, tools, tags."""

    def __init__(self, known: Callable[[str], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        """The whole query with its last term completed; None when nothing fits."""
        head, _, last = value.rpartition(" ")
        lead = last[: len(last) - len(last.lstrip("-("))]
        word = last[len(lead) :]
        if not word or '"' in word:
            return None
        field, colon, begun = word.partition(":")
        if colon:
            options = [f"{field}:{v}" for v in (*_VALUES.get(field, ()), *self._known(field))]
        else:
            options = [f"{name}:" for name in sorted(FIELDS)]
            begun = field
        fitting = (o for o in options if begun and o.startswith(word) and o != word)
        found = next(fitting, None)
        start = f"{head} " if head or value.startswith(" ") else ""
        return f"{start}{lead}{found}" if found is not None else None
