"""What was already told of a reply, so that its closing events add only what is missing."""

from replyscope.domain.growing import GrowingText

Place = tuple[str, int, int]
"""What it is ("text", "reasoning", "arguments"), its item's index, and the part's in it."""


class Told:
    """The words told so far, by place."""

    def __init__(self) -> None:
        self._words: dict[Place, GrowingText] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._words

    def has_any(self, what: str, index: int | None = None) -> bool:
        """Whether anything of that was told, or of one item."""
        return any(w == what and index in (None, i) for w, i, _ in self._words)

    def add(self, place: Place, words: str) -> None:
        """These words were told."""
        self._words.setdefault(place, GrowingText()).append(words)

    def rest(self, place: Place, whole: str) -> str | None:
        """What is missing of the whole, now told; None when it contradicts what was told."""
        told = str(self._words.get(place, ""))
        if not whole.startswith(told):
            return None
        if len(whole) > len(told):
            self.add(place, whole[len(told) :])
        return whole[len(told) :]
