"""A record of the streamed text, so that `done` events add only the missing part."""

from replyscope.domain.growing import GrowingText


class StreamedText:
    """The streamed text of a reply, by kind ("text", "arguments" …), item slot and part."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, int], dict[int, GrowingText]] = {}

    def has(self, what: str, slot: int | None = None, part: int | None = None) -> bool:
        """Whether any text of a kind was streamed: for the reply, an item, or a part."""
        if slot is None:
            return any(kind == what for kind, _ in self._words)
        parts = self._words.get((what, slot), {})
        return bool(parts) if part is None else part in parts

    def add(self, what: str, slot: int, part: int, words: str) -> None:
        """Append streamed text."""
        parts = self._words.setdefault((what, slot), {})
        parts.setdefault(part, GrowingText()).append(words)

    def whole(self, what: str, slot: int) -> str:
        """The streamed text of an item, its parts joined in order of their start."""
        return "".join(map(str, self._words.get((what, slot), {}).values()))

    def rest(self, what: str, slot: int, part: int | None, whole: str) -> str | None:
        """Append and return the missing part of a complete text; None for a contradiction.

        With `part` None the text is that of the whole item, as from servers without numbers.
        """
        parts = self._words.get((what, slot), {})
        told = self.whole(what, slot) if part is None else str(parts.get(part, ""))
        if whole.startswith(told):
            missing = whole[len(told) :]
            if missing:
                self.add(what, slot, part or 0, missing)
            return missing
        return "" if self.whole(what, slot).endswith(whole) else None
