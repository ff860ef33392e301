"""The Responses API, `/v1/responses`."""

import json
from collections.abc import Mapping
from typing import Any

import openai

from replyscope.domain.event import Event
from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest, Resumption
from replyscope.domain.sse import parse_frame
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.compaction import compacted, compaction_body, open_compaction
from replyscope.provider.dialect import past_the_sdks_types
from replyscope.provider.given import FIELDS
from replyscope.provider.response_events import ResponseTranslator, translate_response
from replyscope.provider.response_request import response_body


def _resumption(resumes: Resumption) -> dict[str, Any]:
    """Keyword arguments that request the events after the last recorded one."""
    body: dict[str, Any] = {"response_id": resumes.response_id, "stream": True}
    for frame in reversed(resumes.frames):
        parsed = parse_frame(frame.text)
        try:
            number = json.loads(parsed[1]).get("sequence_number") if parsed else None
        except (ValueError, AttributeError):
            continue
        if isinstance(number, int):
            return {**body, "starting_after": number}
    return body


class Responses:
    """The Responses API. Implements Dialect."""

    api = Api.RESPONSES

    def body(
        self, request: ModelRequest, base_url: str, adaptations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Keyword arguments for `responses.create`, or for `retrieve` to resume a response."""
        if request.resumes is not None:
            return _resumption(request.resumes)
        body = response_body(request, adaptations)
        return compaction_body(body) if request.compacts else body

    async def open(
        self, client: openai.AsyncOpenAI, body: dict[str, Any], headers: Mapping[str, str]
    ) -> openai.AsyncStream[Any]:
        """Send the request and wait for the response headers."""
        if "stream" not in body:
            return await open_compaction(client, body, headers)
        call = client.responses.retrieve if "response_id" in body else client.responses.create
        arguments = past_the_sdks_types(body, "input", FIELDS[self.api])
        stream: openai.AsyncStream[Any] = await call(**arguments, extra_headers=headers)
        return stream

    def translator(self, think_tags: ThinkTags) -> ResponseTranslator:
        """A new translator for one stream."""
        return ResponseTranslator(think_tags)

    def translate_whole(self, data: Mapping[str, Any], think_tags: ThinkTags) -> list[Event] | None:
        """The events of a response that was not streamed."""
        is_response = data.get("object") == "response" or isinstance(data.get("output"), list)
        if data.get("object") == "response.compaction":
            data = compacted(data)
        return translate_response(data, think_tags) if is_response else None
