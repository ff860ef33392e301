"""The text that was streamed, so that closing events add only what is missing."""

from replyscope.domain.growing import GrowingText


class StreamedText:
    """The streamed text of a reply by kind ("text", "arguments" …), item slot and part."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, int], dict[int, GrowingText]] = {}

    def has(self, what: str, slot: int | None = None, part: int | None = None) -> bool:
        """Whether anything of that was told: at all, of one item, or of one part of it."""
        if slot is None:
            return any(kind == what for kind, _ in self._words)
        parts = self._words.get((what, slot), {})
        return bool(parts) if part is None else part in parts

    def add(self, what: str, slot: int, part: int, words: str) -> None:
        """These words were told."""
        parts = self._words.setdefault((what, slot), {})
        parts.setdefault(part, GrowingText()).append(words)

    def whole(self, what: str, slot: int) -> str:
        """All that was told of an item, its parts joined in the order in which they began."""
        return "".join(map(str, self._words.get((what, slot), {}).values()))

    def rest(self, what: str, slot: int, part: int | None, whole: str) -> str | None:
        """What is missing of the whole of a part, now told; None when it contradicts what
        was told. `part` None stands for the whole item, and for a server that numbers none.
        """
        parts = self._words.get((what, slot), {})
        told = self.whole(what, slot) if part is None else str(parts.get(part, ""))
        if whole.startswith(told):
            missing = whole[len(told) :]
            if missing:
                self.add(what, slot, part or 0, missing)
            return missing
        return "" if self.whole(what, slot).endswith(whole) else None
