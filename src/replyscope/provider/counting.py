"""Counts the input tokens of a request at the server: `POST /responses/input_tokens`."""

from collections.abc import Mapping
from typing import Any

import openai

from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.mask import Mask
from replyscope.domain.request import ModelRequest
from replyscope.provider.response_request import response_body
from replyscope.provider.sendable import sendable

_COUNTED = frozenset(
    ("conversation", "input", "instructions", "model", "parallel_tool_calls",
     "previous_response_id", "reasoning", "text", "tool_choice", "tools", "truncation")
)  # fmt: skip
"""The fields of a Responses request that the count accepts."""


async def count_input(
    client: openai.AsyncOpenAI, request: ModelRequest, known: Mapping[str, str], mask: Mask
) -> int:
    """The input tokens of a request, as the server counts them. The reply is not requested.

    The request is counted in the format of the Responses API, which is the only one that can
    be counted. Raises errors of the SDK, and ValueError for a response without a count.
    """
    body = sendable(response_body(request, known))
    counted: dict[str, Any] = {name: body[name] for name in body if name in _COUNTED}
    # As plain JSON: the SDK would walk through all items to rename keys.
    raw = await client.responses.input_tokens.with_raw_response.count(extra_body=counted)
    data = read_bounded_json(mask.body(raw.content))
    tokens = data.get("input_tokens") if isinstance(data, dict) else None
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise ValueError("no count")
    return tokens
