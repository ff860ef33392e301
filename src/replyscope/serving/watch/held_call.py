"""Applies the decision of a gate to a held call: an edited request, or our own response."""

import json
from dataclasses import replace

from replyscope.domain.json_text import bounded_object_in
from replyscope.domain.watched import Refuse
from replyscope.serving.connection import BodyPart, Head, HttpConnection
from replyscope.serving.gate import AnswerRecorded
from replyscope.serving.playback import play
from replyscope.serving.watch.call_copy import CallCopy
from replyscope.serving.watch.own_answer import (
    CUT_AS_RECORDED,
    CopiedResponse,
    error_of_api,
    while_client_stays,
)

_MOST_OF_A_VALUE = 4_000
_OF_THE_BODY = (b"content-length", b"content-encoding", b"transfer-encoding")
REFUSED = "The request was refused in replyscope watch; it was not forwarded."


async def answer_held(
    connection: HttpConnection,
    head: Head,
    copy: CallCopy,
    decision: Refuse | AnswerRecorded,
) -> bool:
    """Answer a call as decided. Returns whether the connection can have another request."""
    return await while_client_stays(
        connection, head, copy, _answer(CopiedResponse(connection, copy), head, decision)
    )


async def _answer(
    response: CopiedResponse, head: Head, decision: Refuse | AnswerRecorded
) -> str | None:
    if isinstance(decision, Refuse):
        error = error_of_api(head, decision.message, "refused")
        await response.send_json(decision.status, error)
        return None
    await play(decision.playback, response)
    return CUT_AS_RECORDED if response.is_closed else None


def note_of(decision: Refuse | AnswerRecorded) -> str:
    """The sentence about an answer that is recorded with the call."""
    if isinstance(decision, Refuse):
        return REFUSED
    recorded = decision.playback.exchange_id
    return f"replyscope watch answered with the recorded reply {recorded}; nothing was forwarded."


def edited_request(head: Head, body: bytes) -> tuple[Head, list[BodyPart]]:
    """The head and the body of a request with another body."""
    kept = tuple(one for one in head.raw_headers if one[0].lower() not in _OF_THE_BODY)
    length = str(len(body))
    headers = {n: v for n, v in head.headers.items() if n.encode("latin-1") not in _OF_THE_BODY}
    made = replace(
        head,
        headers={**headers, "content-length": length},
        raw_headers=(*kept, (b"Content-Length", length.encode())),
    )
    return made, [BodyPart(body, body, is_end=True)]


def edit_note(original: bytes, edited: bytes) -> str:
    """The sentence about an edit that is recorded with the call: the original of each field that
    was changed, within a bound.
    """
    before, after = bounded_object_in(original), bounded_object_in(edited)
    start = "The request was edited in replyscope watch before it was sent"
    if before is None or after is None:
        return f"{start}; the original: {_short(original.decode('utf-8', 'replace'))}"
    names = [*before, *(name for name in after if name not in before)]
    changed = [
        f"{name} was {_short(json.dumps(before[name], ensure_ascii=False))}"
        if name in before
        else f"{name} was added"
        for name in names
        if name not in before or name not in after or before[name] != after[name]
    ]
    return f"{start}; {'; '.join(changed) or 'only its form was changed'}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_OF_A_VALUE else f"{text[:_MOST_OF_A_VALUE]}…"
