"""A progress bar on stderr, removed at the end. Without a terminal it shows nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.shared import Progress as ReportProgress


@contextmanager
def progress_bar(what: str) -> Iterator[ReportProgress]:
    """A bar with the label `what`."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _place, _size, _sessions: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[count]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(printable_line(what), total=None, count=plural(0, "session"))

        def report(place: int, size: int, sessions: int) -> None:
            progress.update(task, completed=place, total=size, count=plural(sessions, "session"))

        yield report
