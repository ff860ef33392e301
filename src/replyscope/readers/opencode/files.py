"""Reads the storage folder of opencode: one JSON file for each session, message and part."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.domain.import_format import ImportedFile, Item
from replyscope.domain.item_bound import MOST_ITEM, too_large
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.shared import LeftOut
from replyscope.readers.opencode.session import Message, conversation_of

_SESSION = re.compile(r"(?:.*/)?session/[^/]+/(ses_[^/]+)\.json")
_MESSAGE = re.compile(r"(?:.*/)?message/(ses_[^/]+)/(msg_[^/]+)\.json")
_PART = re.compile(r"(?:.*/)?part/(?:ses_[^/]+/)?(msg_[^/]+)/(prt_[^/]+)\.json")
Files = Sequence[ImportedFile]


def members_of(names: Sequence[str]) -> list[str]:
    """The files of sessions, messages and parts; none without a session."""
    if not any(map(_SESSION.fullmatch, names)):
        return []
    kinds = (_SESSION, _MESSAGE, _PART)
    return sorted(name for name in names if any(kind.fullmatch(name) for kind in kinds))


def read_files(files: Files) -> Iterator[Item]:
    """Each session. A damaged file of a message or a part is skipped."""
    messages, parts = _grouped(files, _MESSAGE), _grouped(files, _PART)
    for file in files:
        found = _SESSION.fullmatch(file.path)
        if found is None:
            continue
        bad: list[str] = []
        try:
            listed = messages.get(found[1], [])
            own = (file, *listed, *(part for one in listed for part in _parts_of(one, parts)))
            if sum(one.size for one in own) > MOST_ITEM:
                raise BadData(too_large())
            made = conversation_of(_read(file), [*_messages(listed, parts, bad)])
        except DATA_FAULTS as error:
            yield Unreadable(file.name, fault_in_words(error))
            continue
        if made.turns:
            yield _with_faults(made, bad)


def _with_faults(made: ForeignConversation, bad: Sequence[str]) -> ForeignConversation:
    faults = tuple(LeftOut("damaged file", why, n) for why, n in Counter(bad).items())
    return replace(made, left_out=(*made.left_out, *faults))


def _grouped(files: Files, kind: re.Pattern[str]) -> Mapping[str, list[ImportedFile]]:
    """The files of a kind by the id of their session or message, in the order of their ids."""
    groups: dict[str, list[ImportedFile]] = {}
    for file in files:
        found = kind.fullmatch(file.path)
        if found is not None:
            groups.setdefault(found[1], []).append(file)
    for group in groups.values():
        group.sort(key=lambda one: one.name)
    return groups


def _messages(
    files: Files, parts: Mapping[str, list[ImportedFile]], bad: list[str]
) -> Iterator[Message]:
    for file in files:
        for message in _sound([file], bad):
            yield message, [*_sound(_parts_of(file, parts), bad)]


def _parts_of(message: ImportedFile, parts: Mapping[str, list[ImportedFile]]) -> Files:
    return parts.get(message.name.removesuffix(".json"), [])


def _sound(files: Files, bad: list[str]) -> Iterator[Mapping[str, Any]]:
    for file in files:
        try:
            yield _read(file)
        except DATA_FAULTS as error:
            bad.append(fault_in_words(error))


def _read(file: ImportedFile) -> Mapping[str, Any]:
    with file.open() as opened:
        data = opened.read(MOST_ITEM + 1)
    if len(data) > MOST_ITEM:
        raise BadData(too_large())
    value = read_bounded_json(data)
    if not isinstance(value, Mapping):
        raise BadData("it is not a JSON object")
    return value
