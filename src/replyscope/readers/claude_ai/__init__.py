"""The data export of Claude.ai: chats in `conversations.json`, and chats of Claude Design.

Since August 2026 the export is several zips, each with a part of it. Programs that read the site
save the same objects with more fields: the model, the stop reason, the current branch.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from replyscope.domain.import_format import EntryFormat
from replyscope.readers.claude_ai.conversation import read_conversation
from replyscope.readers.claude_ai.design import is_design_chat, read_design_chat

_CHATS = re.compile(r"conversations(?:[-_]\d+)?\.json")
_DESIGN = re.compile(r"(?:.*/)?design_chats[^/]*/[^/]+\.json")
_BESIDE = re.compile(r"(?:.*/)?(?:users|memories|projects)\.json|(?:.*/)?projects/[^/]+\.json")


def _members(names: Sequence[str]) -> list[str]:
    """The chats of an export that has something besides `conversations.json` by which it differs
    from the export of ChatGPT; else none.
    """
    design = sorted(name for name in names if _DESIGN.fullmatch(name))
    if not design and not any(_BESIDE.fullmatch(name) for name in names):
        return []
    return [*sorted(n for n in names if _CHATS.fullmatch(PurePosixPath(n).name)), *design]


def _sniff(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("chat_messages"), list) or is_design_chat(entry)


def _read(entry: Mapping[str, Any]) -> Any:
    return read_design_chat(entry) if is_design_chat(entry) else read_conversation(entry)


CLAUDE_AI = EntryFormat(
    name="claude-ai",
    title="Claude.ai",
    path="the zip, the extracted folder, or `conversations.json`",
    content="`conversations.json` and `design_chats/`: the tree of messages, thinking, tool calls "
    "and results, citations, attached texts",
    members=_members,
    member="design_chats/….json",
    sniff=_sniff,
    read=_read,
)
