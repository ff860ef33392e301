"""`replyscope sessions import`: imports sessions from files, and reports the result."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from replyscope.cli.history_folders import existing, known_places
from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.progress import progress_bar
from replyscope.cli.report import warn
from replyscope.cli.sharing import importer_of
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import ImportFault
from replyscope.domain.foreign import Unreadable
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.shared import Progress
from replyscope.domain.typed_path import typed_path
from replyscope.engine.importing import Imported, Importer
from replyscope.readers.formats import FORMATS

_MOST_REPORTED = 20


async def run_import(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Import files and report the result. Returns the exit status.

    With several files, an unreadable one is reported and skipped.
    """
    if not arguments.files:
        return _list_places(as_json=arguments.json)
    importer = importer_of(wiring)
    paths = [typed_path(name) for name in arguments.files]
    done = Imported(0, 0, 0, 0, (), arguments.dry_run)
    try:
        for path in paths:
            with progress_bar(path.name) as report:
                done = done.plus(await _one_of(paths, path, importer, arguments.dry_run, report))
    except asyncio.CancelledError:
        warn("cancelled; imported sessions are kept, and the next import skips them")
        raise
    report_faults(done)
    print(json.dumps(result_object(done)) if arguments.json else done.sentence)
    return EXIT_PARTLY if done.failed else EXIT_OK


def report_faults(done: Imported) -> None:
    """Print what was not imported, and what was left out, with the reasons."""
    for failed in done.failed[:_MOST_REPORTED]:
        warn(printable_line(f"{failed.name} was not imported: {failed.why}"))
    if len(done.failed) > _MOST_REPORTED:
        warn(f"and {len(done.failed) - _MOST_REPORTED:,} more not imported; --json lists all")
    for omission in done.omissions[:_MOST_REPORTED]:
        warn(printable_line(omission.sentence))
    if len(done.omissions) > _MOST_REPORTED:
        kinds = plural(len(done.omissions) - _MOST_REPORTED, "more kind")
        warn(f"and {kinds} of content; --json lists all")


def _list_places(*, as_json: bool) -> int:
    """Print the folders in which programs keep their history on this machine."""
    places = existing(known_places(FORMATS, os.environ, Path.home()))
    if as_json:
        print(json.dumps([{"program": p.title, "path": str(p.path)} for p in places]))
        return EXIT_OK
    for place in places:
        print(printable_line(f"{place.title:<22} {place.path}"))
    if not places:
        print("No history of other programs was found in the usual places.", file=sys.stderr)
    print("Name a file or a folder: `replyscope sessions import PATH`.", file=sys.stderr)
    return EXIT_OK


async def _one_of(
    paths: Sequence[Path], path: Path, importer: Importer, is_dry: bool, progress: Progress
) -> Imported:
    try:
        return await importer.import_file(path, is_dry=is_dry, progress=progress)
    except ImportFault as error:
        if len(paths) == 1:
            raise
        return Imported(0, 0, 0, 0, (Unreadable(path.name, error.message),), is_dry)


def result_object(done: Imported) -> dict[str, object]:
    """The result of an import for JSON."""
    return {
        "imported": done.taken,
        "grown": done.grown,
        "skipped": done.known,
        "replies": done.replies,
        "failed": [{"name": failed.name, "why": failed.why} for failed in done.failed],
        "left_out": [asdict(omission) for omission in done.omissions],
        "dry_run": done.is_dry,
    }
