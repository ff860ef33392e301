"""What differs between the wire APIs: how to ask, and how to read what comes."""

from collections.abc import Mapping
from typing import Any, Protocol

import openai

from replyscope.domain.event import Event, FrameSkipped
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.frame_reader import NOT_JSON, EventData


class Translator(Protocol):
    """Turns the SDK's objects of one stream into domain events.

    `fault` is the error object or words that came inside the stream, None when none did.
    """

    fault: object | None

    @property
    def is_complete(self) -> bool:
        """Whether the server said that the reply is over."""
        ...

    @property
    def has_said_all(self) -> bool:
        """Whether nothing more is to come, whether or not the server says that it is over."""
        ...

    def translate(self, chunk: object) -> list[Event]:
        """The events of one object. What is not understood gives none."""
        ...

    def translate_data(self, data: object, event: str | None = None) -> list[Event]:
        """The events of one decoded frame, built the way the SDK builds them."""
        ...

    def finish(self) -> list[Event]:
        """What was held back until now: no more will come."""
        ...


def translate_said(translator: Translator, said: EventData) -> list[Event]:
    """What the data of one event meant; that it could not be read, when it could not."""
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


class Dialect(Protocol):
    """One wire API."""

    @property
    def api(self) -> Api:
        """Which one."""
        ...

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for the SDK's call. An adaptation is "drop" or a new name."""
        ...

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any]
    ) -> openai.AsyncStream[Any]:
        """Send, and wait for the head of the answer."""
        ...

    def translator(self, think_tags: ThinkTags) -> Translator:
        """A reader for one stream."""
        ...

    def translate_whole(self, data: Mapping[str, Any], think_tags: ThinkTags) -> list[Event] | None:
        """The events of an answer that was not streamed; None when it is no such answer."""
        ...


def past_the_sdks_types(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The same call with one argument given as plain JSON.

    The SDK walks through what it is given to rename what has other names on the wire,
    0.4 ms a message during which nothing else runs; ours has those names already.
    """
    if name not in body:
        return body
    return {**body, name: [], "extra_body": {name: body[name]}}
