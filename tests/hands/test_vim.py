"""The vim keys do what vim does: each case is compared with the results of a real vim."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.ui.vim.engine import begin, press, synced
from replyscope.ui.vim.lines import on_character
from replyscope.ui.vim.state import Effect, Vim, VimMode
from tests.hands.vim_keys import CASES

if sys.platform != "win32":
    from tests.hands.real_vim import VIM, run_vim
else:
    VIM = None

RESULTS = [
    (text, cursor)
    for text, cursor in json.loads(Path(__file__).with_name("vim_results.json").read_text())
]
"""The text and the cursor after each case, as vim 9.0 leaves them."""
_NAMES = {"\x1b": "escape", "\r": "enter", "\x12": "ctrl+r"}


def type_keys(vim: Vim, keys: str) -> Vim:
    """The state after keys. The text of insert mode is typed as the composer does it."""
    for key in keys:
        if vim.mode is VimMode.INSERT and key != "\x1b":
            text = vim.text[: vim.cursor] + key + vim.text[vim.cursor :]
            vim = replace(vim, text=text, cursor=vim.cursor + 1)
        else:
            vim, _ = press(vim, _NAMES.get(key, key))
    return vim


@pytest.mark.parametrize(
    ("case", "result"),
    list(zip(CASES, RESULTS, strict=True)),
    ids=[f"{keys!r} at {cursor}" for _, cursor, keys in CASES],
)
def test_keys_leave_the_text_and_the_cursor_as_vim_does(
    case: tuple[str, int, str], result: tuple[str, int]
) -> None:
    text, cursor, keys = case
    vim = type_keys(Vim(text, cursor, VimMode.NORMAL), f"{keys}\x1b\x1b")
    assert (vim.text, vim.cursor, vim.mode) == (*result, VimMode.NORMAL)


@pytest.mark.skipif(VIM is None, reason="needs vim and a pty")
def test_the_results_are_those_of_a_real_vim(tmp_path: Path) -> None:
    assert run_vim(tmp_path, CASES) == RESULTS


_KEYS = st.text(
    alphabet='hjklwbeWBEG0^$gft;,xXDCsSr~JdcypPuviIaAoOV.<>3("{}p \x1b\x12\rqz', max_size=30
)


@given(st.text(alphabet='ab ("\n.', max_size=20), _KEYS)
def test_any_keys_leave_a_valid_state_and_all_can_be_undone(text: str, keys: str) -> None:
    vim = type_keys(begin(text), f"\x1b{keys}")
    assert 0 <= vim.cursor <= len(vim.text)
    assert 0 <= vim.anchor <= len(vim.text) or not vim.mode.is_visual
    vim = type_keys(vim, "\x1b\x1b" + "u" * (len(keys) + 2))
    assert vim.text == text


@pytest.mark.parametrize(
    ("keys", "key", "effect"),
    [
        ("\x1b", "escape", Effect.LEAVE),
        ("\x1b", "enter", Effect.SUBMIT),
        ("\x1bd", "escape", Effect.NONE),
        ("\x1bv", "escape", Effect.NONE),
        ("", "enter", Effect.UNKNOWN),
        ("", "a", Effect.UNKNOWN),
        ("\x1b", "f2", Effect.UNKNOWN),
        ("\x1b", "up", Effect.UNKNOWN),
        ("\x1bd", "left", Effect.NONE),
        ("\x1b", "Q", Effect.NONE),
    ],
)
def test_the_host_is_told_what_is_left_to_it(keys: str, key: str, effect: Effect) -> None:
    assert press(type_keys(begin("one"), keys), key)[1] is effect


@pytest.mark.parametrize("keys", ["99999p", "v99999p", "99999ax\x1b.99999.", "V99999>", "99999P"])
def test_a_huge_count_does_not_fill_the_memory(keys: str) -> None:
    text = "word one two\n" * 80
    vim = type_keys(begin(text), f"\x1bggVGyV\x1b{keys}")
    assert len(vim.text) < 2_200_000


def test_a_change_of_the_host_can_be_undone_in_normal_mode() -> None:
    vim = type_keys(begin("one"), "\x1b")
    vim = type_keys(synced(vim, "one pasted", 9), "u")
    assert vim.text == "one"


def test_a_change_of_insert_mode_is_one_step_to_undo() -> None:
    vim = type_keys(begin(), "some words\nof text\x1bu")
    assert vim.text == ""


ACUTE = "\u0301"


def accented(text: str) -> str:
    """A text in which each letter is two code points, and one character."""
    return "".join(f"{one}{ACUTE}" if one.isalpha() else one for one in text)


_MOVES = st.text(alphabet="hjklwbeWBEG0^$gxXDCs~JdcypPuviIaAoOV.<>3{} \x1b", max_size=30)


@given(st.text("ab .\n", max_size=30), st.integers(0, 30), _MOVES)
def test_a_character_of_several_code_points_is_one_for_every_key(
    text: str, cursor: int, keys: str
) -> None:
    at = on_character(text, min(cursor, len(text)))
    plain = type_keys(Vim(text, at, VimMode.NORMAL), keys)
    start = len(accented(text[:at]))
    marked = type_marked(Vim(accented(text), start, VimMode.NORMAL), keys)
    assert marked.text == accented(plain.text)
    assert marked.cursor == len(accented(plain.text[: plain.cursor]))
    assert marked.mode is plain.mode


def type_marked(vim: Vim, keys: str) -> Vim:
    """The state after keys; letters are typed with an accent in insert mode."""
    for key in keys:
        if vim.mode is VimMode.INSERT and key != "\x1b":
            typed = accented(key)
            text = vim.text[: vim.cursor] + typed + vim.text[vim.cursor :]
            vim = replace(vim, text=text, cursor=vim.cursor + len(typed))
        else:
            vim, _ = press(vim, _NAMES.get(key, key))
    return vim


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "cursor", "keys", "result"),
    [
        (f"a{FAMILY}b", 1, "x", ("ab", 1)),
        (f"a{FAMILY}b", 0, "lx", ("ab", 1)),
        (f"a{FAMILY}b", 6, "hx", ("ab", 1)),
        (f"a{FAMILY}b", 0, "lrz", ("azb", 1)),
        (f"a{FAMILY}b", 0, "3rz", ("zzz", 2)),
        (f"a{FAMILY}b", 0, "vlld", ("", 0)),
        (f"a{FAMILY}b", 0, "vlrz", ("zzb", 0)),
        (f"a{FAMILY}b", 0, "ylp", (f"aa{FAMILY}b", 1)),
        (f"a{FAMILY}b", 1, "ylP", (f"a{FAMILY}{FAMILY}b", 1)),
        (f"e{ACUTE}e", 0, "~", (f"E{ACUTE}e", 2)),
        (f"e{ACUTE}e", 0, "fex", (f"e{ACUTE}", 0)),
        (f"e{ACUTE}e b", 0, "dw", ("b", 0)),
        (f"one\n{FAMILY}x", 1, "jx", (f"one\n{FAMILY}", 4)),
        ("straße", 4, "~", ("straSSe", 6)),
        ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 0, "x", ("\U0001f1eb\U0001f1f7", 0)),
    ],
)
def test_keys_take_whole_characters(
    text: str, cursor: int, keys: str, result: tuple[str, int]
) -> None:
    vim = type_keys(Vim(text, cursor, VimMode.NORMAL), f"{keys}\x1b")
    assert (vim.text, vim.cursor) == result
