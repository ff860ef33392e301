"""The data export of Claude.ai: chats in `conversations.json`, chats of Claude Design, projects,
and the memory.

Since August 2026 the export is several zips, each with a part of it. Programs that read the site
save the same objects with more fields: the model, the stop reason, the current branch.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from replyscope.domain.import_format import EntryFormat
from replyscope.readers.claude_ai.conversation import read_conversation
from replyscope.readers.claude_ai.design import is_design_chat, read_design_chat
from replyscope.readers.claude_ai.project import (
    is_memory,
    is_project,
    read_memory,
    read_project,
)

Fields = Mapping[str, Any]
_CHATS = re.compile(r"conversations(?:[-_]\d+)?\.json")
_DESIGN = re.compile(r"(?:.*/)?design_chats[^/]*/[^/]+\.json")
_KNOWN = re.compile(r"(?:.*/)?(?:memories|projects)(?:\.json|/[^/]+\.json)")
_USERS = re.compile(r"(?:.*/)?users\.json")


def _members(names: Sequence[str]) -> list[str]:
    """The files of an export that has something besides `conversations.json` by which it differs
    from the export of ChatGPT; else none. Chats are first.
    """
    design = sorted(name for name in names if _DESIGN.fullmatch(name))
    known = sorted(name for name in names if _KNOWN.fullmatch(name))
    if not design and not known and not any(_USERS.fullmatch(name) for name in names):
        return []
    chats = sorted(name for name in names if _CHATS.fullmatch(PurePosixPath(name).name))
    return [*chats, *design, *known]


_KINDS: tuple[tuple[Callable[[Fields], bool], Callable[[Fields], Any]], ...] = (
    (lambda entry: isinstance(entry.get("chat_messages"), list), read_conversation),
    (is_design_chat, read_design_chat),
    (is_project, read_project),
    (is_memory, read_memory),
)
"""The kinds of entries: how one is recognised, and its reader."""


def _reader_of(entry: Fields) -> Callable[[Fields], Any] | None:
    return next((read for is_of, read in _KINDS if is_of(entry)), None)


def _read(entry: Fields) -> Any:
    read = _reader_of(entry)
    assert read is not None
    return read(entry)


CLAUDE_AI = EntryFormat(
    name="claude-ai",
    title="Claude.ai",
    path="the zip, the extracted folder, or `conversations.json`",
    content="`conversations.json` and `design_chats/`: the tree of messages, thinking, tool calls "
    "and results, citations, attached texts; `projects.json` and `memories.json`: instructions, "
    "documents and memory",
    members=_members,
    member="design_chats/….json",
    sniff=lambda entry: _reader_of(entry) is not None,
    read=_read,
)
