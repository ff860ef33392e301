"""The dialogue of `watch --hold`, and the answers of `watch --answer`."""

import json
import os
import re
import select
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from replyscope.cli.holding import HoldGate
from replyscope.cli.terminal_person import TerminalPerson
from replyscope.cli.watch_gate import RecordedAnswers
from replyscope.domain.errors import SettingsError
from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.query import parse_query
from replyscope.domain.watched import Refuse
from replyscope.engine.watching.request_facts import request_facts
from replyscope.provider.watched_wire import WatchedWire
from replyscope.serving.gate import AnswerRecorded, Decision, Send
from replyscope.serving.mock.recording import Recording
from tests.cli.run import PROGRAM, environment, run_program
from tests.support.build import make_exchange
from tests.support.server import LoopbackServer
from tests.watching.watched import request_of

BODY = {"model": "m", "messages": [{"role": "user", "content": "one\n\x1b[31mtwo"}]}
WIRE = WatchedWire()


def recording(body: object = BODY, number: int = 1) -> Recording:
    """A recorded reply to a request."""
    sent = RequestSent("POST", "http://x/v1/chat/completions", (), json.dumps(body).encode())
    return Recording(
        make_exchange(id=f"x-{number}"), WireRecord(sent, [WireFrame(1.0, "data: {}\n\n")])
    )


def unedited(text: str) -> str:
    """An editor that saves the text as it is."""
    return text


async def decide(
    typed: Sequence[str | None],
    *,
    query: str = "model:m",
    edit: Callable[[str], str] = unedited,
    found: Sequence[Recording] = (),
) -> Decision:
    """The decision after some lines were typed; all of them are needed."""
    left = list(typed)

    async def ask(_text: str) -> str | None:
        return left.pop(0)

    async def find(what: str) -> Sequence[Recording]:
        if what == "nothing":
            raise SettingsError("No recorded exchange matches 'nothing'.", "Give the id.")
        return found

    person = TerminalPerson(ask, edit)
    gate = HoldGate(
        parse_query(query), lambda one: request_facts(WIRE, one), WIRE.api_of, find, person
    )
    decision = await gate.decide(request_of(BODY))
    assert left == []
    return decision


async def test_calls_that_do_not_match_are_not_held() -> None:
    assert await decide([], query="model:other") == Send()


async def test_a_held_call_is_shown_and_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert await decide(["what", "s"]) == Send()
    shown = capsys.readouterr().out
    assert "Held: agent/1.0  m  POST /chat/completions" in shown
    assert "  one\n" in shown
    assert "two" in shown
    assert "\x1b" not in shown
    assert "Type s, e, r or a" in shown
    assert await decide([None]) == Send()  # the end of the input


async def test_an_edited_request_is_sent() -> None:
    edited = await decide(["e"], edit=lambda text: text.replace('"m"', '"other"'))
    assert isinstance(edited, Send)
    assert edited.body is not None
    assert json.loads(edited.body) == {**BODY, "model": "other"}
    assert await decide(["e"]) == Send()


async def test_what_is_no_json_is_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert await decide(["e", "s"], edit=lambda _text: "{") == Send()
    assert "The edited text is not JSON" in capsys.readouterr().out

    def fail(_text: str) -> str:
        raise SettingsError("The editor 'x' failed.", "Set EDITOR to another editor.")

    assert await decide(["e", "s"], edit=fail) == Send()
    assert "The editor 'x' failed." in capsys.readouterr().out


async def test_a_call_is_refused() -> None:
    assert await decide(["r", "", ""]) == Refuse(403, "The call was refused in replyscope watch.")
    assert await decide(["r", "200", "r", "503", "Later."]) == Refuse(503, "Later.")


async def test_a_recorded_reply_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    other, same = recording({**BODY, "messages": []}, 2), recording()
    chosen = await decide(["a", "some query"], found=[other, same])
    assert isinstance(chosen, AnswerRecorded)
    assert chosen.playback.exchange_id == same.exchange.id
    assert await decide(["a", "nothing", "a", "none", "a", "", "s"]) == Send()
    shown = capsys.readouterr().out
    assert "No recorded exchange matches" in shown
    assert "None of these replies is over the API" in shown


async def test_calls_with_recorded_messages_are_answered() -> None:
    same = recording()
    gate = RecordedAnswers([same], WIRE.api_of, None)
    answer = await gate.decide(request_of(BODY))
    assert isinstance(answer, AnswerRecorded)
    assert answer.playback.exchange_id == same.exchange.id
    other = {**BODY, "messages": [{"role": "user", "content": "else"}]}
    assert await gate.decide(request_of(other)) == Send()
    assert await gate.decide(request_of(BODY, "/embeddings")) == Send()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--hold", "model:m"), "Start watch in a terminal"),
        (("--hold", "model:m", "--", "true"), "which a COMMAND would share"),
        (("--hold", "finish:length"), "finish: can't be used here"),
        (("--answer", "no-such-words"), "No recorded exchange matches"),
    ],
)
def test_wrong_usage_is_explained(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run_program(tmp_path, "watch", *options)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pty")
def test_a_person_refuses_a_call_on_a_terminal(server: LoopbackServer, tmp_path: Path) -> None:
    near, far = os.openpty()
    with subprocess.Popen(
        [*PROGRAM, "watch", "--to", server.base_url, "--hold", "model:test*"],
        env={**environment(tmp_path), "TERM": "dumb"},
        stdin=far,
        stdout=far,
        stderr=subprocess.DEVNULL,
    ) as watch:
        try:
            (url,) = re.findall(r"OPENAI_BASE_URL=(\S+)", _until(near, "Ctrl+C"))
            with ThreadPoolExecutor(1) as pool:
                asking = pool.submit(_ask, url)
                _until(near, "recorded reply: ")
                os.write(near, b"r\n")
                _until(near, "]: ")
                os.write(near, b"418\n")
                _until(near, "]: ")
                os.write(near, b"Not here.\n")
                assert asking.result(30) == (418, "Not here.")
            assert "The request was refused in replyscope watch" in _until(near, "refused")
            assert server.requests == []
        finally:
            watch.kill()
    os.close(near)
    os.close(far)


def _until(near: int, text: str) -> str:
    """What the program prints on its terminal, until a text comes."""
    got = ""
    while text not in got:
        ready, _, _ = select.select([near], [], [], 30)
        assert ready, got
        got += os.read(near, 65_536).decode()
    return got


def _ask(url: str) -> tuple[int, str]:
    """The status and the message of the error that a program gets."""
    client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
    with client, pytest.raises(openai.APIStatusError) as got:
        client.chat.completions.create(
            model="test-model", messages=[{"role": "user", "content": "hi"}]
        )
    body: Any = got.value.body
    return got.value.status_code, body["message"]
