"""The table of commands: what keys, slash commands, palette and help are made from."""

from collections import Counter

from textual.binding import Binding

from replyscope.engine.command_names import find_command, nearest_name
from replyscope.ui.chat.command_table import CHAT_KEYS, COMMANDS, SLASH_COMMANDS


def test_no_two_commands_share_a_name_a_key_or_a_place() -> None:
    keys = [command.key for command in COMMANDS if command.key is not None]
    names = Counter(one for c in COMMANDS for one in (c.name, *c.aliases))
    typed = Counter(one for key in keys for one in key.keys.split(","))
    ids = Counter(key.id for key in keys)
    for counted in (names, typed, ids):
        assert [one for one, times in counted.items() if times > 1] == []
    assert sorted(key.place for key in keys) == list(range(1, len(keys) + 1))


def test_each_key_runs_its_command_and_keeps_its_name_for_remapping() -> None:
    bindings = {b.id: b.action for b in CHAT_KEYS if isinstance(b, Binding)}
    keys = [(command.key, command.name) for command in COMMANDS if command.key is not None]
    verbs = {True: "press", False: "run"}  # a key that sends a request asks first
    assert bindings == {key.id: f"{verbs[bool(key.asks)]}({name!r})" for key, name in keys}
    asking = [name for key, name in keys if key.asks]
    assert asking == ["run", "retry", "continue", "raise"]


def test_each_command_can_be_reached() -> None:
    assert [c.name for c in COMMANDS if c.key is None and not c.help] == []


def test_a_command_is_found_by_a_beginning_that_no_other_has() -> None:
    for command in SLASH_COMMANDS:
        assert find_command(SLASH_COMMANDS, command.name) is command
    found = find_command(SLASH_COMMANDS, "ren")
    assert found is not None
    assert found.name == "rename"
    assert find_command(SLASH_COMMANDS, "re") is None
    assert find_command(SLASH_COMMANDS, "") is None


def test_the_commands_of_other_chats_work() -> None:
    wanted = {
        "clear": "new",
        "resume": "resume",
        "exit": "quit",
        "quit": "quit",
        "settings": "settings",
        "cost": "cost",
        "usage": "cost",
        "retry": "retry",
        "copy": "copy",
        "n": "n",
    }
    found = {name: find_command(SLASH_COMMANDS, name) for name in wanted}
    assert {name: one.name for name, one in found.items() if one is not None} == wanted


def test_the_nearest_command_is_found_for_a_mistyped_name() -> None:
    nearest = {"attahc": "attach", "modle": "model", "re": "responses", "exti": "exit", "": None}
    assert {typed: nearest_name(SLASH_COMMANDS, typed) for typed in nearest} == nearest
    assert nearest_name(SLASH_COMMANDS, "zzzzzz") is None
