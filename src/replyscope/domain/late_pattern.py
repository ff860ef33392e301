"""Regular expressions that are compiled at their first use.

Compiling a pattern takes up to a millisecond, and most of those in modules that the start loads
are not needed before the first paint.
"""

import re
from functools import cached_property


class LatePattern:
    """A pattern that is compiled at its first use."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, self._flags)
