"""The bundle: a file with a stretch of one machine's log, compressed in blocks with checksums.

The first line has the format and the checksum of the second; the second is the header in JSON.
The blocks follow, first the index. A damaged block costs only its own entries.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.hub import EntryKind, HubEntry, LogHead, Stamp
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.json_text import read_bounded_json

_MAGIC = b"replyscope bundle 1 "
_BLOCK = 256_000
"""The bytes of a block before compression; one entry may be larger."""
_LARGEST_BLOCK = 100_000_000
_LONGEST_HEADER = 4_000_000
_LEVEL = 6


class BundleDamaged(Exception):
    """The file, or one of its blocks, was damaged. The message is a phrase."""


@dataclass(frozen=True, slots=True)
class BundleBlock:
    """One block: its place in the file, its size before compression, its checksum, and the
    numbers of its first and last entry.
    """

    offset: int
    size: int
    raw: int
    checksum: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory. It covers the numbers from `first` to `last`; `end` is the end of the
    log after it.
    """

    data: bytes
    machine: str
    first: int
    end: LogHead
    index: BundleBlock
    blocks: tuple[BundleBlock, ...]

    def sessions(self) -> set[str]:
        """The ids of the sessions of its entries. Raises BundleDamaged."""
        try:
            return {str(one) for one in read_bounded_json(_unpacked(self.data, self.index))}
        except ValueError as error:
            raise BundleDamaged(f"its index is damaged ({error})") from error

    def entries(self, block: BundleBlock) -> list[HubEntry]:
        """The entries of a block. Raises BundleDamaged."""
        return list(_read_entries(_unpacked(self.data, block), block))


def encode_bundle(machine: str, first: int, end: LogHead, entries: Sequence[HubEntry]) -> bytes:
    """The bytes of a bundle."""
    sessions = sorted({entry.session_id for entry in entries})
    packed = [zlib.compress(json.dumps(sessions).encode("ascii"), _LEVEL)]
    rows = [_row(packed[0], len(json.dumps(sessions)), 0, 0)]
    for group in _groups(entries):
        raw = b"".join(map(_encode_entry, group))
        packed.append(zlib.compress(raw, _LEVEL))
        rows.append(_row(packed[-1], len(raw), group[0].number, group[-1].number))
    header = json.dumps(
        {
            "machine": machine,
            "first": first,
            "last": end.number,
            "digest": end.digest,
            "blocks": rows,
        },
        separators=(",", ":"),
    ).encode("ascii")
    checksum = hashlib.sha256(header).hexdigest().encode("ascii")
    return b"".join((_MAGIC, checksum, b"\n", header, b"\n", *packed))


def _row(packed: bytes, raw: int, first: int, last: int) -> list[Any]:
    return [len(packed), raw, hashlib.sha256(packed).hexdigest(), first, last]


def _groups(entries: Sequence[HubEntry]) -> Iterator[list[HubEntry]]:
    group: list[HubEntry] = []
    size = 0
    for entry in entries:
        if group and size + len(entry.body) > _BLOCK:
            yield group
            group, size = [], 0
        group.append(entry)
        size += len(entry.body)
    if group:
        yield group


def _encode_entry(entry: HubEntry) -> bytes:
    stamp = entry.stamp
    head = [entry.number, entry.kind.value, entry.id, entry.session_id]
    head += [stamp.at_ms, stamp.counter, stamp.machine, len(entry.body)]
    return json.dumps(head).encode("ascii") + b"\n" + entry.body + b"\n"


def decode_bundle(data: bytes) -> Bundle:
    """The bundle of a file, with its header checked. Raises BundleDamaged."""
    try:
        return _decode(data)
    except (*DATA_FAULTS, zlib.error) as error:
        raise BundleDamaged(f"its header is damaged ({error})") from error


def _decode(data: bytes) -> Bundle:
    line, _, _ = data[:200].partition(b"\n")
    if not line.startswith(_MAGIC):
        raise BundleDamaged("it is not a bundle of this version")
    start = len(line) + 1
    end = data.find(b"\n", start, start + _LONGEST_HEADER)
    header = data[start:end]
    if end < 0 or hashlib.sha256(header).hexdigest().encode() != line[len(_MAGIC) :]:
        raise BundleDamaged("its header is damaged or not complete")
    value = json.loads(header)
    offset = end + 1
    blocks = []
    for size, raw, checksum, first, last in value["blocks"]:
        blocks.append(
            BundleBlock(offset, int(size), int(raw), str(checksum), int(first), int(last))
        )
        offset += int(size)
    head = LogHead(int(value["last"]), str(value["digest"]))
    return Bundle(data, str(value["machine"]), int(value["first"]), head, blocks[0],
                  tuple(blocks[1:]))  # fmt: skip


def _unpacked(data: bytes, block: BundleBlock) -> bytes:
    """The content of a block. Raises BundleDamaged."""
    packed = data[block.offset : block.offset + block.size]
    if len(packed) < block.size:
        raise BundleDamaged("it is not complete")
    if hashlib.sha256(packed).hexdigest() != block.checksum or block.raw > _LARGEST_BLOCK:
        raise BundleDamaged("a checksum does not match")
    try:
        raw = zlib.decompressobj().decompress(packed, block.raw + 1)
    except zlib.error as error:
        raise BundleDamaged(f"a block is damaged ({error})") from error
    if len(raw) != block.raw:
        raise BundleDamaged("a block has another size")
    return raw


def _read_entries(raw: bytes, block: BundleBlock) -> Iterator[HubEntry]:
    at, number = 0, block.first - 1
    while at < len(raw):
        end = raw.find(b"\n", at, at + 2_000)
        try:
            head = json.loads(raw[at:end])
            kind, stamp = EntryKind(head[1]), Stamp(int(head[4]), int(head[5]), str(head[6]))
            size = int(head[7])
            entry = HubEntry(
                int(head[0]), kind, str(head[2]), str(head[3]), stamp,
                raw[end + 1 : end + 1 + size],
            )  # fmt: skip
        except DATA_FAULTS as error:
            raise BundleDamaged(f"an entry is damaged ({error})") from error
        if size < 0 or not number < entry.number <= block.last or len(entry.body) != size:
            raise BundleDamaged("its entries are not in order")
        number = entry.number
        yield entry
        at = end + 1 + size + 1
