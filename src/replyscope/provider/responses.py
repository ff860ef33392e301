"""The dialect of `/v1/responses`."""

from collections.abc import Mapping
from typing import Any

import openai

from replyscope.domain.event import Event
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest
from replyscope.provider.response_events import ResponseTranslator, translate_response
from replyscope.provider.response_request import response_body


class Responses:
    """Implements Dialect."""

    api = Api.RESPONSES

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for `responses.create`."""
        return response_body(request, adaptations)

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any]
    ) -> openai.AsyncStream[Any]:
        """Send, and wait for the head of the answer."""
        stream: openai.AsyncStream[Any] = await client.responses.create(**body)
        return stream

    def translator(self) -> ResponseTranslator:
        """A reader for one stream."""
        return ResponseTranslator()

    def translate_whole(self, data: Mapping[str, Any]) -> list[Event] | None:
        """The events of a response that was not streamed."""
        is_response = data.get("object") == "response" or isinstance(data.get("output"), list)
        return translate_response(data) if is_response else None
