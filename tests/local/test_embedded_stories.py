"""Five stories against the embedded engine: real tokens over both APIs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.domain.tool import ToolSettings
from replyscope.engine.archive import Archive
from replyscope.engine.consent import Consent, say_yes
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.tool_runner import Tooling
from replyscope.inspection.findings import find_oddities
from replyscope.local.catalogue import DEFAULT, LIGHT, find_weights, weights_path
from replyscope.local.models import EmbeddedModels
from replyscope.provider.opening import open_provider
from replyscope.store.sqlite_store import SqliteStore
from replyscope.toolbox.toolbox import LocalToolbox
from tests.engine.test_conversation import Ids
from tests.support.build import Memory
from tests.support.suite import sample
from tests.support.weights import CACHE, place_weights

pytestmark = pytest.mark.installs


@asynccontextmanager
async def embedded(
    weights: Path, folder: Path, clock: Clock, api: Api, name: str = LIGHT
) -> AsyncIterator[Target]:
    place_weights(folder, weights, name)
    keys: dict[str, str] = {}
    memory = Memory()
    models = EmbeddedModels(folder, keys.__setitem__)
    endpoint = replace(await models.start(name), api=api, max_retries=0)
    provider = open_provider(endpoint, keys["local"], clock, memory.recall, memory.remember)
    try:
        yield Target(endpoint, provider, name)
    finally:
        await provider.aclose()
        await models.stop()


async def say(conversation: Conversation, target: Target, text: str) -> None:
    await conversation.send((TextPart(text),), target)


@pytest.mark.parametrize("api", sample(Api, 1))
async def test_a_conversation_goes_on_and_a_cut_reply_is_told(
    cached_weights: Path, tmp_path: Path, clock: Clock, store: SqliteStore, api: Api
) -> None:
    parameters = Parameters(max_tokens=8, temperature=0.0)
    conversation = Archive(store, clock, Ids()).new(SessionSettings(parameters=parameters))
    async with embedded(cached_weights, tmp_path, clock, api) as target:
        await say(conversation, target, "Tell me a long story about a river.")
        await say(conversation, target, "Go on with it, please.")
    first, second = conversation.exchanges.values()
    assert first.state is second.state is ExchangeState.COMPLETED
    assert second.usage is not None
    assert first.usage is not None
    assert (second.usage.input_tokens or 0) > (first.usage.input_tokens or 0)
    if api is Api.CHAT:
        assert first.choice(0).finish_reason is FinishReason.LENGTH
    else:  # this server calls it complete; the finding knows better
        assert any("stopped at the limit of 8" in f for f in find_oddities(first))


async def test_choices_are_siblings_and_their_usage_is_doubted(
    cached_weights: Path, tmp_path: Path, clock: Clock, store: SqliteStore
) -> None:
    parameters = Parameters(max_tokens=8, n=2)
    conversation = Archive(store, clock, Ids()).new(SessionSettings(parameters=parameters))
    async with embedded(cached_weights, tmp_path, clock, Api.CHAT) as target:
        await say(conversation, target, "Write one long sentence about the sea.")
    (exchange,) = conversation.exchanges.values()
    assert len(exchange.choices) == 2
    assert len(conversation.tree.siblings(conversation.messages[-1])) == 2
    if all(c.finish_reason is FinishReason.LENGTH for c in exchange.choices):
        assert any("one of the 2 choices" in f for f in find_oddities(exchange))


async def test_choices_on_responses_are_exchanges_side_by_side(
    cached_weights: Path, tmp_path: Path, clock: Clock, store: SqliteStore
) -> None:
    parameters = Parameters(max_tokens=8, n=2)
    conversation = Archive(store, clock, Ids()).new(SessionSettings(parameters=parameters))
    async with embedded(cached_weights, tmp_path, clock, Api.RESPONSES) as target:
        await say(conversation, target, "Say something.")
    assert len(conversation.turn) == 2
    assert all(e.choice(0).text for e in conversation.exchanges.values())


async def test_a_schema_shapes_the_reply(
    cached_weights: Path, tmp_path: Path, clock: Clock, store: SqliteStore
) -> None:
    schema = Schema(
        "colour",
        '{"type":"object","properties":{"colour":{"enum":["red","blue"]}},"required":["colour"]}',
    )
    settings = SessionSettings(parameters=Parameters(max_tokens=60), schema=schema)
    conversation = Archive(store, clock, Ids()).new(settings)
    async with embedded(cached_weights, tmp_path, clock, Api.CHAT) as target:
        await say(conversation, target, "A colour, as JSON.")
    (exchange,) = conversation.exchanges.values()
    assert '"colour"' in exchange.choice(0).text
    odd = [f for f in find_oddities(exchange) if not f.startswith("non-standard")]
    assert odd == []


@pytest.fixture
def large_weights() -> Path:
    """The proposed model's weights. Too large to download for a test: used where they are."""
    folders = (CACHE, Path(platformdirs.user_data_dir("replyscope")) / "models")
    for folder in folders:
        path = weights_path(folder, find_weights(DEFAULT))
        if path.exists():
            return path
    pytest.skip(f"{DEFAULT} is not installed")


@pytest.mark.parametrize("api", [Api.RESPONSES, pytest.param(Api.CHAT, marks=pytest.mark.whole)])
async def test_a_real_model_calls_a_tool_and_tells_its_result(
    large_weights: Path, tmp_path: Path, clock: Clock, store: SqliteStore, api: Api
) -> None:
    settings = ToolSettings(enabled=("calculate", "current_time"))
    box = LocalToolbox([], tmp_path, tmp_path / "kept", lambda: settings)
    tooling = Tooling(box, Consent(lambda: (), say_yes), lambda: settings)
    parameters = Parameters(max_tokens=200, temperature=0.0)
    archive = Archive(store, clock, Ids(), tooling=tooling)
    conversation = archive.new(SessionSettings(parameters=parameters))
    async with embedded(large_weights, tmp_path, clock, api, DEFAULT) as target:
        await say(conversation, target, "What is 1234 * 5678? Use a tool.")
    first, second = conversation.exchanges.values()
    assert first.choice(0).finish_reason is FinishReason.TOOL_CALLS
    (call,) = first.choice(0).tool_calls
    assert call.name == "calculate"
    assert second.choice(0).finish_reason is FinishReason.STOP
    assert "7006652" in second.choice(0).text.replace(",", "")
