"""The engine of the vim keys: a state and a key give the next state, and what the host does."""

from dataclasses import replace

from replyscope.ui.vim import operators
from replyscope.ui.vim.commands import KeyCommand, NoCommand, read_command
from replyscope.ui.vim.lines import (
    first_word,
    line_end,
    line_start,
    moved,
    number_in,
    number_of,
    on_character,
    places_of,
    previous,
    start_of,
)
from replyscope.ui.vim.motions import MOTIONS, Reach, find
from replyscope.ui.vim.objects import find_object
from replyscope.ui.vim.regions import (
    Region,
    lines_between,
    region_of,
    selected,
    selecting,
    size_of,
)
from replyscope.ui.vim.state import Effect, Insertion, RepeatableChange, Snapshot, Vim, VimMode

_MOST_UNDO = 1_000
_ARROWS = frozenset(("up", "down", "left", "right", "home", "end", "backspace", "delete"))
_OF_HOST = _ARROWS - {"backspace", "delete"}
_INSERTS = frozenset("iaIAoO")


def begin(text: str = "", cursor: int = 0) -> Vim:
    """A state in insert mode."""
    return insert_from(Vim(text, cursor), Vim(text, cursor), RepeatableChange(("i",)))


def insert_from(before: Vim, vim: Vim, change: RepeatableChange) -> Vim:
    """Start insert mode. `before` is the state before the change, for undo."""
    return replace(
        _undoable(before, vim),
        mode=VimMode.INSERT,
        pending=(),
        wanted=None,
        insertion=Insertion(vim.text, vim.cursor, change),
    )


def synced(vim: Vim, text: str, cursor: int) -> Vim:
    """The state with the text and cursor of the host, which may have changed them: it types in
    insert mode, pastes, and moves the cursor. A change outside of insert mode can be undone.
    """
    if vim.mode is VimMode.INSERT:
        return replace(vim, text=text, cursor=cursor)
    if text != vim.text:
        vim = _undoable(vim, replace(vim, text=text, pending=(), mode=VimMode.NORMAL))
    if cursor != vim.cursor:
        mode = VimMode.NORMAL if vim.mode.is_visual else vim.mode
        vim = replace(vim, cursor=on_character(text, cursor), mode=mode, wanted=None)
    return vim


def press(vim: Vim, key: str) -> tuple[Vim, Effect]:
    """The next state after a key, by the names of Textual; a printable key is its character."""
    if vim.mode is VimMode.INSERT:
        return (leave_insert(vim), Effect.NONE) if key == "escape" else (vim, Effect.UNKNOWN)
    if key == "escape":
        is_idle = not vim.pending and vim.mode is VimMode.NORMAL
        rest = replace(_normal(vim), pending=())
        return (vim, Effect.LEAVE) if is_idle else (rest, Effect.NONE)
    if not vim.pending and vim.mode is VimMode.NORMAL:
        if key == "enter":
            return vim, Effect.SUBMIT
        if key in _OF_HOST or (key in _ARROWS and not vim.text):
            return vim, Effect.UNKNOWN
    is_known = len(key) == 1 or key in _ARROWS or key in ("enter", "ctrl+r")
    if not is_known:
        return replace(vim, pending=()), Effect.UNKNOWN
    keys = (*vim.pending, key)
    command = read_command(keys, is_visual=vim.mode.is_visual)
    if command is NoCommand.UNFINISHED:
        return replace(vim, pending=keys), Effect.NONE
    vim = replace(vim, pending=())
    if isinstance(command, NoCommand):
        return vim, Effect.NONE
    done = _run_selected(vim, command) if vim.mode.is_visual else _run(vim, command)
    return done or vim, Effect.NONE


