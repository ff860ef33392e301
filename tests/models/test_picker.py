"""F2: the models of all providers in one list, while they load, with favourites first."""

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from replyscope.config.paths import find_paths
from replyscope.config.settings import read_settings
from replyscope.domain.endpoint import Endpoint, ModelInfo
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.local_models import LocalModel
from replyscope.domain.model_names import ModelName
from replyscope.domain.ports import PriceList
from replyscope.domain.rates import Rates
from replyscope.engine.model_choices import ModelChoices
from replyscope.engine.model_entries import KnownModels, list_entries
from replyscope.engine.model_lists import ModelList, ModelLists
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.model_picker import ModelPicker
from replyscope.ui.reading.compare_screen import CompareScreen
from tests.support.server import Answer, LoopbackServer, delta, error, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_type_ahead import write


class TwoModels:
    """Two installed embedded models; none of them can be started."""

    default_name = "runs"

    def list_models(self) -> tuple[LocalModel, ...]:
        return tuple(LocalModel(name, name, 1, "", "", "", is_installed=True) for name in NAMES)


class OnePrice:
    """A price list with one price."""

    async def rates(self, _provider: str, _url: str, models: Sequence[str]) -> dict[str, Rates]:
        return dict.fromkeys(models, Rates(1, 2))


NAMES = ("runs", "other")


def make_two(
    folder: Path, first: LoopbackServer, second: LoopbackServer, lines: str = "", **changes: Any
) -> ReplyscopeApp:
    """The app with two providers in its settings; the first is in use."""
    file = find_paths(str(folder)).settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'provider = "one"\n{lines}\n'
        f'[providers.one]\nbase_url = "{first.base_url}"\nmodel = "m1"\n'
        f'[providers.two]\nbase_url = "{second.base_url}"\n'
    )
    return make_app(folder, None, endpoint=read_settings(file).endpoints[0], **changes)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_model_of_another_provider_is_chosen_and_asked(
    server: LoopbackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    with LoopbackServer() as other:
        server.models = ["m1", "m2"]
        other.models_body = json.dumps({"data": [{"id": "x9", "context_length": 400_000}]})
        async with open_chat(make_two(tmp_path, server, other), size=size) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: "two · 400,000 tokens" in frame(pilot))
            assert "• m1" in frame(pilot)
            await pilot.press(*"two", "enter")
            await until(pilot, lambda: "x9 · two" in frame(pilot))
            await send(pilot, "hi")
            await until(pilot, lambda: is_idle(pilot) and bool(other.requests))
        assert other.requests[0]["model"] == "x9"
    assert server.requests == []
    settings = read_settings(find_paths(str(tmp_path)).settings)
    assert settings.provider == "two"
    assert [one.model for one in settings.endpoints] == ["m1", "x9"]


async def test_the_provider_of_the_environment_is_offered_beside_the_one_in_use(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    with LoopbackServer() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.base_url)
        other.models = ["of-the-environment"]
        async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: "of-the-environment" in frame(pilot), "its models")
            await pilot.press(*"of-the", "enter")
            await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the choice")
            await send(pilot, "hello")
            await until(pilot, lambda: bool(other.requests) and is_idle(pilot), "the reply")
            write(pilot, "/provider\r")
            await until(pilot, lambda: "Provider openai" in frame(pilot), "the list of providers")
    assert other.requests[0]["model"] == "of-the-environment"


async def test_a_list_that_fails_says_so_in_its_row_and_is_loaded_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        other.routes["GET", "/models"] = error(401, "boom")
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: "boom" in frame(pilot))
            assert "test-model" in frame(pilot)
            del other.routes["GET", "/models"]
            other.models = ["late"]
            await pilot.press(*"could", "enter")
            await until(pilot, lambda: "boom" not in frame(pilot))
            await pilot.press(*["backspace"] * 5)
            await until(pilot, lambda: "late" in frame(pilot))


async def test_a_slow_list_does_not_hold_up_the_others(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    with LoopbackServer() as other:
        body = json.dumps({"data": [{"id": "slow-one"}]}).encode()
        other.routes["GET", "/models"] = Answer(
            content_type="application/json", chunks=[gate, body]
        )
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: "loading…" in frame(pilot))
            assert "test-model" in frame(pilot)
            await pilot.press(*"slow", "enter")  # waits: the list may have it
            gate.set()
            await until(pilot, lambda: "slow-one · two" in frame(pilot))


