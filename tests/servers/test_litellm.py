"""The LiteLLM proxy: its mock replies, and its bridges from one API to another."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api
from tests.servers.conversation import Manner, hold_conversation
from tests.servers.person import Person
from tests.support import litellm
from tests.support.suite import Suite

pytestmark = [pytest.mark.installs, pytest.mark.whole]
_MOCKED = {"model": "openai/gpt-6-sol", "api_key": "none", "mock_response": "A mock reply."}


@dataclass(frozen=True, slots=True)
class Behind:
    """A model behind the proxy: LiteLLM's name for it, the path of its API, our API."""

    model: str
    path: str
    api: Api
    manner: Manner


def _answered_by(name: str, model: str) -> frozenset[str]:
    """On Responses the proxy names the model behind instead of the one asked for, and names it
    in each event too.
    """
    return frozenset({f"asked for {name}, answered by {model}", "non-standard fields: model"})


def _counts_text(place: str) -> frozenset[str]:
    """The proxy counts the tokens of the text apart."""
    return frozenset({f"also sent: usage.{place}_tokens_details.text_tokens"})


# The bridge to a chat backend keeps no responses, though it says so: hence --no-store.
BEHIND = {
    "chat to OpenAI's chat": Behind(
        "openai/gpt-6-sol",
        "/v1",
        Api.CHAT,
        Manner(findings=_counts_text("completion")),
    ),
    "chat to Anthropic's messages": Behind(
        "anthropic/claude-opus-4-5", "", Api.CHAT, Manner(counts_tokens=False)
    ),
    "responses to OpenAI's responses": Behind(
        "openai/gpt-6-sol",
        "/v1",
        Api.RESPONSES,
        Manner(
            cut="other",
            counts_tokens=False,
            findings=_answered_by("responses to OpenAI's responses", "gpt-6-sol"),
        ),
    ),
    "responses to DeepSeek's chat": Behind(
        "deepseek/deepseek-reasoner",
        "/v1",
        Api.RESPONSES,
        Manner(
            findings=_answered_by("responses to DeepSeek's chat", "deepseek-reasoner")
            | _counts_text("output"),
        ),
    ),
}


@pytest.fixture(scope="module")
def base_url(script_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models: list[dict[str, Any]] = [{"model_name": "mocked", "litellm_params": _MOCKED}]
    for name, behind in BEHIND.items():
        backend = script_url.removesuffix("/v1") + behind.path
        params = {"model": behind.model, "api_key": "none", "api_base": backend}
        models.append({"model_name": name, "litellm_params": {**params, "num_retries": 0}})
    with litellm.running(tmp_path_factory.mktemp("litellm"), models) as url:
        yield url


@pytest.mark.parametrize("name", BEHIND)
def test_the_whole_conversation(
    base_url: str, script_url: str, tmp_path: Path, suite: Suite, name: str
) -> None:
    behind = BEHIND[name]
    person = Person.at(tmp_path, base_url, name, behind.api, key=litellm.KEY)
    if behind.api is Api.RESPONSES:
        person.options = ("--no-store",)
    heard = hold_conversation(person, script_url, behind.manner)
    suite.say(f"LiteLLM, {name}: {heard}")


def test_a_mock_reply_has_its_words_its_usage_and_its_cost(
    base_url: str, tmp_path: Path, suite: Suite
) -> None:
    said = Person.at(tmp_path, base_url, "mocked", Api.CHAT, key=litellm.KEY).ask("Hello?")
    assert (said.status, said.text, said.finish) == (0, "A mock reply.", "stop")
    assert said.last["usage"]["output_tokens"] == 4
    assert said.last["cost"]["source"] == "reported"
    suite.say("LiteLLM, a mock reply over chat: its words, usage and reported cost")


def test_a_stream_that_the_proxy_cannot_make_is_an_error_in_words(
    base_url: str, tmp_path: Path, suite: Suite
) -> None:
    """It answers 500, with an event stream as the body."""
    person = Person.at(tmp_path, base_url, "mocked", Api.RESPONSES, key=litellm.KEY)
    failed = person.ask("Hello?")
    assert failed.status == 3
    assert failed.last["error"]["status"] == 500
    assert "Error processing stream start" in failed.stderr
    suite.say("LiteLLM, a mock reply over responses: its 500 in words")
