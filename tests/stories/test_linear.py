"""Whole stories of the linear chat in a real terminal, line by line."""

import json
import re
import signal
import sys
import threading
from base64 import b64encode
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import run_program
from tests.engine.test_tools import asks, in_turn
from tests.support.server import Answer, LoopbackServer, delta, reply, sse
from tests.support.suite import sample

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

_ESCAPES = re.compile(r"\x1b\[[?\d;]*[a-zA-Z]")
_QUESTION = 'Allow calculate(expression="6*7")? yes / no / always / details:'


def start(folder: Path, server: LoopbackServer, *more: str, **environment: str) -> Terminal:
    """The linear chat, in a window that is tall enough for its whole story."""
    arguments = ("--linear", "--base-url", server.base_url, *more)
    environment = {"TERM": "dumb", **environment}
    return Terminal(folder, *arguments, size=(150, 120), **environment)


def lines(terminal: Terminal) -> list[str]:
    """The lines so far, without times, which differ from run to run."""
    text = re.sub(r"\d[\d.]* m?s\b", "TIME", terminal.screen)
    return [line for line in text.split("\n") if line.strip()]


def _wait_for_count(terminal: Terminal, text: str, count: int) -> None:
    terminal.wait_until(lambda: terminal.screen.count(text) == count)


