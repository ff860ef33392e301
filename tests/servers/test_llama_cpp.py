"""llama.cpp's own server with real models, as the embedded model is run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replyscope.domain.exchange import SENDABLE, Api
from replyscope.local.catalogue import DEFAULT, LIGHT
from tests.servers.person import Person
from tests.support.suite import Suite
from tests.support.weights import find_cached_weights

pytestmark = [pytest.mark.installs, pytest.mark.timeout(900)]
APIS = pytest.mark.parametrize("api", SENDABLE)
# The sample asks one thing over each API; the whole suite asks both over both.
ONE = pytest.mark.parametrize(
    "api", [Api.CHAT, pytest.param(Api.RESPONSES, marks=pytest.mark.whole)]
)
OTHER = pytest.mark.parametrize(
    "api", [Api.RESPONSES, pytest.param(Api.CHAT, marks=pytest.mark.whole)]
)
KEY = "sk-of-the-engine-1234"
_LIMIT = "reported as complete, but stopped at the limit of 8 output tokens"


@contextmanager
def engine(weights: Path, template: Path) -> Iterator[str]:
    """The engine's child process with a chat template of the test's; its base URL."""
    config = {
        "model": str(weights),
        "alias": LIGHT,
        "key": KEY,
        "context": 8_192,
        "template": template.read_text(),
        "threads": os.cpu_count() or 2,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "replyscope.local.serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(config), file=process.stdin, flush=True)
        ready = next(line for line in process.stdout if line.startswith("READY "))
        yield ready.split()[1].rstrip("/") + "/v1"
        process.stdin.close()


@OTHER
def test_text_a_cut_and_an_error(
    cached_weights: Path, tmp_path: Path, suite: Suite, api: Api
) -> None:
    person = Person.with_local_model(tmp_path, LIGHT, cached_weights, api)
    said = person.ask("Say hello.", "--max-tokens", "60")
    assert said.status == 0
    assert said.text
    assert said.last["answered_model"] == LIGHT
    assert said.last["usage"]["total_tokens"] > said.last["usage"]["output_tokens"] > 0
    cut = person.ask("Count to one hundred in words.", "--max-tokens", "8")
    assert cut.status == 0
    assert cut.last["usage"]["output_tokens"] == 8
    if api is Api.CHAT:
        assert cut.finish == "length"
    else:  # it says completed; the finding knows better
        assert _LIMIT in cut.findings
    failed = person.ask("word " * 5_000)
    assert failed.status == 3
    assert failed.last["error"]["type"] == "context_overflow"
    assert "exceeds the available context size" in failed.stderr
    suite.say(
        f"llama.cpp with {LIGHT}, {api.value}: text, a cut ({cut.finish}"
        f"{'' if api is Api.CHAT else ', with the finding that it is one'}), an error in words"
    )


@ONE
def test_two_tools_at_once(cached_weights: Path, tmp_path: Path, suite: Suite, api: Api) -> None:
    """The template shows the model its answer often enough for a small one to repeat it."""
    template = Path(__file__).with_name("two_calls.jinja")
    with engine(cached_weights, template) as base_url:
        person = Person.at(tmp_path, base_url, LIGHT, api, key=KEY)
        used = person.ask_with_tools(
            "How is the weather in Oslo, and what is 6 times 7?",
            *("--temperature", "0", "--max-tokens", "90"),
        )
    assert used.status == 0, used.stderr
    assert sorted(used.runs) == [["get_weather", {"city": "Oslo"}], ["multiply", {"a": 6, "b": 7}]]
    assert used.calls == [
        ["get_weather", {"city": "Oslo"}, "Oslo has 7 degrees and rain"],
        ["multiply", {"a": 6, "b": 7}, "42"],
    ]
    assert used.first["choices"][0]["finish_reason"] == "tool_calls"
    assert len(used.exchanges) == 2
    assert used.last["usage"]["output_tokens"] > 0
    suite.say(f"llama.cpp with {LIGHT}, {api.value}: two tools at once, each ran once")


@pytest.mark.whole
@APIS
def test_a_model_that_understands_calls_a_tool_and_tells_its_result(
    tmp_path: Path, suite: Suite, api: Api
) -> None:
    person = Person.with_local_model(tmp_path, DEFAULT, find_cached_weights(DEFAULT), api)
    tools = ("--tools", "calculate,current_time", "--yes", "--max-tokens", "200")
    used = person.ask("What is 1234 * 5678? Use a tool.", *tools)
    assert used.status == 0, used.stderr
    ((name, _, result),) = used.calls
    assert (name, result) == ("calculate", "7006652")
    assert "7006652" in used.text.replace(",", "")
    suite.say(f"llama.cpp with {DEFAULT}, {api.value}: a tool call, and its result in the text")
