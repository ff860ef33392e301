"""Converts a session of opencode: a sequence of messages with parts.

A message of the assistant has one step or several; each step is one request to the model, with
its own usage and finish reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, time_of
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.leftovers import Leftovers, as_extras
from replyscope.domain.loose_json import (
    arguments_of,
    from_json,
    list_of,
    mapping_of,
    name_of,
    text_of,
)
from replyscope.domain.message import Part, Role, TextPart, ToolResultPart
from replyscope.domain.sound_numbers import count_of, measure_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import image_part

Fields = Mapping[str, Any]
Message = tuple[Fields, Sequence[Fields]]
"""A message, and its parts."""
_SILENT = ("step-start", "step-finish", "snapshot", "patch", "agent")
_ERRORS = {
    "MessageOutputLengthError": FinishReason.LENGTH,
    "MessageAbortedError": FinishReason.CANCELLED,
}


@dataclass(slots=True)
class _Step:
    """One request of a message: its parts and its ending."""

    parts: list[Fields] = field(default_factory=list)
    end: Fields = field(default_factory=dict)


def conversation_of(session: Fields, messages: Iterable[Message]) -> ForeignConversation:
    """A session with its messages, oldest first."""
    systems, leftovers = Systems(), Leftovers()
    turns: list[ForeignTurn] = []
    undone = _undone(session)
    head: str | None = None
    for message, parts in messages:
        above = turns[-1].key if turns else None
        head = above if undone and message.get("id") == undone else head
        if message.get("role") == "assistant":
            for prompt in list_of(message.get("system")):  # of versions before 1.0
                systems.add(text_of(prompt))
            turns += _replies(message, parts, above, leftovers)
        else:
            turns += _asked(message, parts, above, systems, leftovers)
    time = mapping_of(session.get("time"))
    is_child = bool(session.get("parentID") or session.get("parent_id"))
    return ForeignConversation(
        "opencode",
        name_of(session.get("id")),
        text_of(session.get("title")),
        time_of(time.get("created", session.get("time_created"))),
        tuple(turns),
        systems.first,
        head,
        tags=("subagent",) if is_child else (),
        left_out=leftovers.all,
        grows=True,
    )


def _undone(session: Fields) -> str:
    """The id of the first message that the person took back; empty if there is none."""
    revert = session.get("revert")
    fields = mapping_of(from_json(revert) if isinstance(revert, str) else revert)
    return name_of(fields.get("messageID"))


def _asked(
    message: Fields, parts: Sequence[Fields], above: str | None, systems: Systems, left: Leftovers
) -> list[ForeignTurn]:
    key, at = name_of(message.get("id")), time_of(mapping_of(message.get("time")).get("created"))
    made = systems.turn(f"{key}/s", above, at, text_of(message.get("system")))
    above = made[-1].key if made else above
    said = [part for one in parts for part in _user_part(one, left)]
    if said:
        made.append(ForeignTurn(key, Role.USER, tuple(said), at, above))
    return made


def _user_part(part: Fields, left: Leftovers) -> list[Part]:
    match name_of(part.get("type")):
        case "text":
            text = text_of(part.get("text"))
            return [TextPart(text)] if text else []
        case "file":
            name = name_of(part.get("filename")) or name_of(part.get("url"))[:200]
            if name_of(part.get("mime")).startswith("image/"):
                return [image_part(part.get("url"), name)]
            return [TextPart(f"[file {name}]")]
        case "subtask":
            return [TextPart(text_of(part.get("prompt")))]
        case kind if kind not in _SILENT:
            left.add(f"part of the kind `{kind[:60]}`", "it is not a text of a person or a model")
    return []


def _replies(
    message: Fields, parts: Sequence[Fields], above: str | None, left: Leftovers
) -> list[ForeignTurn]:
    """The replies of a message, each with the results of its calls."""
    key = name_of(message.get("id"))
    steps = _steps_of(parts)
    made: list[ForeignTurn] = []
    for number, step in enumerate(steps):
        own = key if number == 0 else f"{key}/{number}"
        is_last = number == len(steps) - 1
        reply = replace(_reply(own, step, message, left), parent=above)
        if len(steps) == 1:
            reply = _whole(reply, message, parts)
        made.append(_with_error(reply, message) if is_last else reply)
        above = own
        results = tuple(_results(step))
        if results:
            above = f"{own}/t"
            made.append(ForeignTurn(above, Role.TOOL, results, reply.at, own))
    return made


def _steps_of(parts: Sequence[Fields]) -> list[_Step]:
    steps = [_Step()]
    for part in parts:
        kind = part.get("type")
        if kind == "step-start" and steps[-1].parts:
            steps.append(_Step())
        elif kind == "step-finish":
            steps[-1].end = part
        if kind not in _SILENT:
            steps[-1].parts.append(part)
    return steps


def _reply(key: str, step: _Step, message: Fields, left: Leftovers) -> ForeignTurn:
    texts, thoughts, others = [], [], []
    calls: list[ToolCall] = []
    for part in step.parts:
        match name_of(part.get("type")):
            case "text":
                texts.append(text_of(part.get("text")))
            case "reasoning":
                thoughts.append(text_of(part.get("text")))
            case "tool":
                calls.append(_call(part))
            case "retry":
                others.append(("retry", part.get("error")))
            case kind:
                left.add(f"part of the kind `{kind[:60]}`", "its kind is not known")
    raw = name_of(step.end.get("reason")) or name_of(message.get("finish")) or None
    unstated = FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED
    return ForeignTurn(
        key,
        Role.ASSISTANT,
        tuple(TextPart(text) for text in texts if text),
        time_of(mapping_of(message.get("time")).get("created")),
        model=name_of(message.get("modelID")),
        reasoning="\n\n".join(filter(None, thoughts)),
        calls=tuple(calls),
        usage=_usage(step.end.get("tokens")),
        finish=read_finish_word(raw) if raw else unstated,
        finish_raw=raw,
        extras=tuple(pair for name, one in others for pair in as_extras({name: one})),
        cost_usd=_cost(step.end.get("cost")),
    )


def _whole(reply: ForeignTurn, message: Fields, parts: Sequence[Fields]) -> ForeignTurn:
    """The reply of a message with one request: the figures of the message are its own."""
    time = mapping_of(message.get("time"))
    began, ended = measure_of(time.get("created")), measure_of(time.get("completed"))
    starts = [measure_of(mapping_of(part.get("time")).get("start")) for part in parts]
    first = min((one for one in starts if one is not None), default=None)
    first_token_ms = first - began if first is not None and began is not None else None
    is_alone = not reply.calls  # else the duration includes those of the tools
    duration_ms = ended - began if is_alone and began is not None and ended is not None else None
    return replace(
        reply,
        usage=reply.usage or _usage(message.get("tokens")),
        cost_usd=reply.cost_usd or _cost(message.get("cost")),
        duration_ms=measure_of(duration_ms),
        first_token_ms=measure_of(first_token_ms),
    )


def _with_error(reply: ForeignTurn, message: Fields) -> ForeignTurn:
    error = mapping_of(message.get("error"))
    name = name_of(error.get("name"))
    if not name:
        return reply
    if name in _ERRORS:
        return replace(reply, finish=_ERRORS[name], finish_raw=reply.finish_raw or name)
    said = text_of(mapping_of(error.get("data")).get("message"))
    return replace(reply, finish=FinishReason.ERROR, error=f"{name}: {said}" if said else name)


def _call(part: Fields) -> ToolCall:
    state = mapping_of(part.get("state"))
    has_result = state.get("status") in ("completed", "error")
    return ToolCall(
        name_of(part.get("callID")) or name_of(part.get("id")),
        "function",
        name_of(part.get("tool")) or "tool",
        arguments_of(state.get("input")) or "{}",
        ToolCallState.COMPLETED if has_result else ToolCallState.REQUESTED,
    )


def _results(step: _Step) -> Iterable[ToolResultPart]:
    for part in step.parts:
        state = mapping_of(part.get("state"))
        status = state.get("status")
        if part.get("type") != "tool" or status not in ("completed", "error"):
            continue
        time = mapping_of(state.get("time"))
        began, ended = count_of(time.get("start")), count_of(time.get("end"))
        files = [f"[file {_file_name(one)}]" for one in list_of(state.get("attachments"))]
        failed = status == "error"
        said = text_of(state.get("error" if failed else "output"))
        yield ToolResultPart(
            call_id=name_of(part.get("callID")) or name_of(part.get("id")),
            output="\n".join(filter(None, (said, *files))),
            name=name_of(part.get("tool")),
            state=ToolCallState.FAILED if failed else ToolCallState.COMPLETED,
            started_ms=began,
            duration_ms=float(ended - began) if began and ended and ended >= began else None,
        )


def _file_name(file: Any) -> str:
    fields = mapping_of(file)
    return name_of(fields.get("filename")) or name_of(fields.get("mime"))


def _cost(value: object) -> float | None:
    """The cost; None for 0, which is also written if the price is unknown."""
    return measure_of(value) or None


def _usage(value: Any) -> Usage | None:
    """The usage. opencode counts cached input and reasoning apart; here they are included.

    Older versions count reasoning as part of the output too: the total, if any, shows which.
    """
    tokens, cache = mapping_of(value), mapping_of(mapping_of(value).get("cache"))
    counts = [count_of(tokens.get(name)) for name in ("input", "output", "reasoning", "total")]
    given, out, thought, total = counts
    read, written = count_of(cache.get("read")), count_of(cache.get("write"))
    if not any((given, out, thought, read, written)):
        return None  # written before the request, and never filled in
    into = None if given is None else given + (read or 0) + (written or 0)
    apart = (into or 0) + (out or 0) + (thought or 0)
    is_apart = total is None or total == apart
    whole = out + (thought or 0) if out is not None and is_apart else out
    if total is None and into is not None and whole is not None:
        total = into + whole
    return Usage(into, whole, total, read, written, thought)
