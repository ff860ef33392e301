"""ChatGPT's conversations.json: a tree of nodes, many of them hidden.

A node that is not shown hands its children to the nearest shown one above. What the
model thought before it answered is part of the answer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import Citation, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import Conversation, Turn, time_of, tool_turn
from replyscope.domain.message import Role, TextPart
from replyscope.domain.tool import ToolCallState

_HIDDEN = ("user_editable_context", "model_editable_context")
_THOUGHTS = ("thoughts", "reasoning_recap")
_ENDINGS = {
    "stop": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "interrupted": FinishReason.CANCELLED,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_MARKER = re.compile("\ue200[^\ue200\ue201]*\ue201")
"""Where ChatGPT draws a source; it has no meaning outside of it."""
Node = Mapping[str, Any]


def read_chatgpt(entry: Node, number: str) -> Conversation:
    """A conversation. Raises what wrong types raise."""
    mapping: Mapping[str, Node] = entry["mapping"]
    turns: dict[str, Turn] = {}
    above: dict[str, str | None] = {}  # the shown node that stands for each
    thoughts: dict[str, str] = {}  # what was thought on the way to a node
    for key in parents_first({k: _links(node) for k, node in mapping.items()}):
        node = mapping[key]
        own_parent = str(node.get("parent"))
        parent, thought = above.get(own_parent), thoughts.get(own_parent, "")
        turn = _turn(key, node)
        if turn is None or (turn.reasoning and node.get("children")):
            above[key] = parent
            thoughts[key] = "\n\n".join(
                filter(None, (thought, turn.reasoning if turn is not None else ""))
            )
            continue
        turns[key] = _placed(turn, parent, thought)
        above[key] = key
    current = str(entry.get("current_node"))
    head = current if current in turns else above.get(current)
    key = str(entry.get("conversation_id") or entry.get("id") or number)
    at = time_of(entry.get("create_time"))
    title = str(entry.get("title") or "")
    return Conversation("chatgpt", key, title, at, tuple(turns.values()), head=head)


def _placed(turn: Turn, parent: str | None, thought: str) -> Turn:
    if turn.role is Role.TOOL:
        part = turn.parts[0]
        name, said = getattr(part, "name", ""), getattr(part, "output", "")
        return tool_turn(turn.key, parent, turn.at, name, said)
    if turn.role is Role.ASSISTANT and thought:
        return replace(turn, parent=parent, reasoning=thought)
    return replace(turn, parent=parent)


def _links(node: Any) -> tuple[str, list[str]]:
    return str(node.get("parent")), [str(child) for child in node.get("children") or ()]


def parents_first(links: Mapping[str, tuple[str, list[str]]]) -> Iterator[str]:
    """Each node after the one above it. Those in a circle lead nowhere and are left out."""
    seen: set[str] = set()
    waiting = [key for key, (parent, _) in links.items() if parent not in links][::-1]
    children: dict[str, list[str]] = {}
    for key, (parent, named) in links.items():  # both sides name the link; either will do
        children.setdefault(parent, []).append(key)
        children.setdefault(key, [])[:0] = [c for c in named if c in links and links[c][0] == key]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            yield key
            waiting += reversed(children.get(key, ()))


def _turn(key: str, node: Node) -> Turn | None:
    message = node.get("message")
    if not isinstance(message, Mapping):
        return None
    role = str((message.get("author") or {}).get("role"))
    content = message.get("content") or {}
    kind = content.get("content_type")
    metadata = message.get("metadata") or {}
    if kind in _HIDDEN or metadata.get("is_visually_hidden_from_conversation"):
        return None
    text = "\n".join(filter(None, (_text(content), *_attachments(metadata))))
    at = time_of(message.get("create_time"))
    if role == "tool":
        return tool_turn(key, None, at, str(message["author"].get("name") or "tool"), text)
    if role == "user" and text:
        return Turn(key, Role.USER, (TextPart(text),), at)
    if role != "assistant" or not (text or kind == "code"):
        return None
    return _reply(Turn(key, Role.ASSISTANT, (), at), message, text)


def _reply(turn: Turn, message: Node, text: str) -> Turn:
    kind = (message.get("content") or {}).get("content_type")
    metadata = message.get("metadata") or {}
    turn = replace(turn, model=str(metadata.get("model_slug") or ""), finish=_finish(metadata))
    recipient = message.get("recipient")
    if kind in _THOUGHTS:
        return replace(turn, reasoning=text)
    if kind == "code" or recipient not in (None, "all"):
        name = str(recipient if recipient not in (None, "all") else "code")
        call = ToolCall(turn.key, "custom", name, text, ToolCallState.COMPLETED)
        return replace(turn, calls=(call,), finish=FinishReason.TOOL_CALLS)
    said, citations = _cited(text, metadata)
    return replace(turn, parts=(TextPart(said),), citations=citations)


def _finish(metadata: Node) -> FinishReason:
    details = metadata.get("finish_details")
    kind = details.get("type") if isinstance(details, Mapping) else None
    return _ENDINGS.get(str(kind), FinishReason.UNSTATED)


def _cited(text: str, metadata: Node) -> tuple[str, tuple[Citation, ...]]:
    """The text without marks that only ChatGPT can draw, and the pages they stand for."""
    found: dict[str, Citation] = {}
    for reference in metadata.get("content_references") or ():
        if not isinstance(reference, Mapping):
            continue
        for item in (reference, *(reference.get("items") or ())):
            url = item.get("url") if isinstance(item, Mapping) else None
            if isinstance(url, str) and url:
                title = item.get("title")
                found.setdefault(url, Citation("url", str(title) if title else None, url))
    return _MARKER.sub("", text), tuple(found.values())


def _attachments(metadata: Node) -> Iterator[str]:
    for file in metadata.get("attachments") or ():
        if isinstance(file, Mapping) and file.get("name"):
            yield f"[file {file['name']}]"


def _text(content: Node) -> str:
    pieces = [_piece(part) for part in content.get("parts") or ()]
    for thought in content.get("thoughts") or ():
        if isinstance(thought, Mapping):
            pieces.append(str(thought.get("content") or thought.get("summary") or ""))
    for name in ("text", "result", "content"):
        if not any(pieces) and isinstance(content.get(name), str):
            pieces.append(content[name])
    return "\n".join(piece for piece in pieces if piece)


def _piece(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return ""
    if part.get("text"):
        return str(part["text"])
    kind = str(part.get("content_type"))
    what = "image" if "image" in kind else "audio" if "audio" in kind else "file"
    named = part.get("asset_pointer") or part.get("name")
    return f"[{what} {named}]" if named else ""
