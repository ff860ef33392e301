"""Reads the content parts of a reply of LibreChat, of its agents and of OpenAI's assistants."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.leftovers import Leftovers
from replyscope.domain.loose_json import arguments_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import TextPart
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import parts_of
from replyscope.readers.reply_steps import CallIds, CallStep, ReasoningStep, Step, TextStep

Fields = Mapping[str, Any]
_HOSTED = ("code_interpreter", "file_search", "retrieval")
"""The tools of OpenAI's assistants; a call has its own fields under the name of its kind."""
_MEDIA = ("image_file", "video_url", "input_audio")


def plain_part(part: Any) -> Any:
    """A part whose text is an object with a `value`, as OpenAI's assistants have it, as text."""
    fields = mapping_of(part)
    found = {name: fields[name] for name in ("text", "think") if _is_wrapped(fields.get(name))}
    return {**fields, **{name: text_of(one.get("value")) for name, one in found.items()}} or part


def _is_wrapped(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value


def steps_of(content: Any, key: str, left: Leftovers) -> Iterator[Step]:
    """The parts of a reply, in their order."""
    ids = CallIds(key)
    for part in map(plain_part, list_of(content)):
        fields = mapping_of(part)
        kind = name_of(fields.get("type"))
        match kind:
            case "think":
                yield ReasoningStep(text_of(fields.get("think")))
            case "tool_call":
                yield _call(mapping_of(fields.get("tool_call")), ids)
            case "error":
                yield TextStep(text_of(fields.get("error") or fields.get("text")))
            case "agent_update":
                left.add("change of the agent", "the program wrote it")
            case _ if kind in _MEDIA:
                left.add_image()
            case _:
                yield TextStep("".join(p.text for p in parts_of(part) if isinstance(p, TextPart)))


def _call(call: Fields, ids: CallIds) -> CallStep:
    kind = name_of(call.get("type"))
    inner = mapping_of(call.get(kind) if kind in _HOSTED else call.get("function"))
    name = name_of(call.get("name") or inner.get("name")) or (kind if kind in _HOSTED else "tool")
    given = call.get("args", inner.get("arguments", inner.get("input")))
    output = call.get("output", inner.get("output", inner.get("outputs")))
    made = ToolCall(
        ids.take(name_of(call.get("id"))),
        "function",
        name,
        arguments_of(given) or "{}",
        ToolCallState.COMPLETED,
    )
    return CallStep(made, text_of(output) if output is not None else None)