async def test_the_picker_opens_while_the_provider_in_use_hangs(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    body = json.dumps({"data": [{"id": "late-one"}]}).encode()
    server.routes["GET", "/models"] = Answer(content_type="application/json", chunks=[gate, body])
    with LoopbackServer() as other:
        other.models = ["quick"]
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await pilot.press("f2")
            await until(pilot, lambda: "loading…" in frame(pilot) and "quick" in frame(pilot))
            gate.set()
            await until(pilot, lambda: "late-one" in frame(pilot))


async def test_a_huge_list_is_capped_and_its_rows_are_kept_while_typing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = [f"model-{n:05}" for n in range(10_000)]
    async with open_chat(make_two(tmp_path, server, server)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "10,000 models, 3,000 are listed." in frame(pilot))
        picker = pilot.app.screen
        assert isinstance(picker, ModelPicker)
        await pilot.press(*"model-09999")
        await until(pilot, lambda: "not listed: use this name" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "model-09999 · one" in frame(pilot))


def test_entries_of_providers_with_a_slash_have_their_own_keys() -> None:
    lists = [
        (Endpoint("a", "http://x"), ModelList((ModelInfo("b/c"),))),
        (Endpoint("a/b", "http://y"), ModelList((ModelInfo("c"),))),
    ]
    entries = list_entries(KnownModels(lists))
    assert len({entry.key for entry in entries}) == 2


async def test_a_list_that_loads_keeps_prices_that_arrive_meanwhile(
    server: LoopbackServer,
) -> None:
    gate, endpoint = asyncio.Event(), Endpoint("one", server.base_url)

    class Slow:
        async def list_models(self) -> tuple[ModelInfo, ...]:
            await gate.wait()
            return (ModelInfo("m"),)

    async def open_slow(_endpoint: Endpoint) -> Any:
        return Slow()

    lists = ModelLists(open_slow, cast(PriceList, OnePrice()))
    loading = asyncio.create_task(lists.load(endpoint))
    await asyncio.sleep(0)
    await lists._price(endpoint, ["m"])
    gate.set()
    await loading
    assert lists.of(endpoint).rates == {"m": Rates(1, 2)}


async def test_favourites_recent_models_and_aliases_come_first(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        server.models = ["a", "b", "c", "d"]
        lines = '[models]\nfast = "two/test-model"'
        async with open_chat(make_two(tmp_path, server, other, lines)) as pilot:
            await send(pilot, "/model d")
            await until(pilot, lambda: "d · one" in frame(pilot))
            await send(pilot, "hi")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            await pilot.press("f2", *"one", "down", "down")
            await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker))
            await pilot.press("ctrl+f")
            await until(pilot, lambda: "★ b" in frame(pilot))
            await pilot.press("ctrl+u", *"test-model")
            picker = pilot.app.screen
            assert isinstance(picker, ModelPicker)
            await until(pilot, lambda: "= test-model · two" in frame(pilot))
            titles = [row.title for row in picker.rows()]
            assert titles[:5] == ["b", "d", "fast", "a", "c"]
            await pilot.press("enter")
            await until(pilot, lambda: "test-model · two" in frame(pilot))
            await pilot.press("f2", "b", "ctrl+f")
            await until(pilot, lambda: "★" not in frame(pilot))
    assert read_settings(find_paths(str(tmp_path)).settings).favourites == ()


