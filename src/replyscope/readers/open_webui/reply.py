"""Converts a reply of Open WebUI to turns: text, items, files, sources, usage and errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignTurn, text_of_part, time_of
from replyscope.domain.leftovers import Leftovers, as_extras, squeeze, with_prose, with_text
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.message import ImagePart, Part, Role
from replyscope.readers.content_parts import (
    file_part,
    image_part,
    parts_of,
    text_parts,
)
from replyscope.readers.open_webui.details import code_call, code_output, steps_of_text
from replyscope.readers.open_webui.items import steps_of_items
from replyscope.readers.open_webui.sources import citations_of, error_of, usage_of
from replyscope.readers.reply_steps import (
    CallIds,
    CallStep,
    ReasoningStep,
    Step,
    TextStep,
    turns_of,
)

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
) -> list[ForeignTurn]:
    """The turns of an assistant message. `model` is used if the message names none."""
    steps = _steps(key, node)
    for part in (*parts_of(node.get("content")), *files_of(node)):
        if isinstance(part, ImagePart):
            leftovers.add_image()
    said = "\n".join(step.text for step in steps if isinstance(step, TextStep))
    error, citations = error_of(node.get("error"), said), citations_of(node)
    kept = [_words(step) for step in steps]
    kept += [error, *(f"{c.title}\n{c.url}" for c in citations)]
    beside = {name: node.get(name) for name in _READ - LINKS | {"content", "files"}}
    extras = with_prose(beside, frozenset(), "\n".join(kept)) | with_text(node, _READ)
    usage, took_ms = usage_of(node)
    done = name_of(mapping_of(node.get("info")).get("finish_reason") or node.get("finish_reason"))
    ending = FinishReason.ERROR if error else _ENDINGS.get(done, FinishReason.UNSTATED)
    whole = ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        time_of(node.get("timestamp")),
        parent,
        name_of(node.get("model")) or model,
        usage=usage,
        duration_ms=took_ms,
        finish=ending,
        citations=citations,
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


def _steps(key: str, node: Node) -> list[Step]:
    """The steps of a message.

    Newer versions write the items; older ones write all into the content, some both.
    """
    ids = CallIds(key)
    content = "\n".join(text_of_part(part) for part in parts_of(node.get("content")))
    items = list(steps_of_items(node.get("output"), ids))
    written = list(steps_of_text(content, CallIds(key)))
    steps = [*_fields(node, items or written, ids), *(items or written)]
    if items:
        steps += _lacking(TextStep, items, written)
        steps[:0] = _lacking(CallStep, items, written)
        steps[:0] = _lacking(ReasoningStep, items, written)
    return steps + [TextStep(text_of_part(part)) for part in files_of(node)]


def _lacking(kind: type[Step], items: list[Step], written: list[Step]) -> list[Step]:
    """The steps of a kind that only the content has."""
    if any(isinstance(step, kind) for step in items):
        return []
    return [step for step in written if isinstance(step, kind)]


def _fields(node: Node, others: list[Step], ids: CallIds) -> Iterator[Step]:
    """The steps of the fields other than `content` and `output`."""
    known = squeeze("".join(_words(step) for step in others))
    for field in ("reasoning_content", "reasoning", "thinking"):
        text = text_parts(node.get(field)).strip()
        if text and squeeze(text) not in known:
            yield ReasoningStep(text)
            known += squeeze(text)
    calls = [mapping_of(call) for call in list_of(node.get("tool_calls"))]
    yield from steps_of_items([{"type": "function_call", **_typed(call)} for call in calls], ids)
    for run in map(mapping_of, list_of(node.get("code_executions"))):
        code = text_of(run.get("code"))
        if squeeze(code) not in known:
            call_id = ids.take(name_of(run.get("id") or run.get("uuid")))
            call = code_call(call_id, code, name_of(run.get("language")))
            yield CallStep(call, code_output(run.get("result")))


def _typed(call: Node) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "type"}


def _words(step: Step) -> str:
    match step:
        case CallStep():
            return "\n".join((step.call.name, step.call.arguments, step.result or "", step.detail))
        case TextStep(text=text) | ReasoningStep(text=text):
            return text


def message_text(node: Node) -> str:
    """The text of a system message."""
    return "\n".join(filter(None, (text_of_part(part) for part in parts_of(node.get("content")))))


def tool_text(node: Node) -> str:
    """The output of a tool message."""
    has_text = node.get("content") not in (None, "")
    return message_text(node) if has_text else to_json(with_text(node, LINKS))
