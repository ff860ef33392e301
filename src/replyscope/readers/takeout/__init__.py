"""Gemini in Google Takeout: My Activity as JSON or as HTML, and conversations of Workspace."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from replyscope.domain.import_format import EntryFormat, FileFormat
from replyscope.domain.loose_json import list_of, name_of
from replyscope.readers.takeout.activity import NAME, read_activity
from replyscope.readers.takeout.conversation import read_conversation
from replyscope.readers.takeout.page import is_page, read_page

_PRODUCT = re.compile(r"Gemini|Bard")
_ACTIVITY = re.compile(r"(?:.*/)?[^/]*(?:Gemini|Bard)[^/]*/(?!gemini_)[^/]+\.(?:json|html)")
_CONVERSATION = re.compile(r"(?:.*/)?conversation_\d+\.(?:txt|json)")


def _members(names: Sequence[str]) -> list[str]:
    kinds = (_ACTIVITY, _CONVERSATION)
    return sorted(name for name in names if any(kind.fullmatch(name) for kind in kinds))


def _is_activity(entry: Mapping[str, Any]) -> bool:
    products = [name_of(one) for one in list_of(entry.get("products"))]
    names = " ".join([name_of(entry.get("header")), *products])
    return "title" in entry and "time" in entry and _PRODUCT.search(names) is not None


TAKEOUT = EntryFormat(
    name=NAME,
    title="Gemini (Google Takeout)",
    path="the zip of My Activity, the extracted folder, or `MyActivity.json`",
    content="each prompt of Gemini Apps with its answer, as a session; other activity is skipped",
    members=_members,
    member="Gemini Apps/MyActivity.json",
    sniff=_is_activity,
    read=read_activity,
)

TAKEOUT_HTML = FileFormat(
    name="gemini-html",
    title="Gemini (Google Takeout, HTML)",
    program="Gemini (Google Takeout)",
    path="`MyActivity.html`",
    content="the same, with times if their month and time zone are beyond doubt",
    sniff=is_page,
    read=read_page,
)

TAKEOUT_WORKSPACE = EntryFormat(
    name="gemini-workspace",
    title="Gemini (Google Takeout, Workspace)",
    program="Gemini (Google Takeout)",
    path="the zip, the extracted folder, or a `conversation_….txt`",
    content="the conversations, with thoughts; a prompt that was edited makes a branch",
    sniff=lambda entry: isinstance(entry.get("conversation_turns"), list),
    read=read_conversation,
)
