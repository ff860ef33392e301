"""A fuzzy search in all sent prompts, which are loaded in pages.

`find` has no I/O; it runs in a thread, so that tens of thousands of prompts do not delay keys.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from replyscope.domain.stores import SentPrompt, SentPrompts

PAGE = 1_000
"""The messages that one step loads: the first one is there at once."""
_MOST_FOUND = 200
_LONGEST_COMPARED = 1_000
"""The characters of a prompt in which misspelt words are looked for."""
_LIKENESS = 75
"""The least likeness of a misspelt word, in percent."""
_LEAST_FUZZY = 3
"""The shortest word that may be misspelt."""


class PromptSearch:
    """The prompts of the stores. The newest of equal prompts is kept."""

    def __init__(self, stores: Sequence[SentPrompts]) -> None:
        self._pages: list[tuple[SentPrompts, int | None]] = [(store, None) for store in stores]
        self._known: dict[str, SentPrompt] = {}
        self._sorted: tuple[int, tuple[tuple[SentPrompt, str], ...]] = (0, ())

    def __len__(self) -> int:
        return len(self._known)

    async def load_next(self) -> bool:
        """Load the next page. Returns whether there may be another one. Raises StoreError."""
        if not self._pages:
            return False
        store, before = self._pages.pop(0)
        prompts, next_page = await store.load_prompts(before, PAGE)
        if next_page is not None:
            self._pages.insert(0, (store, next_page))
        for prompt in prompts:
            known = self._known.get(prompt.text)
            if known is None or known.sent_at < prompt.sent_at:
                self._known[prompt.text] = prompt
        return bool(self._pages)

    def _newest(self) -> tuple[tuple[SentPrompt, str], ...]:
        """All prompts with their text in lower case, the newest first. Pages may be loaded
        meanwhile in another thread: a result of fewer prompts is not used again.
        """
        count, known = self._sorted
        if count != len(self._known):
            newest = sorted(self._known.values(), key=_sent_at, reverse=True)
            known = tuple((one, one.text.casefold()) for one in newest)
            self._sorted = len(newest), known
        return known

    def find(self, query: str, most: int = _MOST_FOUND) -> list[SentPrompt]:
        """The prompts with all words, the newest first; then those with similar words."""
        words = query.casefold().split()
        prompts = self._newest()
        exact = [one for one, text in prompts if all(word in text for word in words)]
        if len(exact) >= most or not any(len(word) >= _LEAST_FUZZY for word in words):
            return exact[:most]
        ratio = _partial_ratio()
        seen = {one.text for one in exact}
        for one, text in prompts:
            if len(exact) >= most:
                break
            if one.text not in seen and _is_like(ratio, words, text):
                exact.append(one)
        return exact


def _sent_at(prompt: SentPrompt) -> datetime:
    return prompt.sent_at


def _is_like(ratio: Any, words: Sequence[str], text: str) -> bool:
    """Whether a text has each word, perhaps misspelt."""
    compared = text[:_LONGEST_COMPARED]
    return all(
        word in text
        or (
            len(word) >= _LEAST_FUZZY
            and len(compared) >= len(word)
            and ratio(word, compared, score_cutoff=_LIKENESS) > 0
        )
        for word in words
    )


def _partial_ratio() -> Any:
    from rapidfuzz.fuzz import partial_ratio  # only for a search

    return partial_ratio
