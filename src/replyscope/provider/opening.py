"""Opens the provider that an endpoint's API asks for, and replays recorded frames."""

from collections.abc import Iterable

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.failure import Failure
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.chat_events import translate_frames as translate_chat
from replyscope.provider.openai_provider import OpenAIProvider, Recall, Remember
from replyscope.provider.response_events import translate_response_frames
from replyscope.provider.responses import Responses


def open_provider(
    endpoint: Endpoint, key: str | None, clock: Clock, recall: Recall, remember: Remember
) -> ModelProvider:
    """A provider for the endpoint. Raises ProviderError when its settings can't work."""
    try:
        dialect = Responses() if endpoint.api is Api.RESPONSES else ChatCompletions()
        return OpenAIProvider(dialect, endpoint, key, clock, recall, remember)
    except (OSError, ValueError) as error:
        failure = Failure(
            "settings",
            f"The provider {endpoint.name} can't be set up ({error}).",
            "Check its proxy, ca_bundle and base_url in the settings.",
        )
        raise ProviderError(failure) from error


def translate_frames(api: Api, frames: Iterable[WireFrame]) -> Iterable[Event]:
    """What recorded frames meant."""
    return translate_chat(frames) if api is Api.CHAT else translate_response_frames(frames)