def leave_insert(vim: Vim) -> Vim:
    """End insert mode: repeat the inserted text by the count, and keep the change for `.`."""
    inserting = vim.insertion
    if inserting is None:
        return replace(_normal(vim), cursor=_left_of(vim))
    before, after = inserting.text[: inserting.cursor], inserting.text[inserting.cursor :]
    is_whole = (
        vim.text.startswith(before)
        and vim.text.endswith(after)
        and len(vim.text) >= len(before) + len(after)
    )
    inserted = vim.text[len(before) : len(vim.text) - len(after)] if is_whole else ""
    change = replace(inserting.change, inserted=inserted)
    times = operators.bounded(change.count or 1, len(inserted)) - 1
    if times and inserted and change.keys[0] in _INSERTS:
        more = (f"\n{inserted}" if change.keys[0] in "oO" else inserted) * times
        at = len(before) + len(inserted)
        vim = replace(vim, text=vim.text[:at] + more + vim.text[at:], cursor=at + len(more))
    undo = vim.undo
    if undo and undo[-1].text == vim.text:
        undo = undo[:-1]
    vim = replace(vim, undo=undo, change=change, insertion=None, wanted=None)
    return replace(_normal(vim), cursor=_left_of(vim))


def _left_of(vim: Vim) -> int:
    return moved(vim.text, vim.cursor, -1)


def _normal(vim: Vim) -> Vim:
    at = on_character(vim.text, vim.cursor)
    return replace(vim, mode=VimMode.NORMAL, cursor=at)


def _undoable(before: Vim, after: Vim) -> Vim:
    """The state with a step to undo. What was undone can't be redone any more."""
    snapshot = Snapshot(before.text, before.cursor)
    return replace(after, undo=(*before.undo, snapshot)[-_MOST_UNDO:], redo=())


def _changed(before: Vim, after: Vim | None, change: RepeatableChange) -> Vim | None:
    """The state after a change that can be undone and repeated."""
    if after is None:
        return None
    if after.mode is VimMode.INSERT:
        return insert_from(before, after, change)
    after = replace(after, change=change, wanted=None)
    return after if after.text == before.text else _undoable(before, after)


def _reach(vim: Vim, command: KeyCommand) -> Reach | None:
    """The reach of a motion or a text object."""
    if command.character and command.key in "ia":
        return find_object(vim, command.count or 1, command.key == "a", command.character)
    if command.character:
        reach = find(vim, command.count, command.key, command.character)
        return replace(reach, found=(command.key, command.character)) if reach else None
    return MOTIONS[command.key](vim, command.count, command.operator)


def _run(vim: Vim, command: KeyCommand) -> Vim | None:
    """Run a command of normal mode; None when it fails."""
    if command.operator:
        return _operate(vim, command)
    if command.key in MOTIONS or command.key in "fFtT":
        return _moved(vim, command)
    count = command.count
    match command.key:
        case "u" | "ctrl+r":
            for _ in range(count or 1):
                vim = _travel(vim, is_redo=command.key != "u")
            return vim
        case "v" | "V":
            mode = VimMode.VISUAL if command.key == "v" else VimMode.LINES
            return replace(vim, mode=mode, anchor=vim.cursor, wanted=None)
        case ".":
            return _repeat(vim, count)
    after = _edited(vim, command)
    return _changed(vim, after, RepeatableChange(command.keys, count))


def _moved(vim: Vim, command: KeyCommand) -> Vim | None:
    reach = _reach(vim, command)
    if reach is None:
        # A search that fails is repeated by ; all the same.
        is_find = bool(command.character)
        return replace(vim, found=(command.key, command.character)) if is_find else None
    target = reach.target
    if vim.mode is not VimMode.VISUAL:
        target = on_character(vim.text, target)
    return replace(vim, cursor=target, wanted=reach.wanted, found=reach.found or vim.found)


