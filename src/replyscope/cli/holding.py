"""The gate of `watch --hold`: holds the calls that match a query until a person decides."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from replyscope.domain.errors import SettingsError
from replyscope.domain.exchange import Api
from replyscope.domain.facts import Facts
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.matching import matches
from replyscope.domain.printable import printable_text
from replyscope.domain.query import Query
from replyscope.domain.watched import Refuse, WatchedRequest
from replyscope.engine.watching.held_calls import (
    AnswerHeld,
    HeldCall,
    Person,
    SendHeld,
    Verdict,
)
from replyscope.serving.gate import AnswerRecorded, Decision, Send
from replyscope.serving.mock.matching import find_recording
from replyscope.serving.mock.playing import choose_form
from replyscope.serving.mock.recording import Recording

Find = Callable[[str], Awaitable[Sequence[Recording]]]


@dataclass(frozen=True, slots=True)
class HoldGate:
    """Asks `person` about the calls that match `query`. Implements Gate.

    `facts` returns the facts of a request, `find` the recordings of an id or a query.
    """

    query: Query
    facts: Callable[[WatchedRequest], Facts]
    api_of: Callable[[WatchedRequest], Api | None]
    find: Find
    person: Person

    async def decide(self, request: WatchedRequest) -> Decision:
        """See Gate."""
        facts = await asyncio.to_thread(self.facts, request)
        if not matches(self.query, facts, request.at.astimezone()):
            return Send()
        held = HeldCall(request, facts, await asyncio.to_thread(_editable, request.body))

        async def accept(verdict: Verdict) -> Decision:
            return await self._carried_out(held, verdict)

        return await self.person.decide(held, accept)

    async def _carried_out(self, held: HeldCall, verdict: Verdict) -> Decision:
        """The decision that a verdict means. Raises ReplyscopeError."""
        match verdict:
            case SendHeld(text):
                return Send() if text is None else await asyncio.to_thread(_edited, held, text)
            case Refuse():
                return verdict
            case AnswerHeld(what):
                return await self._answered(held.request, what)
            case _:
                assert_never(verdict)

    async def _answered(self, request: WatchedRequest, what: str) -> Decision:
        found = await self.find(what)
        api = self.api_of(request)
        fitting = (
            find_recording(found, api, request.body, (), any_=True) if api is not None else None
        )
        if fitting is None:
            raise SettingsError(
                "None of these replies is over the API of this call.",
                "Name a reply over the same API.",
            )
        return AnswerRecorded(choose_form(fitting[0], request.body).playback())


def _editable(body: bytes) -> str:
    """A body as indented JSON, or as text if it is none. What an editor could not show exactly is
    escaped.
    """
    value = _object(body)
    if value is None:
        return body.decode("utf-8", "replace")
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if printable_text(text) == text else json.dumps(value, indent=2)


def _edited(held: HeldCall, text: str) -> Decision:
    """The edited request. Raises SettingsError if the text is not JSON."""
    try:
        edited = read_bounded_json(text)
    except ValueError as error:
        raise SettingsError(
            f"The edited text is not JSON ({error}).", "Nothing was sent; the call still waits."
        ) from error
    if edited == _object(held.request.body):
        return Send()
    return Send(json.dumps(edited, ensure_ascii=False).encode("utf-8", "replace"))


def _object(data: bytes) -> Any:
    try:
        return read_bounded_json(data)
    except ValueError:
        return None
