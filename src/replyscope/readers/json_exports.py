"""JSON exports: which program wrote one, and what is in it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.foreign import (
    Conversation,
    Turn,
    Unreadable,
    in_a_row,
    tool_turn,
)
from replyscope.domain.message import Role, TextPart
from replyscope.domain.tool import ToolCallState

Item = Conversation | Unreadable
_HIDDEN = ("user_editable_context", "model_editable_context")


def read_conversations(value: Any) -> Iterator[Item] | None:
    """The conversations of an export of ChatGPT or Open WebUI; None when it is neither."""
    entries = value if isinstance(value, list) else [value]
    sample = next((entry for entry in entries if isinstance(entry, Mapping)), None)
    if sample is None:
        return None
    if isinstance(sample.get("mapping"), Mapping):
        return _each(entries, _chatgpt)
    if isinstance(sample.get("chat"), Mapping) or isinstance(sample.get("history"), Mapping):
        return _each(entries, _open_webui)
    return None


def _each(entries: list[Any], read: Any) -> Iterator[Item]:
    for number, entry in enumerate(entries, start=1):
        name = f"conversation {number}"
        try:
            name = str(entry.get("title") or name)
            yield read(entry, str(number))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            yield Unreadable(name, f"{type(error).__name__}: {error}")


def _chatgpt(entry: Mapping[str, Any], number: str) -> Conversation:
    mapping: Mapping[str, Any] = entry["mapping"]
    shown = {key: turn for key, node in mapping.items() if (turn := _chatgpt_turn(key, node))}
    turns = []
    for key in _parents_first(mapping):
        turn = shown.get(key)
        if turn is not None:
            parent = _shown_parent(mapping, key, shown)
            if turn.role is Role.TOOL:
                part = turn.parts[0]
                turn = tool_turn(key, parent, turn.at, getattr(part, "name", ""), _said(turn))
            turns.append(_with_parent(turn, parent))
    current = entry.get("current_node")
    head = current if current in shown else _shown_parent(mapping, str(current), shown)
    key = str(entry.get("conversation_id") or entry.get("id") or number)
    at = _time(entry.get("create_time"))
    return Conversation("chatgpt", key, str(entry.get("title") or ""), at, tuple(turns), head=head)


def _said(turn: Turn) -> str:
    return "\n".join(getattr(part, "output", getattr(part, "text", "")) for part in turn.parts)


def _with_parent(turn: Turn, parent: str | None) -> Turn:
    return Turn(
        turn.key, turn.role, turn.parts, turn.at, parent, turn.model, turn.reasoning, turn.calls
    )


def _parents_first(mapping: Mapping[str, Any]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    roots = [key for key, node in mapping.items() if node.get("parent") not in mapping]
    waiting = list(reversed(roots))
    while waiting:
        key = waiting.pop()
        if key in seen or key not in mapping:
            continue
        seen.add(key)
        order.append(key)
        waiting += [str(child) for child in reversed(mapping[key].get("children") or ())]
    return order


def _shown_parent(mapping: Mapping[str, Any], key: str, shown: Mapping[str, Turn]) -> str | None:
    """The nearest message above that is shown; ChatGPT keeps hidden ones between."""
    for _ in range(len(mapping)):
        key = str((mapping.get(key) or {}).get("parent"))
        if key in shown or key not in mapping:
            break
    return key if key in shown else None


def _chatgpt_turn(key: str, node: Mapping[str, Any]) -> Turn | None:
    message = node.get("message")
    if not isinstance(message, Mapping):
        return None
    role = str((message.get("author") or {}).get("role"))
    content = message.get("content") or {}
    kind = content.get("content_type")
    at = _time(message.get("create_time"))
    text = _chatgpt_text(content)
    metadata = message.get("metadata") or {}
    if kind in _HIDDEN or metadata.get("is_visually_hidden_from_conversation"):
        return None
    if role == "tool":
        return tool_turn(key, None, at, str(message["author"].get("name") or "tool"), text)
    if role == "user" and text:
        return Turn(key, Role.USER, (TextPart(text),), at)
    if role != "assistant" or not (text or kind == "code"):
        return None
    model = str(metadata.get("model_slug") or "")
    if kind == "code" or message.get("recipient") not in (None, "all"):
        name = str(message.get("recipient") or "code")
        call = ToolCall(key, "custom", name, text, ToolCallState.COMPLETED)
        return Turn(key, Role.ASSISTANT, (), at, model=model, calls=(call,))
    if kind in ("thoughts", "reasoning_recap"):
        return Turn(key, Role.ASSISTANT, (), at, model=model, reasoning=text)
    return Turn(key, Role.ASSISTANT, (TextPart(text),), at, model=model)


def _chatgpt_text(content: Mapping[str, Any]) -> str:
    pieces = []
    for part in content.get("parts") or ():
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, Mapping):
            named = part.get("text") or part.get("asset_pointer")
            kind = "image" if "image" in str(part.get("content_type")) else "file"
            if named:
                pieces.append(str(named) if part.get("text") else f"[{kind} {named}]")
    for thought in content.get("thoughts") or ():
        if isinstance(thought, Mapping):
            pieces.append(str(thought.get("content") or thought.get("summary") or ""))
    for name in ("text", "result", "content"):
        if not pieces and isinstance(content.get(name), str):
            pieces.append(content[name])
    return "\n".join(piece for piece in pieces if piece)


def _open_webui(entry: Mapping[str, Any], number: str) -> Conversation:
    chat = entry.get("chat") if isinstance(entry.get("chat"), Mapping) else entry
    assert isinstance(chat, Mapping)
    history = chat.get("history") or {}
    nodes = history.get("messages")
    if isinstance(nodes, Mapping) and nodes:
        tree = {
            key: {"parent": node.get("parentId"), "children": node.get("childrenIds")}
            for key, node in nodes.items()
        }
        turns = tuple(_webui_turn(key, nodes[key], nodes) for key in _parents_first(tree))
        head = history.get("currentId")
    else:
        listed = chat.get("messages") or ()
        turns = in_a_row(_webui_turn(str(n), node, {}) for n, node in enumerate(listed))
        head = None
    key = str(entry.get("id") or chat.get("id") or number)
    title = str(entry.get("title") or chat.get("title") or "")
    at = _time(entry.get("created_at") or chat.get("timestamp"))
    system = chat.get("system") or (chat.get("params") or {}).get("system")
    return Conversation("open-webui", key, title, at, turns, str(system or "") or None, head)


def _webui_turn(key: str, node: Mapping[str, Any], nodes: Mapping[str, Any]) -> Turn:
    role = Role.ASSISTANT if node.get("role") == "assistant" else Role.USER
    text = str(node.get("content") or "")
    files = [
        f"[{file.get('type', 'file')} {file.get('name') or str(file.get('url', ''))[:80]}]"
        for file in node.get("files") or ()
        if isinstance(file, Mapping)
    ]
    usage = node.get("usage") or (node.get("info") or {}).get("usage") or {}
    counts = Usage(
        _number(usage.get("prompt_tokens") or usage.get("prompt_eval_count")),
        _number(usage.get("completion_tokens") or usage.get("eval_count")),
        _number(usage.get("total_tokens")),
    )
    parent = node.get("parentId")
    return Turn(
        key,
        role,
        tuple(TextPart(piece) for piece in [text, *files] if piece),
        _time(node.get("timestamp")),
        str(parent) if parent in nodes else None,
        str(node.get("model") or ""),
        usage=counts if counts != Usage() else None,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: object) -> datetime | None:
    """Seconds, or milliseconds or nanoseconds, since 1970."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        return None
    while value > 1e11:
        value /= 1000
    return datetime.fromtimestamp(value, UTC)