def _operate(vim: Vim, command: KeyCommand) -> Vim | None:
    """Run an operator with its motion; None when there is nowhere to move."""
    operator, count = command.operator, command.count
    if command.key == operator:
        last = number_of(vim.text, vim.cursor) + (count or 1) - 1
        if last > vim.text.count("\n") and (count or 1) > 1 and _is_on_last_line(vim):
            return None
        region = lines_between(vim.text, vim.cursor, start_of(vim.text, last), vim.cursor)
    else:
        reach = _reach(vim, command)
        if reach is None:
            if command.keys != ("c", "l"):
                return None
            reach = Reach(vim.cursor)
        vim = replace(vim, found=reach.found or vim.found)
        region = region_of(vim, reach, operator)
    after = _applied(vim, region, operator)
    if operator == "y":
        return replace(after, wanted=None)
    return _changed(vim, after, RepeatableChange(command.keys, count))


def _is_on_last_line(vim: Vim) -> bool:
    return line_end(vim.text, vim.cursor) == len(vim.text)


def _applied(vim: Vim, region: Region, operator: str, times: int = 1) -> Vim:
    match operator:
        case "y":
            return operators.yank(vim, region)
        case "d":
            return operators.delete(vim, region)
        case "c":
            return operators.change(vim, region)
        case _:
            return operators.shift(vim, region, times if operator == ">" else -times)


def _edited(vim: Vim, command: KeyCommand) -> Vim | None:
    """Run a command that changes the text, or starts to insert."""
    text, cursor = vim.text, vim.cursor
    start, end = line_start(text, cursor), line_end(text, cursor)
    count = command.count or 1
    match command.key:
        case "i" | "a" | "I" | "A":
            places = {
                "i": cursor,
                "a": moved(text, cursor, 1),
                "I": first_word(text, cursor),
                "A": end,
            }
            return replace(vim, mode=VimMode.INSERT, cursor=places[command.key])
        case "o":
            opened = text[:end] + "\n" + text[end:]
            return replace(vim, mode=VimMode.INSERT, text=opened, cursor=end + 1)
        case "O":
            opened = text[:start] + "\n" + text[start:]
            return replace(vim, mode=VimMode.INSERT, text=opened, cursor=start)
        case "p" | "P":
            if not vim.register.text and not vim.register.is_line:
                return None
            return operators.put(vim, count, is_before=command.key == "P")
        case "J":
            return operators.join(vim, count)
        case "r":
            in_line = places_of(text, cursor)
            if number_in(in_line, cursor) + count > len(in_line) - 1:
                return None
            region = Region(cursor, moved(text, cursor, count))
            return _replaced(vim, region, command.character)
    region = Region(cursor, moved(text, cursor, count))
    if region.start == region.end:
        return None
    done = operators.with_case(vim, region, "~")
    end = region.end + len(done.text) - len(text)
    return replace(done, cursor=on_character(done.text, end))


def _replaced(vim: Vim, region: Region, character: str) -> Vim:
    """Replace characters, or all of them by one line break."""
    if character == "enter":
        text = vim.text[: region.start] + "\n" + vim.text[region.end :]
        at = first_word(text, region.start + 1)
        return replace(vim, text=text, cursor=on_character(text, at))
    done = operators.replace_characters(vim, region, character)
    last = region.end + len(done.text) - len(vim.text) - 1
    return replace(done, cursor=on_character(done.text, last))


def _travel(vim: Vim, *, is_redo: bool) -> Vim:
    """Undo or redo a change. The cursor goes to the first changed line, to its column before the
    change if it was there.
    """
    stack = vim.redo if is_redo else vim.undo
    if not stack:
        return vim
    step = stack[-1]
    other = Snapshot(vim.text, step.cursor)
    undo = (*vim.undo, other) if is_redo else vim.undo[:-1]
    redo = vim.redo[:-1] if is_redo else (*vim.redo, other)
    row = _first_difference(vim.text, step.text)
    origin = vim.text if is_redo else step.text
    saved = number_of(origin, step.cursor)
    row = saved if saved + 1 == row else row
    start = start_of(step.text, row)
    at = first_word(step.text, start)
    if saved == row:
        at = start + step.cursor - line_start(origin, step.cursor)
        at = min(at, line_end(step.text, start))
    at = on_character(step.text, at)
    return replace(vim, text=step.text, cursor=at, undo=undo, redo=redo, wanted=None)


