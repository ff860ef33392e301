"""Compaction at the server: `POST /responses/compact`.

The response is not streamed. It lists the messages of the person, then one encrypted item for
the replies; later requests send the whole list.
"""

from collections.abc import Mapping
from typing import Any

import openai
from openai.types.responses import Response, ResponseStreamEvent

_FIELDS = frozenset(
    ("image", "input", "instructions", "model", "previous_response_id", "prompt_cache_key",
     "prompt_cache_options", "prompt_cache_retention", "service_tier")
)  # fmt: skip
"""The fields of a Responses request that a compaction accepts."""


def compaction_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a compaction, from the body of a request for an answer."""
    return {name: value for name, value in body.items() if name in _FIELDS}


async def open_compaction(
    client: openai.AsyncOpenAI, body: dict[str, Any], headers: Mapping[str, str]
) -> openai.AsyncStream[Any]:
    """Send the request, and wait for the response headers.

    The body is read as a stream, like that of every exchange: `responses.compact` would read it
    past the bounds and the masks of the program.
    """
    return await client.post(
        "/responses/compact",
        cast_to=Response,
        body=body,
        options={"headers": dict(headers)},
        stream=True,
        stream_cls=openai.AsyncStream[ResponseStreamEvent],
    )


def compacted(data: Mapping[str, Any]) -> dict[str, Any]:
    """The response as a complete one, whose id does not name a reply to continue."""
    kept = {name: value for name, value in data.items() if name not in ("id", "object")}
    return {**kept, "object": "response", "status": "completed"}
