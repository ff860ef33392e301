"""Identifies conversations by hashes of their messages. Pure functions.

The key of a message is the hash of the key before it and of the message's digest, so that equal
keys mean equal conversations. A digest ignores what programs change when they send a reply back:
reasoning, white space at the ends, the form of the content, the spelling of JSON arguments.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from replyscope.domain.asked import ITEM_REFERENCE, AskedCall, AskedMessage
from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.json_text import read_json
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    OpaquePart,
    Part,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

_SIZE = 16
_NUMBERS = re.compile(r"\d+")
_BLANK = re.compile(r"\s+")
_SHORTEST = 24
"""The shortest reply, in characters of its text and calls, that is recognised by itself."""


def _hash(*parts: str | bytes) -> bytes:
    """A hash of parts; the length of each is hashed too, so that they can't run into each other."""
    data = [p.encode("utf-8", "surrogatepass") if isinstance(p, str) else p for p in parts]
    sizes = ",".join([str(len(one)) for one in data])
    return blake2b(b"".join([sizes.encode(), b":", *data]), digest_size=_SIZE).digest()


def root_of(asked: AskedCall) -> bytes:
    """The key before the first message of a request.

    It is that of a stored response or conversation, or of the system prompt. Numbers in a
    system prompt are ignored: many programs put the time into it.
    """
    if asked.previous_response_id:
        return response_key(asked.previous_response_id)
    if asked.conversation:
        return conversation_key(asked.conversation)
    system = _BLANK.sub(" ", _NUMBERS.sub("0", asked.system or "")).strip()
    return _hash("system", system)


def response_key(response_id: str) -> bytes:
    """The key of a conversation that ends with a stored response."""
    return _hash("response", response_id)


def conversation_key(conversation: str) -> bytes:
    """The key of the end of a conversation that the server stores."""
    return _hash("conversation", conversation)


def chain(root: bytes, messages: Iterable[AskedMessage]) -> list[bytes]:
    """The key of each message."""
    keys: list[bytes] = []
    last = root
    for message in messages:
        last = _hash(last, message_digest(message.role, message.parts))
        keys.append(last)
    return keys


def reply_keys(
    before: bytes, exchange: Exchange, choice: Choice, parts: Sequence[Part]
) -> set[bytes]:
    """The keys of a reply after a conversation, one for each form in which it may come back."""
    return {_hash(before, digest) for digest in _reply_digests(exchange, choice, parts)}


def known_reply_key(role: Role, parts: Sequence[Part]) -> bytes | None:
    """The key of a reply wherever it is; None for one that is too short to be recognised."""
    said = [p for p in parts if isinstance(p, TextPart | RefusalPart | ToolCallPart)]
    size = sum(
        len(p.arguments) + len(p.call_id) if isinstance(p, ToolCallPart) else len(p.text)
        for p in said
    )
    return _hash("reply", message_digest(role, parts)) if size >= _SHORTEST else None


def _reply_digests(exchange: Exchange, choice: Choice, parts: Sequence[Part]) -> Iterator[bytes]:
    yield message_digest(Role.ASSISTANT, parts)
    if choice.thinking:  # a program that sends the text back with its think tags
        text = TextPart(choice.thinking + choice.text)
        others = [part for part in parts if not isinstance(part, TextPart)]
        yield message_digest(Role.ASSISTANT, [text, *others])
    calls = [part for part in parts if isinstance(part, ToolCallPart)]
    if calls and choice.text:  # a program that drops the text beside calls
        yield message_digest(Role.ASSISTANT, calls)
    references = [OpaquePart(ITEM_REFERENCE, _item_id(item.payload)) for item in choice.items]
    if references:
        yield message_digest(Role.ASSISTANT, references)


def _item_id(payload: str) -> str:
    try:
        item = read_json(payload)
    except ValueError:
        return ""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def message_digest(role: Role, parts: Sequence[Part]) -> bytes:
    """The digest of a message."""
    texts: list[str] = []
    made: list[str | bytes] = []
    results: list[tuple[str, str]] = []
    for part in parts:
        match part:
            case TextPart(text=text) | RefusalPart(text=text) | FilePart(text=text):
                texts.append(text)
            case ToolResultPart():
                results.append((part.call_id, part.output.strip()))
            case ToolCallPart():
                made += ("call", part.call_id, part.name, _arguments(part.arguments))
            case ImagePart(data=data) | AudioPart(data=data) | DocumentPart(data=data):
                made += ("data", data)
            case OpaquePart(kind="item_reference", payload=item) if not item.startswith("rs_"):
                made += ("item", item)
    for call_id, output in sorted(results):
        made += ("result", call_id, output)
    return _hash(role.value, "".join(texts).strip(), *made)


def _arguments(text: str) -> str:
    """The arguments of a call in one spelling; none is an empty object."""
    try:
        value = read_json(text) if text.strip() else {}
    except ValueError:
        return text.strip()
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
