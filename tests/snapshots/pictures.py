"""One SVG for each snapshot; what differs is shown in a page with both pictures.

`snapshot_report.html` in the folder where the tests run has, for each snapshot that differs,
the expected picture, the actual one, and what differs between them.
"""

import base64
import html
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App

REPORT = Path("snapshot_report.html")
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
_HEAD = """<!doctype html><meta charset="utf-8"><title>Snapshots that differ</title>
<style>
body { font: 15px sans-serif; margin: 2em } img { width: 100% }
section { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 1em }
h2 { grid-column: 1 / -1 } .both { position: relative; isolation: isolate }
.both img + img { position: absolute; left: 0; bottom: 0; mix-blend-mode: difference }
</style><h1>Snapshots that differ</h1>
"""


class SvgExtension(SingleFileSnapshotExtension):
    """A text file for each snapshot. The difference is a page, not a thousand lines of SVG."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        """Where the page with both pictures is."""
        add_to_report(str(snapshot_data), str(serialized_data))
        yield f"Both pictures: {REPORT.absolute().as_uri()}"
        yield "Where the new one is right: python -m pytest tests/snapshots --snapshot-update"


class TextExtension(SingleFileSnapshotExtension):
    """A text file for each snapshot."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


_SAID_SHORTER = (
    (r"terminal-\d+-", ""),  # the hash of the whole picture
    (r"@font-face \{.*?\}\n", ""),
    (r'<clipPath id="line-\d+">.*?</clipPath>', ""),
    (r' clip-path="url\(#line-\d+\)"', ""),
    (r' shape-rendering="crispEdges"', ""),
    (r"<style>", "<style>rect { shape-rendering: crispEdges }"),
    (r"<text [^>]*>\n</text>", ""),
    (r"\s*\n\s*", "\n"),
)
"""Patterns, and what stands in their place: what is left draws the same in less room."""


def picture_of(app: App[Any], title: str) -> str:
    """The screen as SVG, the same text for the same screen."""
    svg = app.export_screenshot(title=title)
    for pattern, shorter in _SAID_SHORTER:
        svg = re.sub(pattern, shorter, svg, flags=re.DOTALL)
    return svg


def add_to_report(expected: str, actual: str) -> None:
    """Add a pair of pictures to the page; the first of a run begins it anew."""
    run = f"<!-- {_RUN} -->"
    with FileLock(f"{REPORT}.lock"):
        page = REPORT.read_text("utf-8") if REPORT.exists() else ""
        if run not in page:
            page = f"{_HEAD}{run}\n"
        REPORT.write_text(page + _section(expected, actual), "utf-8")


def _section(expected: str, actual: str) -> str:
    before, after = _image(expected), _image(actual)
    title = re.search(r'class="title"[^>]*>([^<]*)<', actual)
    name = html.escape(html.unescape(title[1])) if title else ""
    return (
        f"<section><h2>{name}</h2><div>expected{before}</div><div>actual{after}</div>"
        f'<div>what differs<div class="both">{before}{after}</div></div></section>\n'
    )


def _image(svg: str) -> str:
    if not svg:
        return "<p>There is none yet.</p>"
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
