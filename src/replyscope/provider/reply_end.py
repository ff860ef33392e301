"""Reads the end of a response: the last events, how the stream ended, and its failure."""

from dataclasses import dataclass

from replyscope.domain.event import Event
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.sse import is_of_a_stream
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.dialect import Reading, Translator, translate_said
from replyscope.provider.errors import ErrorTranslator
from replyscope.provider.frames import FrameTap
from replyscope.provider.stream_errors import find_error

_BROKEN_OFF = ("interrupted", "timeout")


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """The last events of a response, and its end with the failure, if there was one."""

    events: tuple[Event, ...]
    end: StreamEnd
    failure: Failure | None = None


class EndReader:
    """A reader of the ends of one server's responses."""

    def __init__(self, dialect: Reading, errors: ErrorTranslator, think_tags: ThinkTags) -> None:
        self._dialect = dialect
        self._errors = errors
        self._think_tags = think_tags

    def of_stream(self, tap: FrameTap, translator: Translator, failure: Failure | None) -> ReplyEnd:
        """The end of a stream. `failure` is the error that broke it off, None for none."""
        events: list[Event] = []
        add_arrived(events, tap, translator)
        events += translator.finish()
        if translator.fault is not None:
            failure = self._errors.in_stream(translator.fault)
        if failure is None and not tap.saw_data:
            end = self.of_body(tap.first_text, is_cut=tap.is_cut_short)
            return ReplyEnd((*events, *end.events), end.end, end.failure)
        is_done = tap.saw_done or translator.is_complete
        if failure is None and tap.ends_garbled and not is_done:
            is_cut = tap.is_cut_short
            failure = self._errors.cut_short() if is_cut else self._errors.garbled()
        return ReplyEnd(tuple(events), *_ending(failure, done=is_done))

    def of_body(self, text: str, *, is_cut: bool = False) -> ReplyEnd:
        """The end of a response that is not an event stream: a complete reply, or an error."""
        if is_of_a_stream(text):
            failure = self._errors.cut_short() if is_cut else self._errors.nothing_came()
            return ReplyEnd((), StreamEnd.BROKEN, failure)
        data = events = None
        try:
            data = read_bounded_json(text)
            if isinstance(data, dict):
                events = self._dialect.translate_whole(data, self._think_tags)
        except Exception:  # noqa: BLE001 - not a response of this API
            events = None
        if events is not None:
            return ReplyEnd(tuple(events), StreamEnd.DONE)
        error = find_error(data) if isinstance(data, dict) else None
        is_error = error is not None
        failure = self._errors.in_body(error) if is_error else self._errors.not_a_stream(text)
        return ReplyEnd((), StreamEnd.FAILED, failure)


def _ending(failure: Failure | None, *, done: bool) -> tuple[StreamEnd, Failure | None]:
    """The ending of a stream and its failure. A failure after a complete reply is ignored."""
    if failure is None:
        return (StreamEnd.DONE if done else StreamEnd.CLOSED), None
    if failure.kind not in _BROKEN_OFF:
        return StreamEnd.FAILED, failure
    return (StreamEnd.DONE, None) if done else (StreamEnd.BROKEN, failure)


def add_arrived(events: list[Event], tap: FrameTap, translator: Translator) -> None:
    """Add the recorded frames, and the events of the data that the SDK did not get."""
    for arrival in tap.take():
        events.append(arrival.frame)
        for said in arrival.aside:
            events += translate_said(translator, said)
