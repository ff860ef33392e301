"""JSON exports: which program wrote a conversation, and what is in it."""

from collections.abc import Callable, Mapping
from typing import Any

from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.readers.chatgpt import read_chatgpt
from replyscope.readers.json_items import Broken
from replyscope.readers.open_webui import read_open_webui

Item = ForeignConversation | Unreadable
Read = Callable[[Mapping[str, Any]], ForeignConversation]
_UNKNOWN = "it has no messages: neither a `mapping` (ChatGPT) nor a `chat` (Open WebUI)"


def reader_of(sample: object) -> Read | None:
    """What reads a conversation like this one: of ChatGPT or Open WebUI, or None."""
    if not isinstance(sample, Mapping):
        return None
    if isinstance(sample.get("mapping"), Mapping):
        return read_chatgpt
    if isinstance(sample.get("chat"), Mapping) or isinstance(sample.get("history"), Mapping):
        return read_open_webui
    return None


def read_entry(entry: Any, number: int) -> Item:
    """The conversation of one entry of an export; `number` counts from 1."""
    name = f"conversation {number}"
    if isinstance(entry, Broken):
        return Unreadable(name, entry.why)
    if not isinstance(entry, Mapping):
        return Unreadable(name, "it is no conversation: not a JSON object")
    title = entry.get("title")
    name = title if isinstance(title, str) and title else name
    try:
        read = reader_of(entry)
        if read is None:
            raise BadData(_UNKNOWN)
        return read(entry)
    except DATA_FAULTS as error:
        return Unreadable(name, fault_in_words(error))
