"""Protocols of the wire APIs: the request body, and the translator of the stream."""

from collections.abc import Container, Mapping
from typing import Any, Protocol

import openai

from replyscope.domain.event import Event, FrameSkipped
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.frame_reader import NOT_JSON, EventData


class Translator(Protocol):
    """A translator of one stream, from SDK objects to domain events.

    `fault` is the error object or text received in the stream, None when there was none.
    """

    fault: object | None

    @property
    def is_complete(self) -> bool:
        """Whether the server reported the end of the reply."""
        ...

    @property
    def has_said_all(self) -> bool:
        """Whether the reply has all its parts, even if the server did not report its end."""
        ...

    def translate(self, chunk: object) -> list[Event]:
        """The events of one object; empty for an unknown one."""
        ...

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, parsed as the SDK parses it."""
        ...

    def finish(self) -> list[Event]:
        """The events of buffered text at the end of the stream."""
        ...


def translate_said(translator: Translator, said: EventData) -> list[Event]:
    """The events of one SSE event; FrameSkipped when its data is not a JSON object."""
    if said.is_done:
        return []
    if said.value is NOT_JSON and said.event == "error":
        translator.fault = translator.fault or said.text
        return []
    if said.value is NOT_JSON:
        return [FrameSkipped("it is not JSON")]
    if isinstance(said.value, dict) or said.value is None:
        return translator.translate_data(said.value, said.event)
    return [FrameSkipped("it is not a JSON object")]


class Reading(Protocol):
    """The reading half of a wire API: its responses."""

    @property
    def api(self) -> Api: ...

    def translator(self, think_tags: ThinkTags) -> Translator:
        """A new translator for one stream."""
        ...

    def translate_whole(self, data: Mapping[str, Any], think_tags: ThinkTags) -> list[Event] | None:
        """The events of a response without a stream; None for a response of another kind."""
        ...


class Dialect(Reading, Protocol):
    """A wire API that requests are sent over: Chat Completions or Responses."""

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for the SDK's call. The value of an adaptation is "drop" or a name."""
        ...

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any], headers: Mapping[str, str]
    ) -> openai.AsyncStream[Any]:
        """Send the request, with more HTTP headers, and wait for the response headers."""
        ...


def past_the_sdks_types(body: dict[str, Any], name: str, known: Container[str]) -> dict[str, Any]:
    """The same call with one argument as plain JSON, which bypasses the SDK's transformation.

    The SDK walks through all arguments to rename keys. That blocks the event loop for 0.4 ms
    for each message, and our keys have the wire names already. Fields that the SDK does not
    know are plain JSON, too.
    """
    if name not in body:
        return body
    plain = {key: value for key, value in body.items() if key == name or key not in known}
    if body["stream"] is not True:  # by `extra`; the SDK would return another kind of object
        plain["stream"] = body["stream"]
    call = {key: value for key, value in body.items() if key not in plain}
    return {**call, name: [], "stream": True, "extra_body": plain}
