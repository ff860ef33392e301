"""Reads the content blocks and the usage of Anthropic's Messages API, as programs log them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.foreign import picture_of
from replyscope.domain.leftovers import Extras, as_extras
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.message import Part, TextPart, ToolResultPart
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import parts_of, text_parts

Block = Mapping[str, Any]
_EMPTY = ("thinking", "redacted_thinking")
_RESULT = "_tool_result"


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a reply by kind; `others` are blocks of unknown kinds."""

    texts: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    others: Extras = ()


def blocks_of(content: Any) -> Blocks:
    """The blocks of a reply's content."""
    texts, thoughts, others = [], [], []
    calls: list[ToolCall] = []
    for block in list_of(content):
        fields = mapping_of(block)
        kind = name_of(fields.get("type"))
        if isinstance(block, str):
            texts.append(block)
        elif kind == "text":
            texts.append(text_of(fields.get("text")))
        elif kind == "thinking":
            thoughts.append(text_of(fields.get("thinking")))
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            calls.append(_call(fields, kind))
        elif kind.endswith(_RESULT):
            calls = [_with_result(call, fields) for call in calls]
        elif kind not in _EMPTY:
            others.append(fields or {"value": block})
    extras = tuple(pair for one in others for pair in as_extras({_name(one): one}))
    return Blocks(_filled(texts), _filled(thoughts), tuple(calls), extras)


def _filled(texts: list[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _name(block: Block) -> str:
    return f"block.{name_of(block.get('type')) or 'unknown'}"[:60]


def _call(block: Block, kind: str) -> ToolCall:
    arguments = block.get("input")
    return ToolCall(
        id=name_of(block.get("id")),
        kind="function" if kind == "tool_use" else kind,
        name=name_of(block.get("name")) or "tool",
        arguments=arguments if isinstance(arguments, str) else to_json(arguments or {}),
        state=ToolCallState.COMPLETED,
        server=name_of(block.get("server_name")) or None,
    )


def _with_result(call: ToolCall, block: Block) -> ToolCall:
    """The call of a server's tool with its result, if the block is its result."""
    if call.kind == "function" or call.id != name_of(block.get("tool_use_id")):
        return call
    return ToolCall(
        call.id, call.kind, call.name, call.arguments, call.state,
        result=text_of(block.get("content")), server=call.server,
    )  # fmt: skip


def result_of(block: Block, name: str, duration_ms: float | None = None) -> ToolResultPart:
    """The result of a tool that the program ran."""
    failed = bool(block.get("is_error"))
    return ToolResultPart(
        call_id=name_of(block.get("tool_use_id")),
        output=text_parts([_shown(one) for one in list_of(block.get("content"))]),
        name=name,
        state=ToolCallState.FAILED if failed else ToolCallState.COMPLETED,
        duration_ms=duration_ms,
    )


def _shown(block: Any) -> Any:
    """A block of a result; an image as its name."""
    source = mapping_of(mapping_of(block).get("source"))
    if not source:
        return block
    data = name_of(source.get("data"))
    shown = f"{name_of(block.get('type'))} {name_of(source.get('media_type'))}"
    return f"[{shown}, {len(data):,} characters]"


def user_parts(content: Any) -> tuple[Part, ...]:
    """The parts of a user message, without the results of tools."""
    parts: list[Part] = []
    for block in list_of(content):
        fields = mapping_of(block)
        if name_of(fields.get("type")) == "tool_result":
            continue
        source = mapping_of(fields.get("source"))
        if source:
            parts.append(_attached(fields, source))
        else:
            parts += parts_of(block)
    return tuple(part for part in parts if not isinstance(part, TextPart) or part.text)


def _attached(block: Block, source: Block) -> Part:
    kind = name_of(block.get("type")) or "file"
    name = name_of(block.get("title")) or kind
    if source.get("type") == "text":
        return TextPart(text_of(source.get("data")))
    picture = picture_of(name, name_of(source.get("data")))
    shown = " ".join(
        filter(None, (kind, name_of(source.get("url")) or name_of(source.get("media_type"))))
    )
    return picture or TextPart(f"[{shown}]")


def usage_of(value: Any) -> Usage | None:
    """The usage. The API counts cached input apart; here it is included."""
    usage = mapping_of(value)
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    if not any(name in usage for name in (*names, "output_tokens")):
        return None
    given, read, written = (usage.get(name) for name in names)
    out = usage.get("output_tokens")
    counts = [count_of(one) for one in (given, read, written)]
    into = None if counts[0] is None else sum(one or 0 for one in counts)
    total = into + (count_of(out) or 0) if into is not None and count_of(out) is not None else None
    return Usage(into if counts[0] is not None else given, out, total, read, written)
