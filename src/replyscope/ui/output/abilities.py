"""Derives the abilities of a terminal from its environment. Old terminals would print queries."""

from collections.abc import Mapping

from replyscope.ui.output.sequences import Abilities

_ERASE = ("xterm", "tmux", "alacritty", "foot", "wezterm", "vte", "konsole", "rxvt", "st-")
"""Names of terminals that erase with the background of the pen. GNU Screen and the console of
Linux are not among them."""
_REPEAT = ("xterm-kitty", "xterm-ghostty", "foot", "alacritty", "wezterm")
"""Names of terminals that repeat any character. tmux repeats ASCII only."""


def is_gnu_screen(environment: Mapping[str, str]) -> bool:
    """Whether a program with these variables runs in GNU Screen."""
    return bool(environment.get("STY")) or (
        environment.get("TERM", "").startswith("screen") and not environment.get("TMUX")
    )


def abilities_of(environment: Mapping[str, str]) -> Abilities:
    """The abilities of the terminal that a program with these variables runs in.

    `xterm-256color` is the name of almost every terminal, so REP needs another sign.
    """
    name = environment.get("TERM", "")
    if is_gnu_screen(environment):
        return Abilities()
    in_tmux = bool(environment.get("TMUX"))
    return Abilities(
        erases_in_colour=in_tmux or name.startswith(_ERASE),
        repeats=name.startswith(_REPEAT)
        or (
            not in_tmux and any(environment.get(one) for one in ("VTE_VERSION", "KITTY_WINDOW_ID"))
        ),
    )
