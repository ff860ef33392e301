"""What a terminal can do is read from its environment."""

import pytest

from replyscope.ui.output.abilities import abilities_of
from replyscope.ui.output.sequences import Abilities


@pytest.mark.parametrize(
    ("environment", "abilities"),
    [
        ({"TERM": "xterm-256color"}, Abilities(erases_in_colour=True)),
        ({"TERM": "xterm-kitty"}, Abilities(erases_in_colour=True, repeats=True)),
        (
            {"TERM": "xterm-256color", "VTE_VERSION": "7600"},
            Abilities(erases_in_colour=True, repeats=True),
        ),
        (
            {"TERM": "screen-256color", "TMUX": "/tmp/x,1,0", "KITTY_WINDOW_ID": "1"},
            Abilities(erases_in_colour=True),
        ),
        ({"TERM": "screen.xterm-256color", "STY": "1.pts"}, Abilities()),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x,1,0"}, Abilities(erases_in_colour=True)),
        ({"TERM": "linux"}, Abilities()),
        ({}, Abilities()),
    ],
)
def test_the_abilities_of_terminals(environment: dict[str, str], abilities: Abilities) -> None:
    assert abilities_of(environment) == abilities
