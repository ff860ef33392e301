"""The sessions of opencode: a SQLite database, or in older versions a folder of JSON files."""

from collections.abc import Mapping

from replyscope.domain.import_format import DatabaseFormat, FolderFormat
from replyscope.readers.opencode.database import count_sessions, read_sessions, read_wanted
from replyscope.readers.opencode.files import members_of, read_files


def _sniff(tables: Mapping[str, set[str]]) -> bool:
    return (
        {"session_id", "data"} <= tables.get("message", set())
        and {"message_id", "data"} <= tables.get("part", set())
        and {"id", "title"} <= tables.get("session", set())
    )


OPENCODE = DatabaseFormat(
    name="opencode",
    title="opencode",
    path="`~/.local/share/opencode/opencode.db`",
    content="the database, as a copy while the program is running",
    homes=("$XDG_DATA_HOME/opencode/opencode.db", "~/.local/share/opencode/opencode.db"),
    sniff=_sniff,
    count=count_sessions,
    read=read_sessions,
    read_wanted=read_wanted,
)

OPENCODE_FILES = FolderFormat(
    name="opencode-files",
    title="opencode before 1.2",
    program="opencode",
    path="the folder `~/.local/share/opencode/storage`",
    content="the JSON files of sessions, messages and parts",
    members=members_of,
    member="sessions of opencode (session/…/ses_*.json)",
    homes=("$XDG_DATA_HOME/opencode/storage", "~/.local/share/opencode/storage"),
    read=read_files,
)
