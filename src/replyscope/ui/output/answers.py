"""Takes the terminal's answers to probes out of its input, before keys are parsed."""

from collections.abc import Callable

from replyscope.ui.output.line_pace import ANSWER

_STARTS = (ANSWER[:3], ANSWER[:2])
"""Beginnings of an answer at the end of what was read. A single ESC is not waited for: it is a
key."""


class Answers:
    """A filter of terminal input. `listener` is called once for each answer."""

    def __init__(self, listener: Callable[[], None]) -> None:
        self._listener = listener
        self._held = ""

    def filter(self, text: str) -> str:
        """The text without answers. The beginning of one is held until the next call; call it
        with an empty text when no input follows.
        """
        whole = self._held + text
        self._held = ""
        if ANSWER in whole:
            for _ in range(whole.count(ANSWER)):
                self._listener()
            whole = whole.replace(ANSWER, "")
        if text:
            for start in _STARTS:
                if whole.endswith(start):
                    self._held = start
                    return whole[: -len(start)]
        return whole
