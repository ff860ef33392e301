"""Takes the terminal's answers to probes out of its input, before keys are parsed."""

import re
from collections.abc import Callable

from replyscope.ui.output.line_pace import ANSWER

ASK_ATTRIBUTES = "\x1b[c"
"""Asks which abilities the terminal has; all terminals know it."""
SIXEL_ATTRIBUTE = 4
_ATTRIBUTES = re.compile(r"\x1b\[\?([\d;]{1,80})c")
_START = re.compile(r"\x1b\[(?:0|\?[\d;]{0,80})?\Z")
"""The beginning of an answer at the end of what was read. A single ESC is not waited for: it is a
key."""


class Answers:
    """A filter of terminal input. `listener` is called once for each answer to a probe, and
    `hear_attributes` with the numbers of the terminal's abilities.
    """

    def __init__(
        self,
        listener: Callable[[], None],
        hear_attributes: Callable[[frozenset[int]], None] = lambda _: None,
    ) -> None:
        self._listener = listener
        self._hear_attributes = hear_attributes
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
        whole = _ATTRIBUTES.sub(self._take_attributes, whole)
        start = _START.search(whole) if text else None
        if start is not None:
            self._held = start[0]
            return whole[: start.start()]
        return whole

    def _take_attributes(self, answer: re.Match[str]) -> str:
        self._hear_attributes(frozenset(int(one) for one in answer[1].split(";") if one))
        return ""
