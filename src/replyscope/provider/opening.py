"""Opens the provider that an endpoint's API asks for, and replays recorded frames."""

from collections.abc import Iterable, Iterator

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.failure import Failure
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.dialect import Dialect, translate_frame
from replyscope.provider.openai_provider import OpenAIProvider, Recall, Remember
from replyscope.provider.responses import Responses


def open_provider(
    endpoint: Endpoint, key: str | None, clock: Clock, recall: Recall, remember: Remember
) -> ModelProvider:
    """A provider for the endpoint. Raises ProviderError when its settings can't work."""
    try:
        return OpenAIProvider(_dialect_of(endpoint.api), endpoint, key, clock, recall, remember)
    except (OSError, ValueError) as error:
        failure = Failure(
            "settings",
            f"The provider {endpoint.name} can't be set up ({error}).",
            "Check its proxy, ca_bundle and base_url in the settings.",
        )
        raise ProviderError(failure) from error


def translate_frames(api: Api, frames: Iterable[WireFrame]) -> Iterator[Event]:
    """The events of recorded frames, each frame before what it meant."""
    translator = _dialect_of(api).translator()
    for frame in frames:
        yield frame
        yield from translate_frame(translator, frame.text)


def _dialect_of(api: Api) -> Dialect:
    return Responses() if api is Api.RESPONSES else ChatCompletions()
