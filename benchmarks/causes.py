"""Why a target is not met, by the beginning of what was measured."""

from collections.abc import Sequence

from benchmarks.row import Row

CAUSES: dict[str, str] = {}
"""Each is a sentence or two: what takes the time, and why it stays."""


def cause_of(row: Row) -> str:
    """The cause of a missed target; empty where none is known."""
    found = [begin for begin in CAUSES if row.what.startswith(begin)]
    return CAUSES[max(found, key=len)] if found else ""


def missed_list(rows: Sequence[Row]) -> str:
    """The targets that are not met, each with its figure and its cause, for a page."""
    missed = [row for row in rows if row.is_met is False]
    lines = [f"- **{row.what}**: {row.result} ({row.wanted}). {cause_of(row)}" for row in missed]
    return "\n".join(["## Targets that are not met, and why\n", *lines]) + "\n" if lines else ""