async def test_favourites_of_a_private_session_are_never_written(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["a", "b"]
    async with open_chat(make_two(tmp_path, server, server)) as pilot:
        opened = chat_of(pilot).desk.conversation
        await send(pilot, "/private")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
        await pilot.press("f2", "a", "ctrl+f")
        await until(pilot, lambda: "★ a" in frame(pilot))
        await pilot.press("escape")
        chat_of(pilot).panes.show_conversation(opened)
        await pilot.press("f2", "b", "ctrl+f")
        await until(pilot, lambda: "★ b" in frame(pilot))
    assert read_settings(find_paths(str(tmp_path)).settings).favourites == ("one/b",)


async def test_a_favourite_without_a_provider_is_of_the_one_in_use(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["a", "b"]
    lines = 'favourites = ["b"]'
    async with open_chat(make_two(tmp_path, server, server, lines)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "★ b" in frame(pilot))
        await pilot.press("b", "ctrl+f")
        await until(pilot, lambda: "★" not in frame(pilot))
    assert read_settings(find_paths(str(tmp_path)).settings).favourites == ()


async def test_a_retry_offers_only_the_embedded_model_that_runs(
    server: LoopbackServer, tmp_path: Path
) -> None:
    running = Endpoint("local", server.base_url, model="runs")
    app = make_two(tmp_path, server, server, local=TwoModels())
    async with open_chat(app) as pilot:
        desk = chat_of(pilot).desk
        desk.targets.use(desk.conversation, running)
        choices = ModelChoices(desk.targets, desk.services)
        names = [one.name for one in choices.known(is_retry=True).embedded]
        assert names == ["runs"]
        assert [one.name for one in choices.known().embedded] == ["runs", "other"]
        target = await desk.targets.target_for(desk.conversation)
        assert target is not None
        with pytest.raises(ReplyscopeError, match="other does not run"):
            await desk.targets.named_target(target, ModelName("other", "local"))
        again = await desk.targets.named_target(target, ModelName("runs", "local"))
        assert again.model == "runs"


async def test_an_alias_is_used_by_its_name(server: LoopbackServer, tmp_path: Path) -> None:
    with LoopbackServer() as other:
        lines = '[models]\nfast = "two/mini"\n"mini*" = { temperature = 0.2 }'
        async with open_chat(make_two(tmp_path, server, other, lines)) as pilot:
            await send(pilot, "one")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            await send(pilot, "/retry fast")
            await until(pilot, lambda: is_idle(pilot) and bool(other.requests))
            assert chat_of(pilot).desk.targets.endpoint.name == "one"  # type: ignore[union-attr]
            await send(pilot, "/model fast")
            await until(pilot, lambda: "mini · two" in frame(pilot))
            await pilot.press("f8")
            await until(pilot, lambda: "0.2 · models mini*" in frame(pilot))
        assert (other.requests[0]["model"], other.requests[0]["temperature"]) == ("mini", 0.2)


async def test_models_of_several_providers_are_compared(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        lines = '[models]\nfast = "two/mini"'
        async with open_chat(make_two(tmp_path, server, other, lines)) as pilot:
            await send(pilot, "one")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            await send(pilot, "/compare fast two/large plain")
            await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        assert {request["model"] for request in other.requests} == {"mini", "large"}
        assert server.requests[-1]["model"] == "plain"


async def test_compared_models_answer_at_once_and_each_is_seen_while_it_streams(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    with LoopbackServer() as other:

        def answer(request: dict[str, Any]) -> Answer:
            model = request["model"]
            ending = sse(delta(" to the end"), delta(finish="stop"))
            return Answer(chunks=[*sse(delta(f"{model} speaks"), done=False), gate, *ending])

        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "one")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            server.answer = other.answer = answer
            await send(pilot, "/compare two/large plain")
            await until(pilot, lambda: "large speaks" in frame(pilot))
            await pilot.press("tab", "right_square_bracket")
            await until(pilot, lambda: "plain speaks" in frame(pilot))
            assert len(chat_of(pilot).desk.conversation.lives) == 2
            gate.set()
            await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
            assert "plain speaks to the end" in frame(pilot)
            assert "large speaks to the end" in frame(pilot)


async def test_a_name_that_no_list_has_is_a_model_of_the_provider_in_use(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_two(tmp_path, server, server)) as pilot:
        await pilot.press("f2", *"odd/Name")
        await until(pilot, lambda: "not listed: use this name" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "odd/Name · one" in frame(pilot))


async def test_a_name_that_is_only_the_beginning_of_a_listed_one_can_be_used(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = ["m1", "new-model-large"]
    async with open_chat(make_two(tmp_path, server, server)) as pilot:
        await pilot.press("f2", *"new-model")
        await until(pilot, lambda: "not listed: use this name" in frame(pilot))
        await pilot.press(*"-large")
        await until(pilot, lambda: "not listed" not in frame(pilot))
        await pilot.press(*["backspace"] * 6)
        await until(pilot, lambda: "not listed: use this name" in frame(pilot))
        assert "new-model-large" in frame(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: "new-model · one" in frame(pilot))


async def test_many_matches_do_not_hide_the_row_of_the_typed_name(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models = [f"model-{n:05}" for n in range(2_000)]
    async with open_chat(make_two(tmp_path, server, server)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "model-00001" in frame(pilot))
        await pilot.press(*"model", "end")
        await until(pilot, lambda: "not listed: use this name" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "model · one" in frame(pilot))
