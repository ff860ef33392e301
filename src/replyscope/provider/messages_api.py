"""The Messages API of Anthropic, `/v1/messages`: responses are read, requests are never sent."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.event import Event
from replyscope.domain.exchange import Api
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.messages_events import MessagesTranslator, translate_message


class MessagesApi:
    """The Messages API. Implements Reading."""

    api = Api.MESSAGES

    def translator(self, think_tags: ThinkTags) -> MessagesTranslator:
        """A new translator for one stream. Its thinking is in blocks, never in tags."""
        return MessagesTranslator()

    def translate_whole(
        self,
        data: Mapping[str, Any],
        think_tags: ThinkTags,
    ) -> list[Event] | None:
        """The events of a message that was not streamed."""
        is_message = data.get("type") == "message" and isinstance(data.get("content"), list)
        return translate_message(data) if is_message else None
