"""The export of chats of Open WebUI: one JSON object for each chat."""

from collections.abc import Mapping

from replyscope.domain.import_format import EntryFormat
from replyscope.readers.open_webui.chat import read_chat


def _sniff(entry: Mapping[str, object]) -> bool:
    return any(isinstance(entry.get(name), Mapping) for name in ("chat", "history"))


OPEN_WEBUI = EntryFormat(
    name="open-webui",
    title="Open WebUI",
    path="an export of one chat or of all chats",
    content="the JSON file",
    sniff=_sniff,
    read=read_chat,
)
