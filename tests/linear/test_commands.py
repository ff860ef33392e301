"""The words of the linear chat are those of the app."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from replyscope.engine.command_names import find_command
from replyscope.linear import consent, typed_ahead
from replyscope.linear.chat import LinearChat
from replyscope.linear.command_table import FULL_SCREEN, SETTINGS, LinearCommand
from replyscope.linear.engine_thread import EngineThread
from replyscope.linear.signals import Signals
from replyscope.linear.terminal import LineTerminal
from replyscope.ui.chat import consent_card
from replyscope.ui.chat.command_table import SLASH_COMMANDS
from replyscope.ui.chat.consent import ConsentPrompt
from tests.support.server import LoopbackServer
from tests.ui.app import make_services

Commands = tuple[LinearCommand, ...]


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    """The commands of a linear chat."""
    signals = Signals()
    engine = EngineThread(signals)
    terminal = LineTerminal(signals, is_plain=True)
    yield LinearChat(make_services(tmp_path, None), terminal, engine).commands
    engine.stop()


def test_every_command_of_the_app_is_here_or_says_where_it_is(commands: Commands) -> None:
    names = {name for command in commands for name in (command.name, *command.aliases)}
    missing = {command.name for command in SLASH_COMMANDS} - names
    assert missing == set(FULL_SCREEN)
    assert {command.name for command in commands} >= set(SETTINGS)


def test_names_are_unique_and_aliases_lead_to_commands(commands: Commands) -> None:
    names = [command.name for command in commands]
    assert len(names) == len(set(names))
    aliases = [alias for command in commands for alias in command.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(names)


def test_a_command_is_found_by_a_unique_beginning(commands: Commands) -> None:
    assert _name(find_command(commands, "insp")) == "inspect"
    assert _name(find_command(commands, "exit")) == "quit"
    assert find_command(commands, "s") is None
    assert find_command(commands, "") is None


def test_each_command_is_one_sentence_of_the_help(commands: Commands) -> None:
    for command in commands:
        assert command.sentence.startswith(f"/{command.name}")
        assert command.sentence.endswith(".")
        assert command.sentence.isascii()


def test_consent_has_the_rules_of_the_card() -> None:
    assert consent.MOST_SHOWN == consent_card._MOST_SHOWN
    assert typed_ahead.LOOK_S == ConsentPrompt.LOOK_S


def _name(command: LinearCommand | None) -> str:
    assert command is not None
    return command.name


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_tab_completes_the_argument_of_a_command(server: LoopbackServer, tmp_path: Path) -> None:
    from tests.stories.test_linear import start

    with start(tmp_path, server, TERM="xterm") as terminal:
        terminal.wait_for("you:")
        terminal.type("/api res\t\r")
        terminal.wait_for("/api responses")
        terminal.type("/context pyt\t\r")
        terminal.wait_for("/context python")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
