"""Open WebUI's export of chats: a tree of messages, reasoning and tools written into the text."""

import html
import re
from collections.abc import Mapping
from typing import Any

from replyscope.domain.exchange import Citation, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import (
    Conversation,
    Turn,
    in_a_row,
    picture_of,
    time_of,
)
from replyscope.domain.message import Part, Role, TextPart
from replyscope.domain.tool import ToolCallState
from replyscope.readers.chatgpt import parents_first

_DETAILS = re.compile(
    r'<details type="(reasoning|tool_calls)"([^>]*)>(.*?)</details>\n?', re.DOTALL
)
_SUMMARY = re.compile(r"\s*<summary>.*?</summary>\s*", re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_ENDINGS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
Node = Mapping[str, Any]


def read_open_webui(entry: Node, number: str) -> Conversation:
    """A chat. Raises what wrong types raise."""
    own = entry.get("chat")
    chat: Node = own if isinstance(own, Mapping) else entry
    history = chat.get("history") or {}
    nodes = history.get("messages")
    head = None
    if isinstance(nodes, Mapping) and nodes:
        links = {
            key: (str(node.get("parentId")), [str(c) for c in node.get("childrenIds") or ()])
            for key, node in nodes.items()
        }
        turns = tuple(_turn(key, nodes[key], nodes) for key in parents_first(links))
        head = history.get("currentId")
    else:
        listed = chat.get("messages") or ()
        turns = in_a_row(_turn(str(n), node, {}) for n, node in enumerate(listed))
    key = str(entry.get("id") or chat.get("id") or number)
    title = str(entry.get("title") or chat.get("title") or "")
    at = time_of(entry.get("created_at") or chat.get("timestamp"))
    system = chat.get("system") or (chat.get("params") or {}).get("system")
    shown = head if isinstance(head, str) else None
    return Conversation("open-webui", key, title, at, turns, str(system or "") or None, shown)


def _turn(key: str, node: Node, nodes: Mapping[str, Any]) -> Turn:
    role = Role.ASSISTANT if node.get("role") == "assistant" else Role.USER
    content = node.get("content")
    text, reasoning = content if isinstance(content, str) else "", ""
    calls: tuple[ToolCall, ...] = ()
    if role is Role.ASSISTANT:
        text, reasoning, calls = _taken_apart(key, text)
    error = node.get("error")
    parent = node.get("parentId")
    done = (node.get("info") or {}).get("finish_reason") or node.get("finish_reason")
    ending = FinishReason.ERROR if error else _ENDINGS.get(str(done), FinishReason.UNSTATED)
    return Turn(
        key,
        role,
        ((TextPart(text),) if text else ()) + _files(node),
        time_of(node.get("timestamp")),
        str(parent) if parent in nodes else None,
        str(node.get("model") or ""),
        reasoning,
        calls,
        _usage(node),
        finish=ending,
        citations=_sources(node),
    )


def _taken_apart(key: str, text: str) -> tuple[str, str, tuple[ToolCall, ...]]:
    """A reply's own text, what it thought, and the tools it used."""
    thoughts: list[str] = []
    calls: list[ToolCall] = []

    def take(found: re.Match[str]) -> str:
        fields = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(found[2])}
        if found[1] == "reasoning":
            lines = _SUMMARY.sub("", found[3], count=1).strip().split("\n")
            thoughts.append("\n".join(re.sub(r"^(?:>|&gt;) ?", "", line) for line in lines))
        else:
            own = fields.get("id") or f"{key}/{len(calls)}"
            name, arguments = fields.get("name", "tool"), fields.get("arguments", "")
            result = fields.get("result")
            state = ToolCallState.COMPLETED
            calls.append(ToolCall(own, "function", name, arguments, state, result))
        return ""

    rest = _DETAILS.sub(take, text).lstrip("\n")
    return rest, html.unescape("\n\n".join(thoughts)), tuple(calls)


def _files(node: Node) -> tuple[Part, ...]:
    parts: list[Part] = []
    for file in node.get("files") or ():
        if not isinstance(file, Mapping):
            continue
        kind, url = str(file.get("type") or "file"), str(file.get("url") or "")
        name = str(file.get("name") or "")
        head, comma, data = url.partition(",")
        is_inline = url.startswith("data:") and bool(comma) and head.endswith("base64")
        picture = picture_of(name or "image", data) if is_inline else None
        shown = name or ("" if url.startswith("data:") else url[:80])
        parts.append(picture or TextPart(f"[{kind} {shown}]".replace(" ]", "]")))
    return tuple(parts)


def _sources(node: Node) -> tuple[Citation, ...]:
    found: dict[str, Citation] = {}
    for source in node.get("sources") or ():
        own = source.get("source") if isinstance(source, Mapping) else None
        if isinstance(own, Mapping) and (own.get("url") or own.get("name")):
            url = str(own["url"]) if own.get("url") else None
            name = str(own["name"]) if own.get("name") else None
            found.setdefault(url or name or "", Citation("url", name, url))
    return tuple(found.values())


def _usage(node: Node) -> Usage | None:
    usage = node.get("usage") or (node.get("info") or {}).get("usage") or node.get("info") or {}
    counts = Usage(
        _number(usage.get("prompt_tokens") or usage.get("prompt_eval_count")),
        _number(usage.get("completion_tokens") or usage.get("eval_count")),
        _number(usage.get("total_tokens")),
    )
    return counts if counts != Usage() else None


def _number(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count and isinstance(value, int) else None
