"""Reads an activity of Gemini Apps: one prompt with its answer, or something else.

An activity names neither the conversation nor the model, so each prompt is a session of its own.
The forms of an export, JSON and HTML, give the same session.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.leftovers import as_extras
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Part, Role, TextPart
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.html_text import text_of_html

NAME = "gemini"
Fields = Mapping[str, Any]
_PROMPTED = re.compile(
    r"\A(?:(?:Live )?Prompted(?: with)?|Asked(?: Gemini| Bard)?|Said|Branched|Answered|Typed"
    r"|Submitted query|Query submitted|Fez uma pergunta|Perguntou"
    r"|送信したメッセージ|Υποβλήθηκε το ερώτημα)(?:[::\s\xa0]+|\Z)"
)
"""What stands before a prompt, in the languages for which it is known."""
_OTHER = re.compile(
    r"\A(?:Created|Used|Added|Gave|Selected|Shared|Deleted|Viewed|Visited|Edited|Pinned|Renamed"
    r"|Exported|Updated)\s"
)
"""The beginning of an activity that is no prompt."""
_COUNT = re.compile(r"\s*\bAttached \d+ files?\.?\s*\Z")
_LINK = re.compile(r"\[([^\]]*)\]\(https://gemini\.google\.com/app[^)]*\)")
_ASKED = ("request", "リクエスト")
_ANSWERED = ("response", "レスポンス")


def read_activity(entry: Fields) -> ForeignConversation | None:
    """The session of an activity; None if it is no prompt and has no answer."""
    told = dict(_details(entry))
    answers = [text_of_html(_html_of(one)) for one in list_of(entry.get("safeHtmlItem"))]
    reply = "\n\n".join(filter(None, answers)) or told.get(_ANSWERED, "")
    files, others = _subtitles(entry)
    listed = [*list_of(entry.get("attachedFiles")), *list_of(entry.get("imageFile"))]
    title = f"Prompted {told[_ASKED]}" if _ASKED in told else text_of(entry.get("title"))
    names = files or list(dict.fromkeys(text_of(one) for one in listed))
    at = time_of_text(entry.get("time"))
    return session_of(title, reply, at, names, {"subtitles": others} if others else {})


def _html_of(item: Any) -> str:
    fields = mapping_of(item)
    return text_of(
        fields.get("html", fields.get("htmlValue", item if isinstance(item, str) else ""))
    )


def _details(entry: Fields) -> Iterator[tuple[tuple[str, ...], str]]:
    """The prompt and the answer of older exports, which list them by names."""
    for one in map(mapping_of, list_of(entry.get("details"))):
        name, value = name_of(one.get("name")).lower(), text_of(one.get("value"))
        found = next((kind for kind in (_ASKED, _ANSWERED) if name in kind), None)
        if found is not None and value:
            yield found, value


def _subtitles(entry: Fields) -> tuple[list[str], list[str]]:
    """The names of the attached files in the lines below a title, and the other lines."""
    files, others = [], []
    for one in map(mapping_of, list_of(entry.get("subtitles"))):
        name, address = name_of(one.get("name")).strip(), name_of(one.get("url"))
        if name.startswith("-") and address and not address.startswith("http"):
            files.append(name.lstrip("- \xa0\u2003"))
        elif name:
            others.append(name)
    return files, [line for line in others if not (files and re.search(r"\d", line))]


def session_of(
    title: str,
    reply: str,
    at: datetime | None,
    files: Sequence[str] = (),
    others: Mapping[str, Any] | None = None,
) -> ForeignConversation | None:
    """A session of one prompt with its answer; None for another activity without an answer."""
    plain = _LINK.sub(r"\1", title).strip()
    prompt = _COUNT.sub("", _PROMPTED.sub("", plain)).strip()
    is_prompt = _PROMPTED.match(plain) is not None
    if not reply and (not is_prompt or not (prompt or files)):
        return None
    if _OTHER.match(plain):
        prompt = f"[{plain}]"
    said = (TextPart(prompt),) if prompt else ()
    parts: tuple[Part, ...] = (*said, *(TextPart(f"[file {name}]") for name in files))
    turns = [ForeignTurn("u", Role.USER, parts, at)] if parts else []
    if reply:
        above = turns[0].key if turns else None
        extras = as_extras(others or {})
        said = (TextPart(reply),)
        turns.append(ForeignTurn("a", Role.ASSISTANT, said, at, above, extras=extras))
    second = at.replace(microsecond=0).isoformat() if at else None
    return ForeignConversation(NAME, digest_of([second, prompt.split()]), "", at, tuple(turns))
