"""Reads a chat of Open WebUI: a tree of messages, with the replies of several models."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import (
    ForeignConversation,
    ForeignTurn,
    text_of_part,
    time_of,
    tool_turn,
)
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import BadData
from replyscope.domain.leftovers import NO_PLACE, Leftovers, with_text
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, to_json
from replyscope.domain.message import Role, TextPart
from replyscope.readers.content_parts import parts_of
from replyscope.readers.message_tree import links_of, parents_first
from replyscope.readers.open_webui.reply import (
    LINKS,
    files_of,
    message_text,
    tool_text,
    turns_of_reply,
)

Node = Mapping[str, Any]
_CHAT = frozenset((
    "id", "user_id", "title", "chat", "created_at", "updated_at", "share_id", "meta", "folder_id",
    "history", "messages", "models", "tags", "timestamp", "system", "originalChatId",
    "branchPointMessageId", "files", "current_message_id", "currentId", "model",
))  # fmt: skip
_TREES = ("chat", "history", "messages", "params", "files")
_NAMES = ("model", "modelName", "models", "name")
_SYSTEM = ("system", "developer")
_TOOL = ("tool", "function")


def read_chat(entry: Node) -> ForeignConversation:
    """A chat. Raises BadData when no message can be read."""
    chat = mapping_of(entry.get("chat")) or entry
    history = mapping_of(chat.get("history"))
    nodes = _nodes(chat, history)
    leftovers = Leftovers()
    systems = Systems()
    params = mapping_of(chat.get("params"))
    systems.add(name_of(chat.get("system") or params.get("system")))
    reader = _Reader(_model_of(chat), systems, leftovers)
    turns, ends = reader.read(nodes)
    if nodes and not turns and not systems.first:
        raise BadData("none of its messages can be read")
    title, tags = name_of(entry.get("title") or chat.get("title")), _tags(entry, chat)
    kept = "\n".join((title, systems.first or "", *tags))
    for owner in [entry] if chat is entry else [entry, chat]:
        about = {name: one for name, one in owner.items() if name not in _TREES}
        leftovers.add_lost(about, _CHAT, kept, "the chat")
    settings = params or {"params": chat.get("params")}
    leftovers.add_lost(settings, frozenset(("system",)), kept, "the chat's parameters")
    _report_files(chat, nodes, leftovers)
    current = name_of(history.get("currentId") or history.get("current_id"))
    return ForeignConversation(
        "open-webui",
        name_of(entry.get("id") or chat.get("id")) or digest_of(entry),
        title,
        time_of(entry.get("created_at") or chat.get("timestamp")),
        tuple(turns),
        systems.first,
        ends.get(current),
        tags,
        leftovers.all,
    )


class _Reader:
    def __init__(self, model: str, systems: Systems, leftovers: Leftovers) -> None:
        self._model = model
        self._systems = systems
        self._leftovers = leftovers

    def read(self, nodes: Mapping[str, Any]) -> tuple[list[ForeignTurn], dict[str, str | None]]:
        """The turns, and for each node the key of the turn that is the parent of its answers."""
        turns: list[ForeignTurn] = []
        ends: dict[str, str | None] = {}
        links = links_of(nodes, "parentId", "childrenIds")
        for key in parents_first(links):
            parent = ends.get(links[key][0])
            made = self._turns(key, nodes.get(key), parent)
            turns += made
            ends[key] = made[-1].key if made else parent
            merged = mapping_of(nodes.get(key)).get("merged")
            is_asked = bool(made) and made[-1].role is Role.USER
            turns += self._merged(key, merged, ends[key] if is_asked else parent)
        return turns, ends

    def _turns(self, key: str, node: Any, parent: str | None) -> list[ForeignTurn]:
        if node is None:
            return []
        if not isinstance(node, Mapping):
            self._leftovers.add_odd(node)
            return []
        role = name_of(node.get("role"))
        if role == "assistant":
            return turns_of_reply(key, node, parent, self._model, self._leftovers)
        at = time_of(node.get("timestamp"))
        if role in _SYSTEM:
            text = message_text(node)
            self._report(node, text, "a system message")
            return self._systems.turn(key, parent, at, text)
        if role in _TOOL:
            name, text = name_of(node.get("name")) or "tool", tool_text(node)
            self._report(node, f"{name}\n{text}", "a tool message")
            return [tool_turn(key, parent, at, name, text)]
        given = parts_of(node.get("content"))
        parts = tuple(part for part in given if part != TextPart("")) + files_of(node)
        kept = "\n".join(text_of_part(part) for part in parts)
        self._report(node, kept, "a user message")
        return [ForeignTurn(key, Role.USER, parts, at, parent)]

    def _report(self, node: Node, kept: str, owner: str) -> None:
        fields = {name: one for name, one in node.items() if name not in _NAMES}
        if isinstance(node.get("merged"), str | Mapping):
            del fields["merged"]  # a reply of its own
        self._leftovers.add_lost(fields, LINKS, kept, owner)

    def _merged(self, key: str, merged: Any, parent: str | None) -> list[ForeignTurn]:
        """The reply that Open WebUI merged from several, as their sibling."""
        fields = {"content": merged} if isinstance(merged, str) else mapping_of(merged)
        if not with_text(fields, LINKS - {"content"}):
            return []
        own = f"{key}/merged"
        return turns_of_reply(own, fields, parent, "merged", self._leftovers)


def _nodes(chat: Node, history: Node) -> dict[str, Any]:
    """The messages by their keys. In the list of old versions each answers the one before."""
    found = history.get("messages")
    if isinstance(found, list):
        found = {
            name_of(mapping_of(node).get("id")) or str(n): node for n, node in enumerate(found)
        }
    tree = mapping_of(found)
    nodes = dict(tree)
    last = ""
    for number, node in enumerate(list_of(chat.get("messages"))):
        key = name_of(mapping_of(node).get("id")) or str(number)
        if not isinstance(node, Mapping):
            nodes[f"listed/{number}"] = node
            continue
        if key in nodes or _has_text(tree, node):
            last = key if key in nodes else last
            continue
        nodes[key] = {**node, "parentId": node.get("parentId") or last or None}
        last = key
    return nodes


def _has_text(tree: Mapping[str, Any], node: Node) -> bool:
    """Whether a message without an id is in the tree."""
    contents = (mapping_of(known).get("content") for known in tree.values())
    return not node.get("id") and any(content == node.get("content") for content in contents)


def _model_of(chat: Node) -> str:
    """The chat's model if it has exactly one."""
    models = [name for name in map(name_of, list_of(chat.get("models"))) if name]
    return models[0] if len(models) == 1 else ""


def _report_files(chat: Node, nodes: Mapping[str, Any], leftovers: Leftovers) -> None:
    """Report files of the chat that none of its messages has."""
    known = to_json([mapping_of(node).get("files") for node in nodes.values()])
    leftovers.add_lost({"files": chat.get("files")}, frozenset(("files",)), known, "the chat")
    for file in map(mapping_of, list_of(chat.get("files"))):
        name = name_of(file.get("name") or file.get("id"))
        if name and name not in known:
            leftovers.add(f"file {name[:60]} of the chat", NO_PLACE)


def _tags(entry: Node, chat: Node) -> tuple[str, ...]:
    """The tags, each as one word."""
    return tuple(_words_of(entry.get("tags"), chat.get("tags"),
                           mapping_of(entry.get("meta")).get("tags")))  # fmt: skip


def _words_of(*tags: Any) -> Iterator[str]:
    for tag in (one for listed in tags for one in list_of(listed)):
        word = name_of(mapping_of(tag).get("name") or tag).strip().replace(" ", "_")
        if word.isprintable() and 0 < len(word) <= 40 and not set(word) & set('"()'):
            yield word
