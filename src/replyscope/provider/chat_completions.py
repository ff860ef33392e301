"""The dialect of `/v1/chat/completions`."""

from collections.abc import Mapping
from typing import Any

import openai

from replyscope.domain.event import Event
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest
from replyscope.provider.chat_events import ChatTranslator, translate_completion
from replyscope.provider.chat_request import chat_body
from replyscope.provider.dialect import past_the_sdks_types


class ChatCompletions:
    """Implements Dialect."""

    api = Api.CHAT

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for `chat.completions.create`."""
        return chat_body(request, base_url, adaptations)

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any]
    ) -> openai.AsyncStream[Any]:
        """Send, and wait for the head of the answer."""
        call = past_the_sdks_types(body, "messages")
        stream: openai.AsyncStream[Any] = await client.chat.completions.create(**call)
        return stream

    def translator(self) -> ChatTranslator:
        """A reader for one stream."""
        return ChatTranslator()

    def translate_whole(self, data: Mapping[str, Any]) -> list[Event] | None:
        """The events of a completion that was not streamed."""
        return translate_completion(data) if isinstance(data.get("choices"), list) else None
