"""Reads a conversation of Gemini in a Workspace account: one JSON document for each.

Turns of the person and of the model are numbered together. A number that comes again is another
form of the turn: the person edited a prompt, or asked for another answer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.import_faults import BadData
from replyscope.domain.leftovers import Leftovers
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Role, TextPart
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.takeout.activity import NAME

Fields = Mapping[str, Any]
_ROLES = {"user_turn": Role.USER, "system_turn": Role.ASSISTANT}


def read_conversation(entry: Fields) -> ForeignConversation:
    """A conversation. Raises BadData."""
    left = Leftovers()
    turns: list[ForeignTurn] = []
    newest: dict[int, str] = {}
    for number, (kind, turn) in enumerate(_each(entry)):
        if turn.get("turn_deleted_time"):
            left.add("deleted turn", "the person deleted it")
            continue
        index = count_of(turn.get("turn_index"))
        index = number if index is None else index
        below = [one for one in newest if one < index]
        above = newest[max(below)] if below else None
        key = f"{kind[0]}{index}" if index not in newest else f"{kind[0]}{index}/{number}"
        turns.append(_turn(kind, turn, key, above, left))
        newest[index] = key
    if not turns:
        raise BadData("it has no turns")
    first = next((_words(turn) for turn in turns if turn.role is Role.USER), "")
    return ForeignConversation(
        NAME,
        digest_of(["workspace", entry.get("creation_time"), first]),
        text_of(entry.get("title")),
        time_of_text(entry.get("creation_time")),
        tuple(turns),
        left_out=left.all,
    )


def _each(entry: Fields) -> Iterator[tuple[str, Fields]]:
    for one in map(mapping_of, list_of(entry.get("conversation_turns"))):
        for kind in _ROLES:
            if isinstance(one.get(kind), Mapping):
                yield kind, one[kind]


def _turn(kind: str, turn: Fields, key: str, above: str | None, left: Leftovers) -> ForeignTurn:
    at = time_of_text(turn.get("turn_last_modified"))
    images = [f"[image {name_of(one)}]" for one in list_of(turn.get("images"))]
    if _ROLES[kind] is Role.USER:
        texts = [text_of(turn.get("prompt")), *images]
        return ForeignTurn(key, Role.USER, tuple(map(TextPart, filter(None, texts))), at, above)
    for _ in images:
        left.add_image()
    thoughts = (mapping_of(one) for one in list_of(turn.get("model_thoughts")))
    reasoning = "\n\n".join(
        "\n".join(filter(None, (text_of(one.get("headline")), text_of(one.get("description")))))
        for one in thoughts
    )
    texts = [*filter(None, _texts(turn)), *images]
    parts = tuple(map(TextPart, texts))
    return ForeignTurn(key, Role.ASSISTANT, parts, at, above, reasoning=reasoning)


def _texts(turn: Fields) -> Iterator[str]:
    """The texts of a reply, and of the cards in it."""
    for item in list_of(turn.get("text")):
        fields = mapping_of(item)
        yield text_of(fields.get("data") if fields else item)
        for card in list_of(fields.get("cards")):
            yield text_of(mapping_of(card).get("content"))


def _words(turn: ForeignTurn) -> str:
    return "\n".join(part.text for part in turn.parts if isinstance(part, TextPart))
