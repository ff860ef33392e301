"""Converts a recorded stream into a session: one reply without its question."""

from dataclasses import replace

from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Api, Exchange, Timing
from replyscope.domain.foreign import EARLIEST, id_of
from replyscope.domain.import_format import RecordedStream
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.ports import TranslateFrames
from replyscope.domain.session import Session
from replyscope.domain.shared import Shared
from replyscope.engine.recovery import refold

_SOURCE = "sse"
_OF_RESPONSES = ('"response.', "event: response.")


def session_of_stream(stream: RecordedStream, translate: TranslateFrames) -> Shared:
    """The session with the reply and its frames. Times are unknown. Raises DATA_FAULTS."""
    frames = [WireFrame(0.0, text) for text in stream.frames]
    is_response = any(mark in text for text in stream.frames for mark in _OF_RESPONSES)
    api = Api.RESPONSES if is_response else Api.CHAT
    at, key = stream.at or EARLIEST, id_of((f"{_SOURCE}/{stream.title}/", *stream.frames))
    opening = Exchange(f"{key}x", api, _SOURCE, "", "unknown", at)
    folded = refold(opening, frames, translate, broken=None)
    model = folded.answered_model or opening.model
    exchange = replace(folded, model=model, timing=Timing())
    reply = Message(f"{key}a", Role.ASSISTANT, (), at, None, (ReplySource(exchange.id, 0),))
    session = Session(
        key, stream.title, at, at, head_id=reply.id, is_title_given=True, source=_SOURCE
    )
    record = WireRecord(None, tuple(frames))
    return Shared(session, (reply,), {exchange.id: exchange}, (_SOURCE,), {exchange.id: record})