def _first_difference(one: str, other: str) -> int:
    """The number of the first line that differs."""
    rows = zip(one.split("\n"), other.split("\n"), strict=False)
    number = 0
    for first, second in rows:
        if first != second:
            break
        number += 1
    return number


def _repeat(vim: Vim, count: int | None) -> Vim | None:
    """Repeat the last change, with another count if there is one."""
    change = vim.change
    if change is None:
        return None
    change = replace(change, count=change.count if count is None else count)
    if change.selected is not None:
        command = _command(change)
        done = _run_selected(selecting(vim, change.selected), command)
        done = replace(done, undo=_rebased(done, vim)) if done is not None else None
    else:
        done = _run(vim, _command(change))
    if done is None or done.mode is not VimMode.INSERT:
        return done
    at = done.cursor
    typed = done.text[:at] + change.inserted + done.text[at:]
    done = leave_insert(replace(done, text=typed, cursor=at + len(change.inserted)))
    return replace(done, change=change)


def _rebased(done: Vim, before: Vim) -> tuple[Snapshot, ...]:
    """The undo steps, of which the last has the cursor before the selection was made."""
    if len(done.undo) == len(before.undo):
        return done.undo
    return (*done.undo[:-1], Snapshot(before.text, before.cursor))


def _command(change: RepeatableChange) -> KeyCommand:
    read = read_command(change.keys, is_visual=change.selected is not None)
    assert isinstance(read, KeyCommand)
    return replace(read, count=change.count)


def _run_selected(vim: Vim, command: KeyCommand) -> Vim | None:
    """Run a command of visual mode; None when it fails."""
    key = command.key
    if command.character and key in "ia":
        reach = _reach(vim, command)
        return _selecting_object(vim, reach) if reach is not None else None
    if key in MOTIONS or key in "fFtT":
        return _moved(vim, command)
    if key == "o":
        return replace(vim, anchor=vim.cursor, cursor=vim.anchor, wanted=None)
    if key in "vV":
        mode = VimMode.VISUAL if key == "v" else VimMode.LINES
        return _normal(vim) if mode is vim.mode else replace(vim, mode=mode)
    change = RepeatableChange(command.keys, command.count, selected=size_of(vim))
    if key in "DXYCSR":
        vim, key = replace(vim, mode=VimMode.LINES), {"X": "d"}.get(key, key.lower())
        key = "c" if key in "sr" else key
    region = selected(vim)
    before = replace(vim, cursor=min(vim.cursor, vim.anchor))
    return _changed(before, _edited_region(vim, region, key, command), change)


def _selecting_object(vim: Vim, reach: Reach) -> Vim:
    start = vim.cursor if reach.start is None else reach.start
    if reach.is_line:
        last = line_end(vim.text, reach.target)
        at = on_character(vim.text, last)
        return replace(vim, mode=VimMode.LINES, anchor=start, cursor=at, wanted=None)
    last = reach.target
    if not reach.is_inclusive:
        last = max(start, previous(vim.text, last))
    return replace(vim, mode=VimMode.VISUAL, anchor=start, cursor=last, wanted=None)


def _edited_region(vim: Vim, region: Region, key: str, command: KeyCommand) -> Vim | None:
    """Run a command on a selection."""
    count = command.count or 1
    match key:
        case "y" | "d" | "c":
            return _applied(vim, region, key)
        case "x":
            return _applied(vim, region, "d")
        case "s":
            return _applied(vim, region, "c")
        case "<" | ">":
            return _applied(vim, region, key, count)
        case "p" | "P":
            return operators.put_over(vim, region, count)
        case "J":
            rows = vim.text.count("\n", region.start, region.end) + 1
            return operators.join(replace(vim, cursor=region.start), rows)
        case "r":
            character = "\n" if command.character == "enter" else command.character
            return operators.replace_characters(vim, region, character)
        case _:
            return operators.with_case(vim, region, key)
