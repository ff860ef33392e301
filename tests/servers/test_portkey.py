"""Portkey's gateway before a scripted server that speaks OpenAI's APIs and Anthropic's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from replyscope.domain.exchange import Api
from tests.servers.conversation import Manner, hold_conversation
from tests.servers.person import Person
from tests.support import portkey
from tests.support.suite import Suite

pytestmark = [pytest.mark.installs, pytest.mark.whole]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with portkey.running(tmp_path_factory.mktemp("portkey")) as url:
        yield url


CASES: dict[str, tuple[str, str, Api, Manner]] = {
    "OpenAI's chat": ("openai", "gpt-6-sol", Api.CHAT, Manner()),
    "OpenAI's responses": (
        "openai",
        "gpt-6-sol",
        Api.RESPONSES,
        Manner(cut="other", counts_tokens=False),
    ),
    "Anthropic's messages": (
        "anthropic",
        "claude-opus-4-5",
        Api.CHAT,
        Manner(
            reasoning=None,  # which the gateway leaves out
            counts_tokens=False,
            findings=frozenset({"non-standard fields: provider"}),
        ),
    ),
}


@pytest.mark.parametrize("behind", CASES)
def test_the_whole_conversation(
    base_url: str, script_url: str, tmp_path: Path, suite: Suite, behind: str
) -> None:
    provider, model, api, manner = CASES[behind]
    headers = portkey.headers(provider, script_url)
    person = Person.at(tmp_path, base_url, model, api, headers=headers)
    heard = hold_conversation(person, script_url, manner)
    suite.say(f"Portkey before {behind}: {heard}")
