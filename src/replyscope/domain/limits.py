"""The ranges of the numbers that a person can set, in settings, dialogs and options.

They are wide: servers have narrower ones. They prevent a mistyped number from filling the
memory, the screen or an integer of SQLite.
"""

from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest allowed value."""

    least: float
    most: float

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most  # false for NaN

    def __str__(self) -> str:
        return f"between {_plain(self.least)} and {_plain(self.most)}"


def _plain(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


MAX_TOKENS = Limits(1, 10_000_000)
TEMPERATURE = Limits(0, 2)
TOP_P = Limits(0, 1)
SEED = Limits(-(2**63), 2**63 - 1)
CHOICES = Limits(1, 128)
RETRIES = Limits(0, 100)
TIMEOUT_S = Limits(1, 86_400)
TOOL_TIMEOUT_S = Limits(0.1, 86_400)
ROUNDS = Limits(1, 1_000)
TOOL_OUTPUT = Limits(100, 100_000_000)
TOOL_PROCESSES = Limits(1, 1_000)
BUDGET_TOKENS = Limits(1, 1_000_000_000_000)
BUDGET_USD = Limits(0, 1_000_000_000)
PRICE = Limits(0, 1_000_000)
RULE_TIMES = Limits(1, 20)
PORT = Limits(0, 65_535)
SPEED = Limits(0, 1_000_000)
RESULTS = Limits(1, 1_000_000)
BACKUPS = Limits(0, 1_000)
