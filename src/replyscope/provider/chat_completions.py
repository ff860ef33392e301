"""The Chat Completions API, `/v1/chat/completions`."""

from collections.abc import Mapping
from typing import Any

import openai

from replyscope.domain.event import Event, ExtraReported, Identified
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.chat_events import ChatTranslator, translate_completion
from replyscope.provider.chat_request import chat_body
from replyscope.provider.dialect import past_the_sdks_types
from replyscope.provider.given import FIELDS
from replyscope.provider.stream_errors import find_error


class ChatCompletions:
    """The Chat Completions API. Implements Dialect."""

    api = Api.CHAT

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for `chat.completions.create`."""
        return chat_body(request, base_url, adaptations)

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any], headers: Mapping[str, str]
    ) -> openai.AsyncStream[Any]:
        """Send the request and wait for the response headers."""
        call = past_the_sdks_types(body, "messages", FIELDS[self.api])
        stream: openai.AsyncStream[Any] = await client.chat.completions.create(
            **call, extra_headers=headers
        )
        return stream

    def translator(self, think_tags: ThinkTags) -> ChatTranslator:
        """A new translator for one stream."""
        return ChatTranslator(think_tags)

    def translate_whole(self, data: Mapping[str, Any], think_tags: ThinkTags) -> list[Event] | None:
        """The events of a completion that was not streamed."""
        if not isinstance(data.get("choices"), list) or find_error(data) is not None:
            return None
        events = translate_completion(data, think_tags)
        says_something = any(not isinstance(event, Identified | ExtraReported) for event in events)
        return events if says_something else None
