"""The committed figures: a page of tables, a chart of the targets, and a check of ratios.

`results.json` keeps the figures: a group that is measured anew takes the place of its last
ones, with their values beside its own, and the page has the others as they were.
"""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from benchmarks.causes import missed_list
from benchmarks.row import Row, markdown_table

FOLDER = Path(__file__).parent
_PACKAGES = ("textual", "openai", "rich", "markdown-it-py")
WORSE = 1.25
"""How much larger than its committed figure a ratio may be."""
_BAR, _LEFT, _RIGHT, _LINE, _MOST = 320, 410, 150, 24, 1.5
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.figure { fill: #57606a; } .bar { fill: #2da44e; } .over { fill: #cf222e; }
.limit { stroke: #24292f; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .figure { fill: #9198a1; } .limit { stroke: #e6edf3; }
}"""


def write_results(
    measured: Mapping[str, Sequence[Row]], order: Sequence[str], now: datetime
) -> None:
    """Write results.json, RESULTS.md, and the chart beside it."""
    known = read_results()
    known |= {
        title: [_with_before(row, known.get(title, ())) for row in rows]
        for title, rows in measured.items()
    }
    groups = {title: known[title] for title in order if title in known}
    kept = {title: [asdict(row) for row in rows] for title, rows in groups.items()}
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    (FOLDER / "results.json").write_text(f"{text}\n", encoding="utf-8")
    rows = [row for each in groups.values() for row in each if row.target is not None]
    (FOLDER / "RESULTS.md").write_text(page(groups, rows, now), encoding="utf-8")
    (FOLDER / "results.svg").write_text(chart(rows), encoding="utf-8")


def read_results() -> dict[str, list[Row]]:
    """The committed figures, by the titles of their groups."""
    kept = FOLDER / "results.json"
    if not kept.exists():
        return {}
    read = json.loads(kept.read_text(encoding="utf-8"))
    return {title: [Row(**row) for row in rows] for title, rows in read.items()}


def _with_before(row: Row, known: Sequence[Row]) -> Row:
    before = next((one.value for one in known if one.what == row.what), None)
    return replace(row, before=before)


def worse_ratios(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """The ratios that are worse than the committed ones by more than a quarter, with these."""
    compared = [_with_before(row, known) for row in rows if row.is_ratio]
    return [row for row in compared if row.before is not None and row.value > row.before * WORSE]


def page(groups: Mapping[str, Sequence[Row]], rows: Sequence[Row], now: datetime) -> str:
    """The tables, with what was measured on and which targets are met."""
    missed = [row for row in rows if not row.is_met]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    said = f"{len(rows) - len(missed)} of {len(rows)} targets are met."
    head = (
        "# What it costs\n\n"
        f"{now.astimezone(UTC):%Y-%m-%d}, {machine()}; Python {platform.python_version()}, "
        f"{versions}. Made by `python -m benchmarks --write`. Medians; what a figure is compared "
        "with was measured in the same run, in the same terminal of 120x40.\n\n"
        f"{said}\n\n![Each figure as a part of its target](results.svg)\n\n"
        f"{markdown_table('Targets', rows)}\n{missed_list(rows)}\n"
    )
    return head + "\n".join(markdown_table(title, each) for title, each in groups.items())


def machine() -> str:
    """The processor, and how much of it and of memory there is."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, {platform.system()}"


def share_of_target(row: Row) -> float:
    """How much of what is allowed was taken. Where nothing is allowed, anything is too much."""
    assert row.target is not None
    if not row.target:
        return 0.0 if row.is_met else _MOST
    return row.value / row.target


def chart(rows: Sequence[Row]) -> str:
    """A bar for each target: how much of what is allowed was taken."""
    height = _LINE * (len(rows) + 2)
    width = _LEFT + _BAR + _RIGHT
    limit = _LEFT + _BAR / _MOST
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>Each figure as a part of its target</title><style>{_STYLE}</style>",
        f'<text x="{limit}" y="16" text-anchor="middle">target</text>',
        f'<line class="limit" x1="{limit}" x2="{limit}" y1="22" y2="{height - 8}"/>',
    ]
    for number, row in enumerate(rows, start=1):
        part = max(0.0, min(_MOST, share_of_target(row)))
        y = _LINE * number
        kind = "bar" if row.is_met else "over"
        length = max(1.0, part * _BAR / _MOST)
        parts += [
            f'<text x="{_LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(row.what)}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{y + 5}" width="{length:.0f}" height="14"/>',
            f'<text class="figure" x="{_LEFT + _BAR + 8}" y="{y + 16}">'
            f"{escape(row.result)} of {escape(row.wanted.removeprefix('≤ '))}</text>",
        ]
    return "\n".join([*parts, "</svg>\n"])
