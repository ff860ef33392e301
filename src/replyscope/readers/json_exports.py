"""JSON exports: which program wrote one, and what is in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import Conversation, Unreadable
from replyscope.readers.chatgpt import read_chatgpt
from replyscope.readers.json_items import Broken
from replyscope.readers.open_webui import read_open_webui

Item = Conversation | Unreadable
Read = Callable[[Mapping[str, Any], str], Conversation]
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What values of any shape may come to; each is one conversation's own."""


def reader_of(sample: object) -> Read | None:
    """What reads conversations like this one: of ChatGPT or Open WebUI, or None."""
    if not isinstance(sample, Mapping):
        return None
    if isinstance(sample.get("mapping"), Mapping):
        return read_chatgpt
    if isinstance(sample.get("chat"), Mapping) or isinstance(sample.get("history"), Mapping):
        return read_open_webui
    return None


def read_each(entries: Iterable[Any], read: Read) -> Iterator[Item]:
    """Each conversation; a broken one is told as such."""
    for number, entry in enumerate(entries, start=1):
        name = f"conversation {number}"
        if isinstance(entry, Broken):
            yield Unreadable(name, entry.why)
            continue
        try:
            title = entry.get("title")
            name = title if isinstance(title, str) and title else name
            yield read(entry, str(number))
        except _FAULTS as error:
            yield Unreadable(name, f"{type(error).__name__}: {error}")
