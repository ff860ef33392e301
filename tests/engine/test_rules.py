"""Rules act on what replies turned out to be, a limited number of times, on record."""

import json
import sys
from pathlib import Path

import pytest

from replyscope.cli.rule_effects import TerminalEffects
from replyscope.config.settings import parse_settings
from replyscope.domain.ports import Clock
from replyscope.domain.rule import Rule
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import ToolSettings
from replyscope.engine.archive import Archive
from replyscope.engine.consent import Consent
from replyscope.engine.conversation import Conversation
from replyscope.engine.rules import RuleBook, usable
from replyscope.engine.tool_runner import Tooling
from replyscope.store.sqlite_store import SqliteStore
from replyscope.toolbox.toolbox import LocalToolbox
from tests.engine.test_conversation import Ids, drive
from tests.engine.test_tools import in_turn
from tests.support.build import open_chat
from tests.support.server import LoopbackServer, reply


def rules_of(text: str) -> tuple[Rule, ...]:
    return parse_settings(text, Path("settings.toml")).rules


def conversation_with(text: str, store: SqliteStore, clock: Clock, folder: Path) -> Conversation:
    rules = rules_of(text)
    box = LocalToolbox([], folder, folder / "kept", ToolSettings)
    tooling = Tooling(
        box, Consent(lambda: ()), ToolSettings, lambda: RuleBook(lambda: rules, TerminalEffects())
    )
    return Archive(store, clock, Ids(), tooling=tooling).new(SessionSettings())


async def test_a_cut_reply_is_continued_as_often_as_it_may(
    server: LoopbackServer, store: SqliteStore, clock: Clock, tmp_path: Path
) -> None:
    rule = '[[rule]]\nwhen = "finish:length"\ndo = "continue"\nmax = 2\n'
    conversation = conversation_with(rule, store, clock, tmp_path)
    in_turn(
        server,
        reply("a", finish="length"),
        reply("b", finish="length"),
        reply("c", finish="length"),
    )
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    assert conversation.read_messages()[-1].text == "abc"
    assert len(server.requests) == 3
    stored = await store.load_session(conversation.session.id)
    fired = [exchange.firings for exchange in stored.exchanges.values()]
    assert fired == [("finish:length → continue",)] * 2 + [()]


async def test_another_model_is_asked_and_the_first_reply_stays(
    server: LoopbackServer, store: SqliteStore, clock: Clock, tmp_path: Path
) -> None:
    rule = '[[rule]]\nwhen = "finish:content_filter"\ndo = "retry"\nmodel = "other"\n'
    conversation = conversation_with(rule, store, clock, tmp_path)
    in_turn(server, reply("bad", finish="content_filter"), reply("good"))
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
    assert [request["model"] for request in server.requests] == ["test-model", "other"]
    last = conversation.messages[-1]
    assert conversation.read_messages()[-1].text == "good"
    assert len(conversation.tree.siblings(last)) == 2


async def test_an_exchange_is_saved_and_given_to_a_command(
    server: LoopbackServer, store: SqliteStore, clock: Clock, tmp_path: Path
) -> None:
    kept, given = tmp_path / "kept.jsonl", tmp_path / "given.json"
    script = f"import sys; open({str(given)!r}, 'w').write(sys.stdin.read())"
    rules = (
        f'[[rule]]\nwhen = "hello"\ndo = "save"\nfile = {json.dumps(str(kept))}\n'
        f'[[rule]]\nwhen = "hello"\ndo = "run"\n'
        f"command = {json.dumps([sys.executable, '-c', script])}\n"
        '[[rule]]\nwhen = "goodbye"\ndo = "flag"\n'
    )
    conversation = conversation_with(rules, store, clock, tmp_path)
    in_turn(server, reply("Hello there"))
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        await drive(conversation, provider)
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [line["choices"][0]["text"] for line in lines] == ["Hello there"] * 2
    assert lines[0]["rules"] == ["hello → save", "hello → run"]
    assert json.loads(given.read_text())["id"] == lines[1]["id"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            'when = "finish:"\ndo = "flag"',
            "settings.toml:1: rule.when is an invalid query, at character 1",
        ),
        ('do = "flag"', "when is missing"),
        ('when = "a"', "do is missing"),
        ('when = "a"\ndo = "explode"', "allowed: continue"),
        ('when = "a"\ndo = "save"', "file is missing"),
        ('when = "a"\ndo = "run"', "command is missing"),
        ('when = "a"\ndo = "retry"\nmax = 1000', "between 1 and 20"),
        ('when = "a"\ndo = "flag"\nwhat = 1', "not a setting"),
    ],
)
def test_a_rule_that_is_wrong_names_its_place_and_the_rest_work(rule: str, words: str) -> None:
    text = f'[[rule]]\n{rule}\n[[rule]]\nwhen = "b"\ndo = "flag"\n'
    settings = parse_settings(text, Path("settings.toml"))
    assert [known.when for known in settings.rules] == ["b"]
    (fault,) = settings.rule_faults
    assert words.split(": ")[-1] in fault
    assert "settings.toml:" in fault


def test_a_field_that_there_is_not_costs_one_rule() -> None:
    good, faults = usable(
        rules_of('[[rule]]\nwhen = "colour:red"\ndo = "flag"\n[[rule]]\nwhen = "b"\ndo = "flag"\n')
    )
    assert [rule.when for rule in good] == ["b"]
    assert "no field colour" in faults[0]
