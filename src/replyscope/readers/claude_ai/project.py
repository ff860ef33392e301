"""Reads the projects and the memory of Claude.ai: what its replies knew besides the chat.

A project becomes a session with the project's instructions as the system prompt, and with its
documents in one message, so that a person can go on from there. The memory is such a message too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.leftovers import Leftovers, with_prose
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import FilePart, Part, Role, TextPart
from replyscope.readers.chat_tables import time_of_text

Fields = Mapping[str, Any]
_SOURCE = "claude-ai"
_PROJECT = frozenset(("uuid", "name", "description", "prompt_template", "docs", "creator"))
_DOCUMENT = frozenset(("uuid", "filename", "content"))
_MEMORY = frozenset(("conversations_memory", "project_memories", "account_uuid"))


def is_project(entry: Fields) -> bool:
    """Whether an object is a project."""
    return {"uuid", "name", "docs"} <= entry.keys() and isinstance(entry["docs"], list)


def is_memory(entry: Fields) -> bool:
    """Whether an object is the memory of an account."""
    return "conversations_memory" in entry or "project_memories" in entry


def read_project(entry: Fields) -> ForeignConversation | None:
    """A project as a session; None for one without instructions and documents, and for the one
    that the program gives to everybody.
    """
    left = Leftovers()
    instructions = text_of(entry.get("prompt_template")).strip()
    documents = [*_documents(entry, left)]
    if entry.get("is_starter_project") or not (instructions or documents):
        return None
    about = text_of(entry.get("description")).strip()
    parts: tuple[Part, ...] = (*([TextPart(about)] if about else []), *documents)
    left.add_fields(with_prose(entry, _PROJECT, ""), "the project")
    return _session(
        f"project/{name_of(entry.get('uuid')) or digest_of(entry)}",
        f"Project: {text_of(entry.get('name')).strip() or 'untitled'}",
        entry.get("created_at"),
        parts,
        left,
        system=instructions or None,
        tag="project",
    )


def _documents(entry: Fields, left: Leftovers) -> Iterator[FilePart]:
    for document in map(mapping_of, list_of(entry.get("docs"))):
        text = text_of(document.get("content"))
        name = name_of(document.get("filename")) or "document"
        if text:
            yield FilePart(name, text)
        else:
            left.add("document of the project", "the export has only its name")
        left.add_fields(with_prose(document, _DOCUMENT, ""), "a document")


def read_memory(entry: Fields) -> ForeignConversation | None:
    """The memory of an account, and of each of its projects, as files of one message."""
    left = Leftovers()
    own = text_of(entry.get("conversations_memory"))
    named = mapping_of(entry.get("project_memories")).items()
    parts = [FilePart("memory.md", own)] if own.strip() else []
    parts += [FilePart(f"project {key}.md", text_of(one)) for key, one in named if text_of(one)]
    left.add_fields(with_prose(entry, _MEMORY, ""), "the memory")
    if not parts and not left.all:
        return None
    key = name_of(entry.get("account_uuid")) or digest_of([part.text for part in parts])
    return _session(f"memory/{key}", "Memory of Claude.ai", None, (*parts,), left, tag="memory")


def _session(
    key: str,
    title: str,
    created: object,
    parts: tuple[Part, ...],
    left: Leftovers,
    *,
    tag: str,
    system: str | None = None,
) -> ForeignConversation:
    at = time_of_text(created)
    # The key of the turn is that of its content: a later export with other documents adds them.
    turn = ForeignTurn(digest_of([repr(part) for part in parts]), Role.USER, parts, at)
    turns = (turn,) if parts else ()
    return ForeignConversation(
        _SOURCE, key, title, at, turns, system, tags=(tag,), left_out=left.all
    )