def test_the_first_question_line_by_line(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply(
        "Two files:\n\n| name | size |\n|---|---|\n", "| a | 1 |\n"
    )
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("which files?\r")
        terminal.wait_for("tokens:")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
        assert lines(terminal) == [
            "replyscope: linear chat. /help lists the commands, Ctrl+D leaves",
            "model: test-model at custom, chat API",
            "you: which files?",
            "reply: Two files:",
            "Table with columns: name, size.",
            "Row 1. name: a; size: 1.",
            "End of table.",
            "finish: stop",
            "tokens: 5 in, 7 out, 12 total; cost unknown; TIME",
            "you: /quit",
        ]
        assert b"\x1b" not in terminal.received
    (listed,) = json.loads(run_program(tmp_path, "sessions", "list", "--json").stdout)
    assert listed["state"] == "completed"


def test_a_tool_runs_only_after_the_whole_word_yes(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, asks(("calculate", '{"expression": "6*7"}')), reply("It is 42."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/tools calculate\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("what is 6*7?\r")
        terminal.wait_for(_QUESTION)
        for number, word in enumerate(("y", "yes please"), start=2):
            terminal.type(f"{word}\r")
            _wait_for_count(terminal, _QUESTION, number)
        assert terminal.screen.count("error: Type one whole word") == 2
        assert len(server.requests) == 1
        terminal.type("yes\r")
        terminal.wait_for("reply: It is 42.", "finish: stop")
        told = lines(terminal)
    start_of = told.index('tool: the model requests calculate(expression="6*7")')
    assert told[start_of : start_of + 4] == [
        'tool: the model requests calculate(expression="6*7")',
        "finish: tool_calls, the model requested tools",
        "tokens: 5 in, 7 out, 12 total; cost unknown; TIME",
        "tool: calculate from built-in. Access: nothing",
    ]
    assert "tool: calculate completed in TIME: 42" in told
    assert server.requests[1]["messages"][-1]["content"] == "42"


def test_a_line_that_was_typed_before_the_question_does_not_answer_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    call = {
        "index": 0,
        "id": "c",
        "function": {"name": "calculate", "arguments": '{"expression": "6*7"}'},
    }
    held: list[bytes | threading.Event] = [*sse(delta("Let me see. "), done=False), gate]
    held += sse(delta(tool_calls=[call]), delta(finish="tool_calls"))
    in_turn(server, Answer(chunks=held), reply("done"), reply("the next"))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/tools calculate\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("what is 6*7?\r")
        terminal.wait_for("Let me see.")
        terminal.type("yes\ral")
        terminal.wait_for("queued: 1 line")
        gate.set()
        terminal.wait_for(_QUESTION)
        terminal.settle(quiet_s=1.0)
        assert terminal.screen.rstrip().endswith(_QUESTION)
        terminal.type("no\r")
        terminal.wait_for("calculate refused", "reply: done", "you: yes", "reply: the next")
    assert "did not allow" in server.requests[1]["messages"][-1]["content"]


_CODE = "Two:\n\n```python\nprint(1)\n```\n\n```sh\nls\n```\n"


def test_a_reply_and_its_code_are_copied(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply(_CODE)
    with start(tmp_path, server, TERM="xterm") as terminal:
        terminal.wait_for("you:")
        terminal.type("code?\r")
        terminal.wait_for("tokens:")
        terminal.type("/copy\r")
        terminal.wait_for("note: Reply copied.")
        terminal.type("/code\r")
        terminal.wait_for("1. python · 1 line · print(1)", "2. sh · 1 line · ls", "to cancel:")
        terminal.type("2\r")
        terminal.wait_for("note: Code copied.")
    for text in (_CODE, "ls"):
        assert b"\x1b]52;c;" + b64encode(text.encode()) + b"\x07" in terminal.received


def test_without_a_clipboard_code_is_printed(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply(_CODE)
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("code?\r")
        terminal.wait_for("tokens:")
        terminal.type("/code 1\r")
        terminal.wait_for("code: print(1)")
        terminal.type("/copy\r")
        terminal.wait_for("error: This terminal has no clipboard. /raw prints the source.")
        for name in ("theme", "replay", "picture", "messages"):
            terminal.type(f"/{name}\r")
            terminal.wait_for(f"note: /{name} is only in the full screen")
        terminal.type("/stop\r")
        terminal.wait_for("note: No reply streams.")
        assert b"\x1b" not in terminal.received


def test_a_tool_call_is_read_tried_and_answered(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, asks(("calculate", '{"expression": "6*7"}')), reply("It is 43."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/settings\r")
        terminal.wait_for("Settings:", "1. /model [MODEL]: choose a model.", "to cancel:")
        terminal.type("\r/tools calculate\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("what is 6*7?\r")
        terminal.wait_for(_QUESTION)
        terminal.type("\x03")
        terminal.wait_for("A tool call waits for its result.")
        terminal.type("/call\r")
        terminal.wait_for("calculate:", "1. read the arguments", "4. write the result yourself")
        terminal.type("3\r")
        terminal.wait_for("or Enter to keep them:")
        terminal.type('{"expression": "6*8"}\r')
        terminal.wait_for("result: 48")
        terminal.type("/call\r")
        _wait_for_count(terminal, "4. write the result yourself", 2)
        terminal.type("4\r")
        terminal.wait_for("Result, for the model:")
        terminal.type("43\r")
        terminal.wait_for("Saved as the result of calculate. /run sends it.")
        terminal.type("/run\r")
        terminal.wait_for("reply: It is 43.", "finish: stop")
        terminal.type("/call 1\r")
        terminal.wait_for("2. read the result")
        terminal.type("2\r")
        terminal.wait_for("result: 43")
    assert server.requests[1]["messages"][-1]["content"] == "43"


def test_always_saves_a_rule_and_asks_no_more(server: LoopbackServer, tmp_path: Path) -> None:
    call = asks(("calculate", '{"expression": "6*7"}'))
    in_turn(server, call, reply("first"), call, reply("second"))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/tools calculate\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("what is 6*7?\r")
        terminal.wait_for(_QUESTION)
        terminal.type("always\r")
        terminal.wait_for(
            "rule: Always allow shipped/calculate when expression is", "Save this rule", "no:"
        )
        terminal.type("yes\r")
        terminal.wait_for("reply: first", "finish: stop")
        terminal.type("and again?\r")
        terminal.wait_for("reply: second")
        assert terminal.screen.count(_QUESTION) == 1
    assert "calculate" in (tmp_path / "config" / "settings.toml").read_text()


def test_invisible_characters_of_a_call_are_visible(server: LoopbackServer, tmp_path: Path) -> None:
    arguments = json.dumps({"expression": "6\u200b*\x1b[2J7" + " " * 3})
    in_turn(server, asks(("calculate", arguments)), reply("done"))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/tools calculate\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("go\r")
        terminal.wait_for('Allow calculate(expression="6‹200b›*\\u001b[2J7   ")?')
        terminal.type("\x03")
        terminal.wait_for("A tool call waits for its result. /run runs it.")
    assert len(server.requests) == 1


def test_a_cut_reply_names_its_remedies(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, reply("Half a", finish="length"), reply(" reply."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/params max_tokens=8\r")
        terminal.wait_for("max_tokens: 8")
        terminal.type("go\r")
        terminal.wait_for(
            "finish: length, cut at the limit",
            "cause: The reply was cut off at the limit on output tokens.",
            "next: /continue requests more of this reply. /raise doubles the token limit",
        )
        terminal.type("/raise\r")
        terminal.wait_for("max_tokens is now 16", "finish: stop")
        terminal.type("/inspect\r")
        terminal.wait_for("findings: none", "provider: custom, chat API", "exchange id:")
    assert server.requests[1]["max_tokens"] == 16


def test_a_reply_whose_continuation_was_stopped_can_be_continued_again(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    in_turn(server, reply("Half a", finish="length"), Answer(chunks=[gate]), reply(" reply."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("go\r")
        terminal.wait_for("finish: length", "next: /continue", "tokens:")
        terminal.type("/continue\r")
        terminal.wait_until(lambda: len(server.requests) == 2)
        terminal.type("\x03")
        terminal.wait_for("finish: cancelled, stopped", "next: /continue requests more")
        gate.set()
        terminal.type("/continue\r")
        terminal.wait_for("finish: stop")
    assert server.requests[2]["messages"][1]["content"] == "Half a"


def test_search_show_and_export(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, reply("A reply about parsers."), reply("A reply about Oslo.", finish="length"))
    out = tmp_path / "out.md"
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("parsers?\r")
        terminal.wait_for("about parsers.", "tokens:")
        terminal.type("/new\r")
        terminal.wait_for("session: new")
        terminal.type("Oslo?\r")
        terminal.wait_for("finish: length")
        terminal.type("/search finish:length\r")
        terminal.wait_for("found: 1 reply in 1 session", "1. Oslo?", "/show N reads a reply")
        terminal.type("/show 1\r")
        terminal.wait_for("session: Oslo?, 2 messages")
        terminal.type("/search finish:(\r")
        terminal.wait_for("error: The query can't be parsed")
        terminal.type("/sessions\r")
        terminal.wait_for("2. parsers?")
        terminal.type("/open 2\r")
        terminal.wait_for("session: parsers?, 2 messages")
        terminal.type(f"/export md {out}\r")
        terminal.wait_for(f"written: {out}")
        terminal.type("/delete\r")
        terminal.wait_for("1 session deleted. /undo restores it.")
        terminal.type("/undo\r")
        terminal.wait_for("Restored 1 session.")
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    assert "A reply about parsers." in out.read_text()
    assert len(json.loads(run_program(tmp_path, "sessions", "list", "--json").stdout)) == 2


def test_a_private_session_leaves_nothing_and_warns(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/private\r")
        terminal.wait_for("session: private.")
        terminal.type("a secret question\r")
        terminal.wait_for("reply: Hello world", "tokens:")
        terminal.type("/quit\r")
        terminal.wait_for("Private: 2 messages will be lost.", "Leave? yes / no:")
        terminal.type("yes\r")
        assert terminal.wait_for_end() == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"secret question" not in kept


def test_ctrl_c_keeps_the_partial_reply_and_twice_leaves(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("So far. "), done=False), gate])
    with start(tmp_path, server, TERM="xterm-256color") as terminal:
        terminal.wait_for("you:")
        terminal.type("go\r")
        terminal.wait_for("reply: So far.")
        terminal.type("\x03")
        terminal.wait_for("finish: cancelled, stopped", "next: /continue")
        terminal.settle()
        terminal.type("\x03")
        terminal.wait_for("Ctrl+C again leaves")
        terminal.settle()
        terminal.type("\x03")
        assert terminal.wait_for_end() == 0
    gate.set()
    (listed,) = json.loads(run_program(tmp_path, "sessions", "list", "--json").stdout)
    assert listed["state"] == "cancelled"


@pytest.mark.parametrize(
    ("is_streaming", "number"), sample(product([True, False], [signal.SIGTERM, signal.SIGHUP]), 2)
)
def test_a_signal_saves_and_ends(
    server: LoopbackServer, tmp_path: Path, number: signal.Signals, is_streaming: bool
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("So far. "), done=False), gate])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        if is_streaming:
            terminal.type("go\r")
            terminal.wait_for("So far.")
        terminal.send_signal(number)
        terminal.wait_for_end(timeout_s=5.0)
    gate.set()
    listed = json.loads(run_program(tmp_path, "sessions", "list", "--json").stdout)
    assert [one["state"] for one in listed] == ["cancelled"] * is_streaming


def test_a_first_run_finds_the_provider_by_numbers(server: LoopbackServer, tmp_path: Path) -> None:
    server.models = ["small", "large"]
    with Terminal(tmp_path, size=(150, 60), TERM="dumb") as terminal:
        terminal.wait_for("Where should your messages go?", "Enter to cancel:")
        number = re.search(r"(\d)\. Another server", terminal.screen)
        assert number is not None
        terminal.type(f"{number[1]}\r")
        terminal.wait_for("URL of the server")
        terminal.type(f"{server.base_url}\r")
        terminal.wait_for("API key")
        terminal.settle()
        terminal.type("\r")
        terminal.wait_for("Models:", "1. large", "Number from 1 to 2")
        terminal.type("1\r")
        terminal.wait_for("model: large at")
        terminal.type("hi\r")
        terminal.wait_for("reply: Hello world")
    assert server.requests[0]["model"] == "large"


def test_the_review_searches_with_each_line(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first question\r")
        terminal.wait_for("tokens:")
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    arguments = ("review", "--linear", "--base-url", server.base_url)
    with Terminal(tmp_path, *arguments, size=(150, 60), TERM="dumb") as terminal:
        terminal.wait_for("query:")
        terminal.type("hello\r")
        terminal.wait_for("found: 1 reply in 1 session", "1. first question")
        terminal.type("/tag 1 work\r")
        terminal.wait_for("1 session tagged.")
        terminal.type("tag:work\r")
        terminal.wait_for("tag work:")
        terminal.type("/stats\r")
        terminal.wait_for("all: 1 reply, 0 errors, 7 output tokens")
        terminal.type("/chat\r")
        terminal.wait_for("you:")


def test_hostile_text_reaches_the_terminal_as_symbols(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(
        "a\x1b]0;owned\x07b \x9b2J \x1b]52;c;aGk=\x07 done.\nend"
    )
    with start(tmp_path, server, TERM="xterm-256color") as terminal:
        terminal.wait_for("you:")
        terminal.type("hi\r")
        terminal.wait_for("owned", "finish: stop")
        written = terminal.received.decode()
        assert "\x1b]" not in written
        assert "\x9b" not in written


def test_without_unicode_every_label_is_ascii(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("ascii_only = true\nlinear = true\n")
    server.answer = lambda _request: reply("It’s “done” … é", finish="length")
    arguments = ("--base-url", server.base_url)
    with Terminal(tmp_path, *arguments, size=(150, 120), NO_COLOR="1") as terminal:
        terminal.wait_for("you:")
        terminal.type("hi\r")
        terminal.wait_for("It's", "tokens:")
        terminal.type("/help\r")
        terminal.wait_for("/quit: save and leave.")
        assert terminal.screen.isascii()
        assert _ESCAPES.sub("", terminal.received.decode()).isascii()
        assert b"\x1b[?1049h" not in terminal.received  # no alternate screen
        assert not re.search(rb"\x1b\[[\d;]*m", terminal.received)  # no colour


def test_the_option_decides_between_the_app_and_the_lines(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("linear = true\n")
    arguments = ("chat", "--app", "--base-url", server.base_url)
    with Terminal(tmp_path, *arguments, size=(100, 30)) as terminal:
        terminal.wait_for("type a message")
        assert b"\x1b[?1049h" in terminal.received


def test_edit_and_retry_keep_every_version(server: LoopbackServer, tmp_path: Path) -> None:
    in_turn(server, reply("one"), reply("two"), reply("three"))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first\\\rsecond line\r")
        terminal.wait_for("reply: one", "tokens:")
        terminal.type("/retry other-model\r")
        terminal.wait_for("reply: two")
        terminal.type("/branches\r")
        terminal.wait_for("1. test-model, finish stop: one", "open now: two")
        terminal.type("/previous\r")
        terminal.wait_until(lambda: terminal.screen.count("reply: one") == 2)
        terminal.type("/edit\r")
        terminal.wait_for("edit: first", "second line", "Your next message replaces it")
        terminal.type("anew\r")
        terminal.wait_for("reply: three")
    sent: list[dict[str, Any]] = server.requests
    assert sent[0]["messages"][0]["content"] == "first\nsecond line"
    assert sent[1]["model"] == "other-model"
    assert [message["content"] for message in sent[2]["messages"]] == ["anew"]


def test_several_models_are_asked_at_once(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("go\r")
        terminal.wait_for("tokens:")
        server.answer = lambda request: reply(f"{request['model']} speaks")
        terminal.type("/compare small large\r")
        terminal.wait_for("model 1 of 2: small", "reply 1 of 2: small speaks")
        terminal.wait_for("model 2 of 2: large", "reply 2 of 2: large speaks")
        terminal.type("/compare 2 3\r")
        terminal.wait_for("model: small (test-model), and large (test-model)")


def test_several_choices_are_read_one_after_the_other(
    server: LoopbackServer, tmp_path: Path
) -> None:
    def choices(**fields: Any) -> dict[str, Any]:
        first = delta(**fields)
        return {**first, "choices": [{**first["choices"][0], "index": n} for n in (0, 1)]}

    server.answer = lambda _request: Answer(
        chunks=sse(choices(content="An answer. "), choices(finish="stop"))
    )
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/params n=2\r")
        terminal.wait_for("n: 2")
        terminal.type("go\r")
        terminal.wait_for("reply 1 of 2: An answer.", "reply 2 of 2: An answer.")
        terminal.type("/branches\r")
        terminal.wait_for("1. test-model, finish stop, open now: An answer.", "2. test-model")
    assert server.requests[0]["n"] == 2


def test_a_line_typed_while_a_reply_streams_is_sent_after_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    held: list[bytes | threading.Event] = [*sse(delta("So far. "), done=False), gate]
    held += sse(delta("Done."), delta(finish="stop"))
    in_turn(server, Answer(chunks=held), reply("The second."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first\r")
        terminal.wait_for("reply: So far.")
        terminal.type("and then?\r/inspect\r")
        terminal.wait_for("queued: 2 lines, sent after this reply")
        assert len(server.requests) == 1
        gate.set()
        terminal.wait_for("you: and then?", "reply: The second.", "you: /inspect", "exchange id:")
    assert server.requests[1]["messages"][-1]["content"] == "and then?"


def test_lines_that_were_pasted_are_sent_one_by_one(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda request: reply(f"About {request['messages'][-1]['content']}.")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("one\rtwo\rthree\r")
        terminal.wait_for("About one.", "About two.", "About three.")
        terminal.type("four\r")
        terminal.wait_for("About four.")
    assert len(server.requests) == 4


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_queued_line_of_a_stopped_reply_waits_for_an_answer(
    answer: str, server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    held = Answer(chunks=[*sse(delta("So far. "), done=False), gate])
    in_turn(server, held, reply("The second."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first\r")
        terminal.wait_for("reply: So far.")
        terminal.type("and then?\r")
        terminal.wait_for("queued: 1 line")
        terminal.type("/stop\r")
        terminal.wait_for("finish: cancelled", "Send the 1 queued line? yes / no:")
        terminal.settle(quiet_s=1.0)
        terminal.type(f"{answer}\r")
        terminal.wait_for("reply: The second." if answer == "yes" else "Not sent: and then?")
    gate.set()
    assert len(server.requests) == (2 if answer == "yes" else 1)


def test_the_bell_rings_at_the_end_of_a_reply_if_the_settings_say_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("[notifications]\nbell = true\n")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        assert b"\a" not in terminal.received
        terminal.type("hello\r")
        terminal.wait_until(lambda: terminal.received.count(b"\a") == 1)


def test_several_answers_and_the_source_of_a_reply(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("| a |\n|---|\n| 1 |\n")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/n 2\r")
        terminal.wait_for("Applies from the next message.")
        terminal.type("/n 1\r/n\r")
        terminal.wait_for("n: 1 reply to each message")
        terminal.type("hello\r")
        terminal.wait_for("End of table.", "tokens:")
        terminal.type("/raw\r")
        terminal.wait_for("source: | a |", "| 1 |")


def test_text_calls_and_text_are_printed_in_their_order(
    server: LoopbackServer, tmp_path: Path
) -> None:
    function = {"name": "lookup", "arguments": '{"word": "x"}'}
    chunks = (
        delta(content="Let me see."),
        delta(tool_calls=[{"index": 0, "id": "c", "function": function}]),
        delta(content="I asked."),
        delta(finish="tool_calls"),
    )
    server.answer = lambda _request: Answer(chunks=sse(*chunks))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("x?\r")
        terminal.wait_for("finish:")
        told = lines(terminal)
    first = told.index("reply: Let me see.")
    assert told[first : first + 3] == [
        "reply: Let me see.",
        'tool: the model requests lookup(word="x")',
        "reply: I asked.",
    ]


def test_the_state_of_the_hub_is_said_once(server: LoopbackServer, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    done = run_program(tmp_path, "hub", "init", f"folder:{hub}")
    assert done.returncode == 0, done.stderr
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.wait_until(lambda: _asks(terminal))
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
        assert len([line for line in lines(terminal) if "note: hub: synced" in line]) == 1


def _asks(terminal: Terminal) -> bool:
    """Press Enter until the state is printed: it waits for the next prompt."""
    terminal.type("\r")
    return "hub: synced" in terminal.screen
