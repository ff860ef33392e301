"""One measured figure: what it is, what it may be at most, and how it is written."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`value` in `unit`; `target` is the most that it may be, None where none is set.

    `detail` holds what it was compared with, measured in the same run. `before` is the value of
    the run before, None where there was none.
    """

    what: str
    value: float
    unit: str
    target: float | None = None
    detail: str = ""
    before: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where none is set."""
        return None if self.target is None else self.value <= self.target

    @property
    def result(self) -> str:
        """The figure with its unit."""
        return written(self.value, self.unit)

    @property
    def was(self) -> str:
        """The figure of the run before, with its unit."""
        return "" if self.before is None else written(self.before, self.unit)

    @property
    def is_ratio(self) -> bool:
        """Whether it compares two figures of one run: such a figure depends little on the
        machine.
        """
        return self.unit == "x"

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
        case "":
            return f"{value:,.1f}"
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
    lines = [f"## {title}\n", "| measure | before | result | target | | compared with |"]
    lines.append("|---|---:|---:|---:|---|---|")
    for row in rows:
        mark = _MARKS[row.is_met]
        cells = (row.what, row.was, row.result, row.wanted, mark, row.detail)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
