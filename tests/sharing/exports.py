"""Exports of other programs as values, and the texts of the sessions that they become."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.foreign import Foreign, ForeignConversation, shared_of
from replyscope.domain.message import FilePart, TextPart, ToolResultPart
from replyscope.domain.shared import Shared
from tests.support.importing import read_entry, read_file


def webui(*nodes: dict[str, Any], **chat: Any) -> dict[str, Any]:
    """A chat of Open WebUI; each message answers the one before, unless it names its parent."""
    messages: dict[str, Any] = {}
    last = None
    for number, node in enumerate(nodes):
        key = node.get("id", f"m{number}")
        messages[key] = {"parentId": last, "childrenIds": [], **node}
        last = key
    for key, node in messages.items():
        parent = messages.get(node["parentId"])
        if parent is not None:
            parent["childrenIds"].append(key)
    history = {"messages": messages, "currentId": last}
    return {"id": "w", "title": "Talk", "chat": {"models": ["m"], "history": history, **chat}}


def asked(content: Any = "Look", **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **fields}


def answered(content: Any = "", **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "model": "m", **fields}


def chatgpt(*messages: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    """A conversation of ChatGPT whose messages follow each other; None is an empty node."""
    mapping: dict[str, Any] = {"root": {"message": None, "parent": None, "children": ["n0"]}}
    for number, message in enumerate(messages):
        parent = f"n{number - 1}" if number else "root"
        children = [f"n{number + 1}"] if number < len(messages) - 1 else []
        mapping[f"n{number}"] = {"message": message, "parent": parent, "children": children}
    current = f"n{len(messages) - 1}"
    return {"title": "Talk", "id": "c", "current_node": current, "mapping": mapping, **fields}


def said(role: str, content: Any, name: str = "", **fields: Any) -> dict[str, Any]:
    """A message of ChatGPT; a text stands for a content of type text."""
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    return {"author": {"role": role, "name": name or None}, "content": content, **fields}


def imported(entry: Any) -> Shared:
    """The session of one conversation."""
    found = read_entry(entry, 1)
    assert isinstance(found, ForeignConversation), found
    return shared_of(found)


def written(path: Path, *entries: Any) -> list[Foreign]:
    """The sessions of a file with a list of conversations."""
    path.write_text(json.dumps(entries), encoding="utf-8")
    return list(read_file(path).items)


def choices(shared: Shared) -> list[Choice]:
    """The replies of the branch."""
    return [choice for _, choice in replies(shared)]


def replies(shared: Shared) -> list[tuple[Exchange, Choice]]:
    return [(e, e.choice(i)) for message in shared.branch for e, i in shared.exchanges_of(message)]


def results(shared: Shared) -> list[str]:
    """The results of the branch's calls."""
    parts = [part for message in shared.branch for part in message.parts]
    return [part.output for part in parts if isinstance(part, ToolResultPart)]


def everything(shared: Shared) -> str:
    """All texts of a session and of the report of its import."""
    return "\n".join(_texts(shared))


def _texts(shared: Shared) -> Iterator[str]:
    yield from (shared.session.title, shared.session.settings.system or "", *shared.tags)
    for message in shared.messages:
        for part in message.parts:
            match part:
                case TextPart(text=text):
                    yield text
                case FilePart(name=name, text=text):
                    yield from (name, text)
                case ToolResultPart():
                    yield from (part.name, part.output, part.detail)
    for exchange in shared.exchanges.values():
        yield exchange.model
        yield exchange.failure.message if exchange.failure else ""
        yield from (text for name_and_json in exchange.extras for text in name_and_json)
        for choice in exchange.choices:
            yield from (choice.text, choice.reasoning or "", choice.finish_reason_raw or "")
            for call in choice.tool_calls:
                yield from (call.id, call.name, call.arguments, call.result or "")
            for citation in choice.citations:
                yield from (citation.title or "", citation.url or "")
    for left in shared.left_out:
        yield from (left.what, left.why)
