"""The data export of ChatGPT: one JSON object for each conversation, in one or more files."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from replyscope.domain.import_format import EntryFormat
from replyscope.readers.chatgpt.conversation import read_conversation

_PART = re.compile(r"conversations(?:[-_. ]?\(?(\d+)\)?)?\.json")
_ONE = re.compile(r"(?:\A|/)conversations/[^/]+\.json\Z")


def _members(names: Sequence[str]) -> list[str]:
    """The parts of `conversations.json` in the order of their numbers, else one file for each."""
    parts = [(match, n) for n in names if (match := _PART.fullmatch(PurePosixPath(n).name))]
    parts.sort(key=lambda part: (PurePosixPath(part[1]).parent, int(part[0][1] or 0)))
    return [name for _, name in parts] or sorted(n for n in names if _ONE.search(n))


def _sniff(entry: Mapping[str, object]) -> bool:
    return isinstance(entry.get("mapping"), Mapping)


CHATGPT = EntryFormat(
    name="chatgpt",
    title="ChatGPT",
    path="the zip, the extracted folder, or one of its files",
    content="`conversations.json`; the parts `conversations-000.json`, `conversations-001.json`, "
    "…; or one file for each conversation in `conversations/`",
    members=_members,
    member="conversations.json",
    sniff=_sniff,
    read=read_conversation,
)
