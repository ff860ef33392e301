"""Fetches, cancels, changes and deletes the replies that are stored on a server."""

import json
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import openai

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import Event, StreamEnded
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.json_text import dump_json, read_bounded_json
from replyscope.domain.mask import Mask
from replyscope.domain.message import ImagePart, OpaquePart, Part, Role, TextPart, ToolResultPart
from replyscope.domain.remote import FetchedInput, FetchedReply
from replyscope.domain.sse import Flood
from replyscope.provider.chat_events import translate_completion
from replyscope.provider.errors import ErrorTranslator
from replyscope.provider.plain import mapping_of, text_of
from replyscope.provider.response_events import translate_response

T = TypeVar("T")
_MOST_ITEMS = 10_000
_ROLES = {"user": Role.USER, "system": Role.SYSTEM, "developer": Role.SYSTEM, "tool": Role.TOOL}


class OpenAIStoredReplies:
    """The replies stored on a server. Implements StoredReplies; methods raise ProviderError."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: Callable[[], openai.AsyncOpenAI],
        errors: ErrorTranslator,
        mask: Mask,
    ) -> None:
        self._endpoint = endpoint
        self._client = client
        self._errors = errors
        self._mask = mask

    async def fetch(self, response_id: str) -> FetchedReply:
        """A reply and the messages of its request."""
        if _is_chat(response_id):
            return await self._guard(response_id, self._fetch_chat(response_id))
        return await self._guard(response_id, self._fetch_response(response_id))

    async def cancel(self, response_id: str) -> str:
        """Cancel a reply that the server still generates. Returns its new status."""
        answer = await self._guard(response_id, self._client().responses.cancel(response_id))
        return str(answer.status or "unknown")

    async def delete(self, response_id: str) -> None:
        """Delete a reply on the server."""
        client = self._client()
        job: Awaitable[Any] = (
            client.chat.completions.delete(response_id)
            if _is_chat(response_id)
            else client.responses.delete(response_id)
        )
        await self._guard(response_id, job)

    async def set_metadata(self, response_id: str, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of a stored completion. The Responses API has no such request."""
        job = self._client().chat.completions.update(response_id, metadata=dict(metadata))
        await self._guard(response_id, job)

    async def _guard(self, response_id: str, job: Awaitable[T]) -> T:
        try:
            return await job
        except ProviderError:
            raise
        except Exception as error:
            raise ProviderError(self._errors.of_stored(error, response_id)) from error

    async def _fetch_response(self, response_id: str) -> FetchedReply:
        client = self._client()
        raw = await client.responses.with_raw_response.retrieve(response_id)
        data = read_bounded_json(self._mask.body(raw.content))
        listed = client.responses.input_items.list(response_id, limit=100, order="asc")
        inputs = [_input_of(item) for item in self._masked(await _plain_items(listed))]
        exchange = self._exchange(Api.RESPONSES, data, translate_response(data), "created_at")
        return FetchedReply(exchange, tuple(i for i in inputs if i is not None))

    async def _fetch_chat(self, completion_id: str) -> FetchedReply:
        client = self._client()
        raw = await client.chat.completions.with_raw_response.retrieve(completion_id)
        data = read_bounded_json(self._mask.body(raw.content))
        listed = client.chat.completions.messages.list(completion_id, limit=100)
        inputs = [_input_of(message) for message in self._masked(await _plain_items(listed))]
        exchange = self._exchange(Api.CHAT, data, translate_completion(data), "created")
        return FetchedReply(exchange, tuple(i for i in inputs if i is not None))

    def _masked(self, items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        masked: list[Mapping[str, Any]] = json.loads(self._mask.text(json.dumps(items)))
        return masked

    def _exchange(
        self, api: Api, data: Mapping[str, Any], events: list[Event], time_field: str
    ) -> Exchange:
        created = data.get(time_field)
        opening = Exchange(
            id="",
            api=api,
            endpoint=self._endpoint.name,
            base_url=self._endpoint.public_url,
            model=text_of(data.get("model")) or "",
            started_at=datetime.fromtimestamp(float(created or 0), UTC),
        )
        return fold_events(opening, [*events, StreamEnded(StreamEnd.DONE, 0.0)])


async def _plain_items(items: AsyncIterable[Any]) -> list[Mapping[str, Any]]:
    """The items of all pages.

    Some servers never mark the last page, so a repeated id ends the list as well.
    """
    found: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    async for item in items:
        plain = item.to_dict(mode="json", warnings=False) if hasattr(item, "to_dict") else item
        if not isinstance(plain, Mapping):
            continue
        item_id = text_of(plain.get("id"))
        if item_id is not None and item_id in seen:
            break
        seen.add(item_id or "")
        found.append(plain)
        if len(found) >= _MOST_ITEMS:
            raise Flood(f"more than {_MOST_ITEMS:,} items for one reply")
    return found


def _is_chat(response_id: str) -> bool:
    return response_id.startswith("chatcmpl")


def _input_of(item: Mapping[str, Any]) -> FetchedInput | None:
    """An input item as a message; None for an assistant message, which an earlier reply has."""
    kind, item_id = text_of(item.get("type")) or "message", text_of(item.get("id"))
    if kind.endswith("_output"):
        output = item.get("output")
        text = output if isinstance(output, str) else dump_json(output)
        return FetchedInput(
            Role.TOOL, (ToolResultPart(text_of(item.get("call_id")) or "", text),), item_id
        )
    role = _ROLES.get(text_of(item.get("role")) or "")
    if kind != "message" or role is None:
        return None
    content = item.get("content")
    if isinstance(content, str):
        return FetchedInput(role, (TextPart(content),), item_id)
    parts = [_part_of(part) for part in content or () if isinstance(part, Mapping)]
    return FetchedInput(role, tuple(parts), item_id)


def _part_of(part: Mapping[str, Any]) -> Part:
    text = part.get("text")
    if isinstance(text, str):
        return TextPart(text)
    url = part.get("image_url") or mapping_of(part.get("image_url")).get("url")
    if isinstance(url, str) and url.startswith("data:"):
        return ImagePart("image", url[5:].partition(";")[0], b"")
    return OpaquePart(text_of(part.get("type")) or "part", dump_json(part))
