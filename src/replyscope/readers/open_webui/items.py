"""Reads the `output` items of Open WebUI: items of the Responses API, and a few more types."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.foreign import text_of_part
from replyscope.domain.loose_json import (
    arguments_of,
    list_of,
    mapping_of,
    name_of,
    text_of,
    to_json,
    unwrapped,
)
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import parts_of, text_parts
from replyscope.readers.open_webui.details import code_call, code_output
from replyscope.readers.reply_steps import CallIds, CallStep, ReasoningStep, Step, TextStep

Item = Mapping[str, Any]
_CALLS = ("function_call", "custom_tool_call", "mcp_call", "tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output", "tool_result", "mcp_call_output")
_CODE = ("open_webui:code_interpreter", "code_interpreter", "code_interpreter_call")
_ABOUT = frozenset(("type", "id", "status", "call_id", "role", "duration", "started_at",
                    "ended_at", "output", "results", "outputs", "error"))  # fmt: skip
_FAILED = ("failed", "incomplete", "error")


def steps_of_items(output: Any, ids: CallIds) -> Iterator[Step]:
    """The steps of a reply's items. An item of an unknown type becomes a tool call."""
    items = [item for item in list_of(output) if isinstance(item, Mapping)]
    results: dict[str, list[Item]] = {}
    for item in items:
        if item.get("type") in _RESULTS:
            results.setdefault(_call_id(item), []).append(item)
    for item in items:
        kind = name_of(item.get("type"))
        if kind in _RESULTS:
            continue
        if kind in _CALLS:
            yield _call(item, results.pop(_call_id(item), []), ids)
        else:
            yield from _own(kind, item, ids)
    for call_id, left in results.items():  # results of calls that the export lacks
        call = ToolCall(ids.take(call_id), "function", "tool", "", ToolCallState.COMPLETED)
        yield CallStep(call, _result_text(left), _detail(left))


def _call_id(item: Item) -> str:
    return name_of(item.get("call_id") or item.get("tool_call_id") or item.get("id"))


def _own(kind: str, item: Item, ids: CallIds) -> Iterator[Step]:
    """The steps of an item that is neither a call nor a result."""
    if kind == "reasoning":
        yield from _thoughts(item)
    elif kind in _CODE:
        yield from _code(item, ids)
    elif kind == "message" or (kind not in _ABOUT and _is_text_alone(item)):
        text = text_parts(item.get("content") or item.get("text") or item.get("summary"))
        yield from [TextStep(text)] if text.strip() else ()
    elif fields := {name: one for name, one in item.items() if name not in _ABOUT and one}:
        name = kind.removesuffix("_call") or "item"
        own = kind if kind not in ("", "function", "custom") else "item"
        state = ToolCallState.COMPLETED
        call = ToolCall(ids.take(_call_id(item)), own, name, to_json(fields), state)
        yield CallStep(call, _hosted_result(item))


def _is_text_alone(item: Item) -> bool:
    about = {"content", "text", "summary", "annotations"}
    return {name for name, one in item.items() if name not in _ABOUT and one} <= about


def _thoughts(item: Item) -> Iterator[ReasoningStep]:
    """The summary and the content; they are often the same."""
    said = [text_parts(item.get(name)).strip() for name in ("summary", "content", "text")]
    for text in dict.fromkeys(filter(None, said)):
        yield ReasoningStep(text)


def _call(item: Item, results: list[Item], ids: CallIds) -> CallStep:
    function = mapping_of(item.get("function"))
    arguments = item.get("arguments", item.get("input", function.get("arguments")))
    has_own = item.get("output") is not None or item.get("error") is not None
    answered = [*results, *([item] if has_own else [])]
    has_failed = any(one.get("status") in _FAILED or one.get("error") for one in answered)
    kind = "custom" if item.get("type") == "custom_tool_call" else "function"
    call = ToolCall(
        ids.take(_call_id(item)),
        kind,
        name_of(item.get("name") or function.get("name")) or "tool",
        text_of(arguments) if kind == "custom" else arguments_of(arguments),
        ToolCallState.FAILED if has_failed else ToolCallState.COMPLETED,
    )
    return CallStep(call, _result_text(answered) if answered else None, _detail(answered))


def _result_text(results: Iterable[Item]) -> str:
    texts = []
    for one in results:
        value = next((one[n] for n in ("output", "content", "result") if one.get(n)), "")
        parts = "\n".join(text_of_part(part) for part in parts_of(value))
        texts += [unwrapped(parts), text_of(one.get("error"))]
    return "\n".join(filter(None, texts))


def _detail(results: Iterable[Item]) -> str:
    return "\n".join(
        f"{name}: {text_of(one[name])}"
        for one in results
        for name in ("files", "embeds")
        if one.get(name)
    )


def _code(item: Item, ids: CallIds) -> Iterator[CallStep]:
    language = name_of(item.get("lang") or item.get("language"))
    call = code_call(ids.take(_call_id(item)), text_of(item.get("code")).strip(), language)
    yield CallStep(call, _hosted_result(item))


def _hosted_result(item: Item) -> str | None:
    """The result of a tool of Open WebUI or the provider, from the item of the call."""
    said = [code_output(item[name]) for name in ("output", "outputs", "results", "error")
            if item.get(name)]  # fmt: skip
    return "\n".join(filter(None, said)) or None
