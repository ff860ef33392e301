"""One reply of Open WebUI as turns: its text, its items, its files, and what is beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import Turn, text_of_part, time_of
from replyscope.domain.leftovers import Leftovers, as_extras, with_text
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, texts_in, to_json
from replyscope.domain.message import ImagePart, Part, Role
from replyscope.readers.content_parts import (
    file_part,
    image_part,
    parts_of,
    text_parts,
)
from replyscope.readers.open_webui_details import code_call, code_output, steps_of_text
from replyscope.readers.open_webui_items import steps_of_items
from replyscope.readers.open_webui_sources import citations_of, error_of, usage_of
from replyscope.readers.reply_steps import Called, CallIds, Said, Step, Thought, turns_of

Node = Mapping[str, Any]
LINKS = frozenset((
    "id", "parentId", "childrenIds", "role", "content", "timestamp", "model", "modelName",
    "modelIdx", "models", "files", "images", "merged", "done", "user", "user_id", "chat_id",
    "session_id", "message_id", "created_at", "updated_at", "completedAt",
))  # fmt: skip
"""Fields that a reader uses, or that only name and link a message."""
_READ = LINKS | {
    "output", "info", "usage", "sources", "citations", "annotations", "error", "reasoning",
    "reasoning_content", "thinking", "finish_reason", "tool_calls", "code_executions",
    "lastSentence", "feedbackId", "selectedModelId", "arena",
}  # fmt: skip
_ENDINGS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def turns_of_reply(
    key: str, node: Node, parent: str | None, model: str, leftovers: Leftovers
) -> list[Turn]:
    """The turns of an assistant message. `model` is the chat's, for one that names none."""
    steps, extras = _steps(key, node)
    shown = [text_of_part(part) for part in _named(files_of(node), leftovers)]
    steps += [Said(text) for text in shown]
    said = "\n".join(step.text for step in steps if isinstance(step, Said))
    extras |= with_text(node, _READ)
    for field in ("sources", "citations", "annotations"):
        if any(len(text.split()) > 1 for text in texts_in(node.get(field))):
            extras[field] = node[field]  # the pieces that were found, and what else is known
    error = error_of(node.get("error"), said)
    if any(text not in error for text in texts_in(node.get("error"))):
        extras["error"] = node["error"]
    usage, took_ms = usage_of(node)
    done = name_of(mapping_of(node.get("info")).get("finish_reason") or node.get("finish_reason"))
    ending = FinishReason.ERROR if error else _ENDINGS.get(done, FinishReason.UNSTATED)
    whole = Turn(
        key,
        Role.ASSISTANT,
        (),
        time_of(node.get("timestamp")),
        parent,
        name_of(node.get("model")) or model,
        usage=usage,
        duration_ms=took_ms,
        finish=ending,
        citations=citations_of(node),
        finish_raw=done or None,
        error=error,
        extras=as_extras(extras),
    )
    return turns_of(steps, whole)


def files_of(node: Node) -> tuple[Part, ...]:
    """The files of a message."""
    parts: list[Part] = []
    for file in list_of(node.get("files")):
        if isinstance(file, Mapping):
            parts.append(file_part(file, name_of(file.get("type")) or "file"))
        elif text_of(file):
            parts += parts_of(file)
    parts += [image_part(image) for image in list_of(node.get("images"))]
    return tuple(parts)


def _named(parts: tuple[Part, ...], leftovers: Leftovers) -> tuple[Part, ...]:
    """The same; an image is reported, because a reply can only name it."""
    for part in parts:
        if isinstance(part, ImagePart):
            leftovers.add_image()
    return parts


def _steps(key: str, node: Node) -> tuple[list[Step], dict[str, Any]]:
    """The steps of a message, and its content where they lack a part of it.

    Newer versions write the items; older ones write all into the content, some both.
    """
    ids = CallIds(key)
    parts = parts_of(node.get("content"))
    content = "\n".join(text_of_part(part) for part in parts)
    items = list(steps_of_items(node.get("output"), ids))
    written = list(steps_of_text(content, CallIds(key)))
    steps: list[Step] = [*_fields(node, items or written, ids)]
    extras: dict[str, Any] = {}
    if not items:
        return steps + written, extras
    steps += items
    if not any(isinstance(step, Said) for step in items):
        steps += [step for step in written if isinstance(step, Said)]
    if not any(isinstance(step, Called) for step in items):
        steps = [*(step for step in written if isinstance(step, Called)), *steps]
    if not any(isinstance(step, Thought) for step in items):
        steps = [*(step for step in written if isinstance(step, Thought)), *steps]
    kept = _squeezed("".join(_words(step) for step in steps))
    if any(_squeezed(word) not in kept for step in written for word in _pieces(step)):
        extras["content"] = content
    return steps, extras


def _fields(node: Node, others: list[Step], ids: CallIds) -> Iterator[Step]:
    """The steps that stand in fields of their own."""
    known = _squeezed("".join(_words(step) for step in others))
    for field in ("reasoning_content", "reasoning", "thinking"):
        text = text_parts(node.get(field)).strip()
        if text and _squeezed(text) not in known:
            yield Thought(text)
            known += _squeezed(text)
    calls = [mapping_of(call) for call in list_of(node.get("tool_calls"))]
    yield from steps_of_items([{"type": "function_call", **_typed(call)} for call in calls], ids)
    for run in map(mapping_of, list_of(node.get("code_executions"))):
        code = text_of(run.get("code"))
        if _squeezed(code) not in known:
            call_id = ids.take(name_of(run.get("id") or run.get("uuid")))
            call = code_call(call_id, code, name_of(run.get("language")))
            yield Called(call, code_output(run.get("result")))


def _typed(call: Node) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "type"}


def _words(step: Step) -> str:
    return "".join(_pieces(step))


def _pieces(step: Step) -> tuple[str, ...]:
    match step:
        case Called():
            return (step.call.arguments, step.result or "")
        case Said(text=text) | Thought(text=text):
            return (text,)


def _squeezed(text: str) -> str:
    """The text without space, for a comparison that layout does not change."""
    return "".join(text.split())


def message_text(node: Node) -> str:
    """The text of a system message."""
    return "\n".join(filter(None, (text_of_part(part) for part in parts_of(node.get("content")))))


def tool_text(node: Node) -> str:
    """The output of a tool message."""
    has_text = node.get("content") not in (None, "")
    return message_text(node) if has_text else to_json(with_text(node, LINKS))
