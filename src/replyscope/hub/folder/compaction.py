"""Compacts the log of one machine: joins small bundles, and removes replaced or purged entries.

Only the machine itself compacts its log. Sixteen neighbours of one size class are joined into one
bundle, so each entry is rewritten only a few times, and one call writes a bounded amount.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import groupby, pairwise
from pathlib import Path

from replyscope.domain.hub import EntryKind, HubEntry
from replyscope.domain.regular_file import read_regular
from replyscope.domain.whole_file import write_whole
from replyscope.hub.folder.bundle import Bundle, BundleDamaged, decode_bundle, encode_bundle
from replyscope.hub.folder.files import BundleFile, bundle_path, list_bundles

MOST_BYTES = 400_000_000
"""The largest bundle that is read."""
_JOINED = 16
_CLASSES = (32_000, 400_000, 4_000_000)
"""Bundles below a size are joined with neighbours of their class; larger ones stay."""


def read_bundle(file: BundleFile, machine: str) -> Bundle:
    """The bundle of a file. Raises BundleDamaged, OSError."""
    bundle = decode_bundle(read_regular(file.path, MOST_BYTES))
    if bundle.machine != machine or (bundle.first, bundle.end) != (file.first, file.head):
        raise BundleDamaged("it belongs to another machine or place")
    return bundle


def compact(folder: Path, machine: str) -> None:
    """Join one group of small bundles, and delete files that a bundle replaces. Raises OSError."""
    files = list_bundles(folder)
    replaced = [file for file in files if any(other.holds(file) for other in files)]
    for file in replaced:
        file.path.unlink(missing_ok=True)
    files = [file for file in files if file not in replaced]
    group = _group(files)
    if group:
        with suppress(BundleDamaged):  # it stays as it is, and is named by its readers
            _join(folder, machine, group)


def _class(file: BundleFile) -> int:
    size = file.path.stat().st_size
    return next((n for n, limit in enumerate(_CLASSES) if size < limit), len(_CLASSES))


def _group(files: list[BundleFile]) -> list[BundleFile]:
    """The first group of neighbours to join."""
    for size, run in groupby(files, _class):
        neighbours = list(run)
        if size == len(_CLASSES) or len(neighbours) < _JOINED:
            continue
        some = neighbours[:_JOINED]
        if all(a.last + 1 == b.first for a, b in pairwise(some)):
            return some
    return []


def _join(folder: Path, machine: str, group: list[BundleFile]) -> None:
    entries: list[HubEntry] = []
    for file in group:
        entries += _entries(read_bundle(file, machine))
    first, head = group[0].first, group[-1].head
    kept = newest(entries)
    path = bundle_path(folder, first, head, is_compacted=True)
    write_whole(path, encode_bundle(machine, first, head, kept))
    for file in group:
        if file.path != path:
            file.path.unlink(missing_ok=True)


def _entries(bundle: Bundle) -> list[HubEntry]:
    return [entry for block in bundle.blocks for entry in bundle.entries(block)]


def newest(entries: Iterable[HubEntry]) -> list[HubEntry]:
    """The entries that no later entry replaces."""
    last: dict[tuple[EntryKind, str], HubEntry] = {}
    for entry in entries:
        last[entry.kind, entry.id] = entry
    return sorted(last.values(), key=lambda entry: entry.number)


def remove_sessions(folder: Path, machine: str, session_ids: Collection[str], *, upto: int) -> None:
    """Rewrite the bundles that have entries of sessions up to a number, without those entries.

    Purge entries stay. The files keep their names. Raises OSError.
    """
    gone = set(session_ids)
    for file in list_bundles(folder):
        with suppress(BundleDamaged):
            bundle = read_bundle(file, machine)
            if gone.isdisjoint(bundle.sessions()):
                continue
            entries = _entries(bundle)
            kept = [
                entry
                for entry in entries
                if entry.session_id not in gone
                or entry.kind is EntryKind.PURGE
                or entry.number > upto
            ]
            if len(kept) < len(entries):
                write_whole(file.path, encode_bundle(machine, file.first, file.head, kept))
