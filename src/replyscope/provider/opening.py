"""Creates the provider for an endpoint, and translates recorded frames."""

from collections.abc import Iterable, Iterator
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.failure import Failure
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.proxies import RouteFault
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.dialect import Dialect, Reading, translate_said
from replyscope.provider.frame_reader import FrameReader
from replyscope.provider.messages_api import MessagesApi
from replyscope.provider.openai_provider import OpenAIProvider, Recall, Remember
from replyscope.provider.responses import Responses


def open_provider(
    endpoint: Endpoint, key: str | None, clock: Clock, recall: Recall, remember: Remember
) -> ModelProvider:
    """A provider for the endpoint. Raises ProviderError when its settings are invalid."""
    try:
        return OpenAIProvider(_sending(endpoint.api), endpoint, key, clock, recall, remember)
    except RouteFault as fault:
        is_setting = fault.source.startswith("The ")
        where = "in the settings" if is_setting else f"or unset {fault.source}"
        raise ProviderError(Failure("settings", str(fault), f"Correct it {where}.")) from fault
    except (OSError, ValueError) as error:
        failure = Failure(
            "settings",
            f"Could not set up the provider {endpoint.name} ({error}).",
            "Check its proxy, ca_bundle and base_url in the settings.",
        )
        raise ProviderError(failure) from error


def prepare(api: Api) -> None:
    """Load the SDK's models for a stream. Blocks for half a second, so call it in a thread.

    Otherwise the first event of a stream loads them and blocks the event loop. Chat
    Completions needs no preparation.
    """
    if api is Api.RESPONSES:
        translator = Responses().translator(ThinkTags.AUTO)
        for data in _FIRST_EVENTS:
            translator.translate_data(data)


_PART = {"type": "output_text", "text": "", "annotations": []}
_FIRST_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": {"output": []}},
    {"type": "response.output_item.added", "item": {"type": "message", "content": []}},
    {"type": "response.output_text.delta", "delta": ""},
    {
        "type": "response.completed",
        "response": {"output": [{"type": "message", "content": [_PART]}], "usage": {}},
    },
)


def translate_frames(
    api: Api, frames: Iterable[WireFrame], think_tags: ThinkTags = ThinkTags.AUTO
) -> Iterator[Event]:
    """The events of recorded frames, each frame before its events."""
    dialect = reading(api)
    translator = dialect.translator(think_tags)
    reader = FrameReader()
    body: list[str] = []
    for frame in frames:
        yield frame
        for said in reader.read(frame.text):
            yield from translate_said(translator, said)
        if not reader.has_data:
            body.append(frame.text)
    if body and not reader.has_data:
        yield from _whole(dialect, "".join(body), think_tags)
    yield from translator.finish()


def _whole(dialect: Reading, text: str, think_tags: ThinkTags) -> list[Event]:
    """The events of a response without a stream; empty when it is not a reply."""
    try:
        data = read_bounded_json(text)
        events = dialect.translate_whole(data, think_tags) if isinstance(data, dict) else None
    except Exception:  # noqa: BLE001 - not a response of this API, as in the live exchange
        return []
    return events or []


def _sending(api: Api) -> Dialect:
    if api not in SENDABLE:
        raise ProviderError(
            Failure(
                "settings",
                "replyscope reads recorded replies of the Messages API, but sends no requests "
                "over it.",
                "Choose an OpenAI-compatible provider with /provider or --base-url.",
            )
        )
    return Responses() if api is Api.RESPONSES else ChatCompletions()


def reading(api: Api) -> Reading:
    """The reader of an API's responses."""
    return MessagesApi() if api is Api.MESSAGES else _sending(api)
