"""Opens the provider that an endpoint's API asks for, and replays recorded frames."""

from collections.abc import Iterable, Iterator
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.failure import Failure
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.sse import parse_frame
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.dialect import Dialect, translate_frame
from replyscope.provider.openai_provider import OpenAIProvider, Recall, Remember
from replyscope.provider.proxies import WayFault
from replyscope.provider.responses import Responses


def open_provider(
    endpoint: Endpoint, key: str | None, clock: Clock, recall: Recall, remember: Remember
) -> ModelProvider:
    """A provider for the endpoint. Raises ProviderError when its settings can't work."""
    try:
        return OpenAIProvider(_dialect_of(endpoint.api), endpoint, key, clock, recall, remember)
    except WayFault as fault:
        is_setting = fault.source.startswith("The ")
        where = "in the settings" if is_setting else f"or unset {fault.source}"
        raise ProviderError(Failure("settings", str(fault), f"Correct it {where}.")) from fault
    except (OSError, ValueError) as error:
        failure = Failure(
            "settings",
            f"The provider {endpoint.name} can't be set up ({error}).",
            "Check its proxy, ca_bundle and base_url in the settings.",
        )
        raise ProviderError(failure) from error


def prepare(api: Api) -> None:
    """Have the SDK build what it would build at the first event. Blocks half a second.

    On the event loop that would be half a second in which no key is heard and no frame
    saved. Chat Completions needs next to nothing.
    """
    if api is Api.RESPONSES:
        translator = Responses().translator()
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


def translate_frames(api: Api, frames: Iterable[WireFrame]) -> Iterator[Event]:
    """The events of recorded frames, each frame before what it meant."""
    dialect = _dialect_of(api)
    translator = dialect.translator()
    body: list[str] | None = []
    for frame in frames:
        yield frame
        if body is not None and parse_frame(frame.text) is None:
            body.append(frame.text)
        else:
            body = None
        yield from translate_frame(translator, frame.text)
    if body:
        yield from _whole(dialect, "".join(body))


def _whole(dialect: Dialect, text: str) -> list[Event]:
    """The events of an answer that was no stream; none when it was no reply either."""
    try:
        data = read_bounded_json(text)
        events = dialect.translate_whole(data) if isinstance(data, dict) else None
    except Exception:  # noqa: BLE001 - it is no answer of this API, as when it came
        return []
    return events or []


def _dialect_of(api: Api) -> Dialect:
    return Responses() if api is Api.RESPONSES else ChatCompletions()
