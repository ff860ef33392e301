"""The logs of Codex: a rollout file for each session."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from replyscope.domain.import_format import ImportedFile, LogFormat
from replyscope.readers.codex.rollout import NAME, Rollout

_MEMBER = re.compile(r"rollout-.*\.jsonl(?:\.zst)?")
_FIRST = re.compile(
    rb'\{"timestamp"\s*:\s*"[^"]*"\s*,\s*(?:"ordinal"\s*:\s*\d+\s*,\s*)?'
    rb'"type"\s*:\s*"(?:session_meta|response_item|event_msg|turn_context)"'
)
_OLD = re.compile(rb'\{"id"\s*:\s*"[^"]*"\s*,\s*"timestamp"\s*:\s*"[^"]*"\s*,\s*"instructions"\s*:')


def _members(names: Sequence[str]) -> list[str]:
    return sorted(name for name in names if _MEMBER.fullmatch(PurePosixPath(name).name))


def _sniff(_file: ImportedFile, head: bytes) -> bool:
    return bool(_FIRST.match(head) or b'"type":"session_meta"' in head or _OLD.match(head))


CODEX = LogFormat(
    name=NAME,
    title="Codex",
    path="a `rollout-….jsonl` or `rollout-….jsonl.zst`, or the folder `~/.codex/sessions`",
    content="the messages of each session, with tool calls, results, reasoning and usage",
    members=_members,
    member="rollouts of Codex (rollout-*.jsonl)",
    homes=(
        "$CODEX_HOME/sessions",
        "$CODEX_HOME/archived_sessions",
        "~/.codex/sessions",
        "~/.codex/archived_sessions",
    ),
    sniff=_sniff,
    begin=Rollout,
)
