"""Halves of surrogate pairs: joined where both came, replaced where one leaves the program."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api
from replyscope.domain.ports import Clock
from replyscope.inspection.findings import find_oddities
from tests.cli.run import run_command
from tests.cli.test_commands import ask as ask_program
from tests.support.build import ask, open_chat, run
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.support.streams import call_chunk, entry, fold_chunks, fold_response, fold_stream

HIGH, LOW, WHOLE = "\ud83d", "\ude00", "😀"


CHAT: dict[str, Any] = {
    "text": (lambda t: delta(t), lambda c: c.text),
    "reasoning": (lambda t: delta(reasoning=t), lambda c: c.reasoning),
    "refusal": (lambda t: delta(refusal=t), lambda c: c.refusal),
    "arguments": (
        lambda t: call_chunk(entry(0, "c", "f", t)),
        lambda c: c.tool_calls[0].arguments,
    ),
    "details": (
        lambda t: delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": t}]),
        lambda c: json.loads(c.fields)["reasoning_details"][0]["text"],
    ),
    "a field of its own": (lambda t: delta(x_note=t), lambda c: json.loads(c.fields)["x_note"]),
    "text between tags": (lambda t: delta(t), lambda c: c.thinking + c.text),
    "transcript": (lambda t: delta(audio={"transcript": t}), lambda c: c.text),
}


def event(kind: str, text: str) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": 0, "item_id": "i", "delta": text}


ITEM = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": ""}
RESPONSES: dict[str, Any] = {
    "output_text": lambda c: c.text,
    "reasoning_text": lambda c: c.reasoning,
    "reasoning_summary_text": lambda c: c.reasoning,
    "refusal": lambda c: c.refusal,
    "audio.transcript": lambda c: c.text,
    "function_call_arguments": lambda c: c.tool_calls[0].arguments,
}


@pytest.mark.parametrize("name", CHAT)
def test_halves_in_two_chunks_are_joined(name: str) -> None:
    chunk, said = CHAT[name]
    choice = fold_chunks(chunk(f'{{"a": "{HIGH}'), chunk(f'{LOW}"}}'), delta(finish="stop"))
    assert said(choice) == f'{{"a": "{WHOLE}"}}'


@pytest.mark.parametrize("name", RESPONSES)
def test_halves_in_two_events_are_joined(name: str) -> None:
    begins = [{"type": "response.output_item.added", "output_index": 0, "item": ITEM}]
    first = begins if "arguments" in name else []
    choice = fold_response(*first, event(name, f"ok {HIGH}"), event(name, f"{LOW} done"))
    assert RESPONSES[name](choice) == f"ok {WHOLE} done"


@pytest.mark.parametrize("half", [HIGH, LOW, HIGH + HIGH, LOW + HIGH])
@pytest.mark.parametrize("name", CHAT)
def test_a_half_that_stays_alone_raises_nothing(name: str, half: str) -> None:
    chunk, said = CHAT[name]
    exchange = fold_stream(Api.CHAT, chunk(f"ok {half} done"), delta(finish="stop"))
    assert "done" in said(exchange.choice(0))
    find_oddities(exchange)


@pytest.mark.parametrize("name", ["text", "reasoning", "arguments", "a field of its own"])
async def test_a_half_in_any_field_can_be_sent_back(
    name: str, server: LoopbackServer, clock: Clock
) -> None:
    chunk, _ = CHAT[name]
    server.answer = lambda _request: Answer(
        chunks=sse(chunk(f"ok {HIGH} done"), delta(finish="stop"))
    )
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask(f"say {LOW}"))
    assert exchange.failure is None
    assert server.requests[0]["messages"][0]["content"] == "say \ufffd"


SPLIT = Answer(chunks=sse(delta(f"ok {HIGH}"), delta(f"{LOW} done"), delta(finish="stop")))
ALONE = Answer(
    chunks=sse(
        delta(reasoning=f"hm {LOW}"),
        delta(f"ok {HIGH}"),
        delta(" done", x_note=HIGH),
        call_chunk(entry(0, f"c{HIGH}", f"f{LOW}", f'{{"a": "{HIGH}"}}')),
        delta(finish="stop"),
    )
)


def test_a_split_emoji_is_printed_whole(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: SPLIT
    done = ask_program(tmp_path, server, "hi")
    assert (done.returncode, done.stdout.strip()) == (0, f"ok {WHOLE} done")


@pytest.mark.parametrize("form", ["md", "json", "jsonl", "html"])
@pytest.mark.parametrize("is_file", [True, False], ids=["file", "pipe"])
def test_half_an_emoji_leaves_as_the_replacement_character(
    form: str, is_file: bool, server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: ALONE
    asked = ask_program(tmp_path, server, "hi", "--json")
    assert "Traceback" not in asked.stderr
    session_id = json.loads(asked.stdout)["session_id"]
    target = tmp_path / "out"
    more = ["--output", str(target)] if is_file else []
    done = run_command(tmp_path, "sessions", "export", session_id, "--format", form, *more)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    text = target.read_text(encoding="utf-8") if is_file else done.stdout
    assert "done" in text
    assert not any("\ud800" <= char <= "\udfff" for char in text)
