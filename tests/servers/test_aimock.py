"""aimock, a scripted server that nobody here wrote: OpenAI's two APIs, and OpenRouter's."""

from pathlib import Path

import pytest

from replyscope.domain.exchange import Api
from tests.servers.conversation import Manner, hold_conversation
from tests.servers.person import Person
from tests.support.suite import Suite, sample

pytestmark = pytest.mark.installs
# On Responses it counts no tokens, and a cut reply is incomplete without a reason.
MANNERS = {
    Api.CHAT: Manner(),
    Api.RESPONSES: Manner(cut="other", counts_tokens=False),
}


@pytest.mark.parametrize("api", sample(Api, 1))
def test_the_whole_conversation(script_url: str, tmp_path: Path, suite: Suite, api: Api) -> None:
    person = Person.at(tmp_path, script_url, "gpt-6-sol", api)
    heard = hold_conversation(person, script_url, MANNERS[api])
    suite.say(f"aimock, {api.value}: {heard}")


@pytest.mark.whole
def test_the_whole_conversation_in_the_form_of_openrouter(
    script_url: str, tmp_path: Path, suite: Suite
) -> None:
    at_openrouter = script_url.replace("/v1", "/api/v1")
    person = Person.at(tmp_path, at_openrouter, "openai/gpt-6-sol", Api.CHAT)
    manner = Manner(findings=frozenset({"non-standard fields: provider"}))
    heard = hold_conversation(person, script_url, manner)
    suite.say(f"aimock as OpenRouter, chat: {heard}")
