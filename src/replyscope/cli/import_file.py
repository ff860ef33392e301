"""`replyscope sessions import`: takes in what is in a file, and says what became of it."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from replyscope.cli.import_sources import read_file
from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring
from replyscope.domain.printable import printable_line
from replyscope.engine.importing import Imported, take_in
from replyscope.engine.importing import Progress as Tell

_MOST_TOLD = 20


async def run_import(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Take in a file and say what became of it."""
    with _bar(Path(arguments.file).name) as tell:
        path = Path(arguments.file).expanduser()
        done = await import_file(wiring, path, arguments.dry_run, tell)
    for failed in done.failed[:_MOST_TOLD]:
        warn(printable_line(f"{failed.name} was left out: {failed.why}"))
    if len(done.failed) > _MOST_TOLD:
        warn(f"and {len(done.failed) - _MOST_TOLD} more were left out; --json has them all")
    print(json.dumps(_object(done)) if arguments.json else done.sentence)


async def import_file(wiring: Wiring, path: Path, is_dry: bool, tell: Tell) -> Imported:
    """Take in a file. Raises ImportFault, StoreError."""
    batch = await asyncio.to_thread(read_file, path)
    return await take_in(batch, wiring.store, is_dry=is_dry, progress=tell)


def _object(done: Imported) -> dict[str, object]:
    return {
        "imported": done.taken,
        "grown": done.grown,
        "skipped": done.known,
        "replies": done.replies,
        "failed": [{"name": failed.name, "why": failed.why} for failed in done.failed],
        "dry_run": done.is_dry,
    }


@contextmanager
def _bar(name: str) -> Iterator[Tell]:
    """A bar on stderr that is gone when it is done; nothing where no terminal is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _place, _size: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[number]:,} sessions", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(printable_line(name), total=None, number=0)
        number = 0

        def tell(place: int, size: int) -> None:
            nonlocal number
            number += 1
            progress.update(task, completed=place, total=size, number=number)

        yield tell
