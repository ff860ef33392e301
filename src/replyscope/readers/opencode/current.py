"""Converts messages of the newer table of opencode to the form of the older tables.

A message is one object with its content. A message of the assistant is one request to the model.
"""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.readers.content_parts import text_parts
from replyscope.readers.opencode.session import Message

Fields = Mapping[str, Any]
Part = dict[str, Any]
_MARKS = ("agent-switched", "model-switched", "location-switched", "idle")


def as_message(given: Fields) -> Message:
    """The message and its parts, as the tables `message` and `part` have them."""
    kind, time = name_of(given.get("type")), given.get("time")
    about: Part = {"id": given.get("id"), "role": "user", "time": time}
    if kind == "assistant":
        return _assistant(given, about), _parts(given)
    if kind == "system":
        return {**about, "system": given.get("text")}, []
    if kind in _MARKS:
        return about, []
    return about, [*_said(given, kind), *map(_file, list_of(given.get("files")))]


def _said(given: Fields, kind: str) -> list[Part]:
    """The words of a message that is none of the assistant."""
    match kind:
        case "user" | "synthetic":
            words = text_of(given.get("text"))
        case "skill":
            words = f"[skill {name_of(given.get('name'))}]\n{text_of(given.get('text'))}"
        case "shell":
            words = f"$ {text_of(given.get('command'))}\n{_output(given.get('output'))}"
        case "compaction":
            error = mapping_of(given.get("error")).get("message")
            words = text_of(given.get("summary")) or text_of(error)
        case _:
            return [{"type": kind or "message"}]
    return [{"type": "text", "text": words}]


def _output(output: Any) -> str:
    fields = mapping_of(output)
    return text_of(fields.get("text", fields.get("content", output)))


def _file(file: Any) -> Part:
    fields = mapping_of(file)
    return {
        "type": "file",
        "mime": fields.get("mime"),
        "filename": fields.get("name") or fields.get("filename"),
        "url": fields.get("uri") or fields.get("url"),
    }


def _assistant(given: Fields, about: Part) -> Part:
    error = mapping_of(given.get("error"))
    failed = {"name": name_of(error.get("type")) or "error", "data": dict(error)} if error else {}
    return {
        **about,
        "role": "assistant",
        "modelID": mapping_of(given.get("model")).get("id"),
        "finish": given.get("rawFinish") or given.get("finish"),
        "cost": given.get("cost"),
        "tokens": given.get("tokens"),
        "error": failed,
    }


def _parts(given: Fields) -> list[Part]:
    retry = mapping_of(given.get("retry"))
    parts = [_content(mapping_of(one)) for one in list_of(given.get("content"))]
    return [*parts, *([{"type": "retry", "error": retry.get("error")}] if retry else [])]


def _content(part: Fields) -> Part:
    if part.get("type") != "tool":
        return dict(part)
    state, time = mapping_of(part.get("state")), mapping_of(part.get("time"))
    pieces = (_piece(mapping_of(one)) for one in list_of(state.get("content")))
    return {
        "type": "tool",
        "callID": part.get("id"),
        "tool": part.get("name"),
        "state": {
            "status": state.get("status"),
            "input": state.get("input"),
            "output": "\n".join(filter(None, pieces)),
            "error": text_of(mapping_of(state.get("error")).get("message")),
            "time": {"start": time.get("ran", time.get("created")), "end": time.get("completed")},
        },
    }


def _piece(content: Fields) -> str:
    if content.get("type") == "file":
        return f"[file {name_of(content.get('name') or content.get('mime'))}]"
    return text_parts([dict(content)])
