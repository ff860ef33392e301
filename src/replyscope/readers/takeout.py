"""Gemini in Google Takeout: My Activity, as JSON or as HTML.

An activity is one prompt with its answer, or something else. It names neither the conversation nor
the model, so each prompt is a session of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import EntryFormat, FileFormat, ImportedFile, Item
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Part, Role, TextPart
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.html_text import text_of_html

NAME = "gemini"
Fields = Mapping[str, Any]
_PRODUCT = re.compile(r"Gemini|Bard")
_PROMPTED = re.compile(
    r"\A(?:(?:Live )?Prompted(?: with)?|Asked(?: Gemini| Bard)?|Said|Branched|Answered)[:\s\xa0]+"
)
_MEMBER = re.compile(r"(?:.*/)?[^/]*(?:Gemini|Bard)[^/]*/[^/]+\.(?:json|html)")
_CELL = b'<div class="outer-cell'
_BODY = re.compile(
    r'<div class="content-cell[^"]*mdl-typography--body-1">(.*?)</div>\s*<div', re.DOTALL
)
_BREAK = re.compile(r"<br\s*/?>")
_CLOCK = re.compile(r"\d{1,2}[:.]\d\d[:.]\d\d")
_DATE = re.compile(
    r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}), (\d{1,2}):(\d\d):(\d\d)\s*([AP]M)?\s*(UTC|GMT)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_CELL = 20_000_000
_CHUNK = 1 << 20


def _read(entry: Fields) -> ForeignConversation | None:
    title = text_of(entry.get("title"))
    answers = [_html_of(one) for one in list_of(entry.get("safeHtmlItem"))]
    reply = "\n\n".join(filter(None, map(text_of_html, answers)))
    files = [*list_of(entry.get("attachedFiles")), *list_of(entry.get("imageFile"))]
    return _session(title, reply, time_of_text(entry.get("time")), [text_of(one) for one in files])


def _html_of(item: Any) -> str:
    fields = mapping_of(item)
    return text_of(
        fields.get("html", fields.get("htmlValue", item if isinstance(item, str) else ""))
    )


def _session(
    title: str, reply: str, at: datetime | None, files: Sequence[str] = ()
) -> ForeignConversation | None:
    """A session of one prompt with its answer; None for another activity."""
    prompt = _PROMPTED.sub("", title).strip()
    if not prompt or (not reply and prompt == title.strip()):
        return None
    named = tuple(TextPart(f"[file {name}]") for name in files)
    parts: tuple[Part, ...] = (TextPart(prompt), *named)
    turns = [ForeignTurn("u", Role.USER, parts, at)]
    if reply:
        turns.append(ForeignTurn("a", Role.ASSISTANT, (TextPart(reply),), at, "u"))
    key = digest_of([at.isoformat() if at else None, prompt])
    return ForeignConversation(NAME, key, "", at, tuple(turns))


def _read_html(file: ImportedFile) -> Iterator[Item]:
    """Each activity of the page, one at a time."""
    with file.open() as opened:
        for number, cell in enumerate(_cells(opened), start=1):
            try:
                made = _of_cell(cell.decode("utf-8", "replace"))
            except DATA_FAULTS as error:
                yield Unreadable(f"activity {number}", fault_in_words(error))
                continue
            if made is not None:
                yield made


def _cells(opened: IO[bytes]) -> Iterator[bytes]:
    """The bytes of each cell. A cell above the bound is cut."""
    held = b""
    while data := opened.read(_CHUNK):
        *cells, held = (held + data).split(_CELL)
        yield from cells
        held = held[:_MOST_CELL]
    yield held


def _of_cell(cell: str) -> ForeignConversation | None:
    """The activity of a cell: the prompt, the time, and the answer, with breaks between them."""
    found = _BODY.search(cell)
    if found is None:
        return None
    lines = _BREAK.split(found[1])
    when = next((n for n, line in enumerate(lines) if n and _CLOCK.search(line)), None)
    if when is None:
        return None
    title = "\n".join(text_of_html(line) for line in lines[:when])
    reply = text_of_html("<br>".join(lines[when + 1 :]))
    return _session(title, reply, _time_of(lines[when]))


def _time_of(line: str) -> datetime | None:
    """The time of a page in English; None in other languages and time zones."""
    found = _DATE.search(" ".join(text_of_html(line).split()))
    if found is None or found[1] not in _MONTHS or not found[8]:
        return None
    hour = int(found[4])
    if found[7]:
        hour = hour % 12 + (12 if found[7] == "PM" else 0)
    month = _MONTHS.index(found[1]) + 1
    day = f"{found[3]}-{month:02}-{int(found[2]):02}"
    return time_of_text(f"{day}T{hour:02}:{found[5]}:{found[6]}Z")


def _sniff(entry: Mapping[str, Any]) -> bool:
    products = [name_of(one) for one in list_of(entry.get("products"))]
    names = " ".join([name_of(entry.get("header")), *products])
    return "title" in entry and "time" in entry and _PRODUCT.search(names) is not None


def _sniff_html(file: ImportedFile, head: bytes) -> bool:
    is_named = re.sub(r"\W", "", file.name).lower() == "myactivityhtml"
    is_page = head[:1] == b"<" and b"<html" in head
    return is_page and file.name.endswith(".html") and (is_named or b"mdl-" in head)


def _members(names: Sequence[str]) -> list[str]:
    return sorted(name for name in names if _MEMBER.fullmatch(name))


TAKEOUT = EntryFormat(
    name=NAME,
    title="Gemini (Google Takeout)",
    path="the zip of My Activity, the extracted folder, or `MyActivity.json`",
    content="each prompt of Gemini Apps with its answer, as a session; other activity is skipped",
    members=_members,
    member="Gemini Apps/MyActivity.json",
    sniff=_sniff,
    read=_read,
)

TAKEOUT_HTML = FileFormat(
    name="gemini-html",
    title="Gemini (Google Takeout, HTML)",
    program="Gemini (Google Takeout)",
    path="`MyActivity.html`",
    content="the same, with times if the page is in English and in UTC",
    sniff=_sniff_html,
    read=_read_html,
)
