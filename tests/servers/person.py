"""A person at the command line: asks in one session, with two tools at hand.

What the tools did is read from a file that each run of one adds a line to.
"""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Api
from tests.cli.run import PROGRAM, environment
from tests.support.weights import place_weights

_MOST_S = 600
"""A model on a busy machine takes its time."""
_TOOLS = '''
import json
from pathlib import Path

RUNS = Path({runs!r})


def _note(name: str, **arguments: object) -> None:
    with RUNS.open("a") as file:
        file.write(json.dumps([name, arguments]) + "\\n")


def get_weather(city: str) -> str:
    """The weather in a city, now."""
    _note("get_weather", city=city)
    return f"{{city}} has 7 degrees and rain"


def multiply(a: int, b: int) -> int:
    """The product of two whole numbers."""
    _note("multiply", a=a, b=b)
    return a * b
'''


@dataclass(frozen=True, slots=True)
class Reply:
    """What one `ask --json` came to: exit status, exchanges and the words on stderr.

    `runs` are the tools that ran meanwhile, each as [name, arguments].
    """

    status: int
    exchanges: list[dict[str, Any]]
    stderr: str
    runs: list[Any]

    @property
    def first(self) -> dict[str, Any]:
        return self.exchanges[0]

    @property
    def last(self) -> dict[str, Any]:
        return self.exchanges[-1]

    @property
    def text(self) -> str:
        return str(self.last["choices"][0]["text"])

    @property
    def finish(self) -> str:
        return str(self.last["choices"][0]["finish_reason"])

    @property
    def calls(self) -> list[Any]:
        """The calls of the first exchange, as [name, arguments, result]."""
        return [
            [call["name"], json.loads(call["arguments"]), call["result"]]
            for call in self.first["choices"][0]["tool_calls"]
        ]

    @property
    def findings(self) -> set[str]:
        """What was found odd in any of the exchanges."""
        return {finding for exchange in self.exchanges for finding in exchange["findings"]}


@dataclass(slots=True)
class Person:
    """Asks a server in one session. `options` are options of every `ask`."""

    folder: Path
    options: tuple[str, ...] = ()
    has_begun: bool = field(default=False, init=False)

    @classmethod
    def with_local_model(cls, folder: Path, name: str, weights: Path, api: Api) -> "Person":
        """A person who runs an embedded model; the weights are there already."""
        place_weights(folder / "data" / "models", weights, name)
        options = ("--local", "--model", name, "--api", api.value, "--temperature", "0")
        return cls(folder, options)

    @classmethod
    def at(
        cls,
        folder: Path,
        base_url: str,
        model: str,
        api: Api,
        *,
        key: str = "sk-of-a-person-1234",
        headers: dict[str, str] | None = None,
    ) -> "Person":
        """A person whose settings name a server."""
        settings = folder / "config" / "settings.toml"
        settings.parent.mkdir(parents=True)
        lines = [
            'provider = "here"',
            "[providers.here]",
            f'base_url = "{base_url}"',
            f'model = "{model}"',
            f'api = "{api.value}"',
            'key_command = ["echo", "' + key + '"]',
            "max_retries = 0",
            "[providers.here.headers]",
            *(f'{name} = "{value}"' for name, value in (headers or {}).items()),
        ]
        settings.write_text("\n".join(lines) + "\n")
        return cls(folder)

    def ask(self, prompt: str, *options: str) -> Reply:
        """Ask in the same session as before, and read the answer."""
        runs = self.folder / "runs.txt"
        runs.unlink(missing_ok=True)
        going_on = ("--continue",) if self.has_begun else ()
        self.has_begun = True
        command = ["ask", prompt, "--json", *self.options, *going_on, *options]
        done = subprocess.run(
            [*PROGRAM, *command],
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MOST_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        made = json.loads(done.stdout)["exchanges"] if done.stdout else []
        ran = runs.read_text().splitlines() if runs.exists() else []
        return Reply(done.returncode, made, done.stderr, [json.loads(line) for line in ran])

    def ask_with_tools(self, prompt: str, *options: str) -> Reply:
        """Ask with both tools offered and allowed."""
        tools = self.folder / "tools.py"
        tools.write_text(_TOOLS.format(runs=str(self.folder / "runs.txt")))
        offered = ("--tools-file", str(tools), "--tools", "get_weather,multiply", "--yes")
        return self.ask(prompt, *offered, *options)
