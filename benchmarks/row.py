"""One measured figure: what it is, what it may be at most, and how it is written."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`value` in `unit`; `target` is the most that it may be, None where none is set.

    `detail` holds what it was compared with, measured in the same run.
    """

    what: str
    value: float
    unit: str
    target: float | None = None
    detail: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where none is set."""
        return None if self.target is None else self.value <= self.target

    @property
    def result(self) -> str:
        """The figure with its unit."""
        return written(self.value, self.unit)

    @property
    def wanted(self) -> str:
        """The target with its unit."""
        return "" if self.target is None else f"≤ {written(self.target, self.unit)}"


def written(value: float, unit: str) -> str:
    """A figure as people write it."""
    match unit:
        case "x":
            return f"{value:.2f}×"
        case "ms" | "MB":
            return f"{value:.0f} {unit}"
        case "s" | "%":
            return f"{value:.2f} {unit}"
    return f"{value:,.0f} {unit}"


_MARKS = {True: "✓", False: "✗", None: ""}


def print_table(title: str, rows: Iterable[Row]) -> None:
    """One group of figures, for a terminal."""
    print(f"\n{title}")
    for row in rows:
        mark = _MARKS[row.is_met]
        print(f"  {mark:<1} {row.what:<52} {row.result:>11} {row.wanted:>11}  {row.detail}")


def markdown_table(title: str, rows: Iterable[Row]) -> str:
    """One group of figures, for a page."""
    lines = [f"## {title}\n", "| measure | result | target | | compared with |"]
    lines.append("|---|---:|---:|---|---|")
    for row in rows:
        mark = _MARKS[row.is_met]
        lines.append(f"| {row.what} | {row.result} | {row.wanted} | {mark} | {row.detail} |")
    return "\n".join(lines) + "\n"
