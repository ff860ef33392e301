"""The forms of the arguments of commands, as in `PRESET|save PRESET|off`, and their completion.

A word in capitals is a placeholder, any other is typed literally. `|` separates alternatives, a
part in brackets can be left out, and `...` repeats the part before it. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

Row = tuple[str, str]
"""A completion and its help."""
Values = Callable[[str, str], Iterable[Row]]
"""Returns the known values of a placeholder (first text) for a typed prefix (second text)."""
_MOST_ROWS = 100
_LEAST_INSIDE = 2
"""The characters from which a text is also searched inside of the values."""
_REPEATS = " ..."


def complete_argument(form: str, typed: str, values: Values) -> list[Row]:
    """The completions of an argument that is typed up to the cursor, each as a whole argument.
    Completions that begin with the text come first. None if the argument is complete.
    """
    begin: dict[str, str] = {}
    inside: dict[str, str] = {}
    for parts in _alternatives(form):
        for part, prefix, has_more in _places(parts, typed):
            head = typed[: len(typed) - len(prefix)]
            wanted = prefix.casefold()
            for value, about in _candidates(part, prefix, values, has_more):
                if value.casefold().startswith(wanted):
                    begin.setdefault(head + value, about)
                elif len(wanted) >= _LEAST_INSIDE and wanted in value.casefold():
                    inside.setdefault(head + value, about)
    rows = [*begin.items(), *inside.items()]
    return [] if [value for value, _ in rows] == [typed] else rows[:_MOST_ROWS]


def _alternatives(form: str) -> list[list[str]]:
    """The alternatives of a form, each as its parts."""
    whole = _split(form, " ")
    if len(whole) == 1 and form.startswith("["):
        form = form[1:-1]
    return [_split(one, " ") for one in _split(form, "|")]


def _split(text: str, separator: str) -> list[str]:
    """Split a form at a separator outside of brackets. The dots of a repetition stay."""
    parts, depth = [""], 0
    for character in text.replace(_REPEATS, "\0"):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == separator and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.replace("\0", _REPEATS) for part in parts if part]


def _places(parts: Sequence[str], typed: str) -> Iterator[tuple[str, str, bool]]:
    """The parts that the end of a text can be of: each with its typed beginning, and whether
    other parts follow.
    """
    if not parts:
        return
    part, *others = parts
    is_optional = part.startswith("[")
    part = part.removeprefix("[").removesuffix("]") if is_optional else part
    repeats = part.endswith(_REPEATS)
    part = part.removesuffix(_REPEATS)
    word, space, rest = typed.partition(" ")
    if not space or (not others and not repeats):  # the last value may contain spaces
        yield part, typed, bool(others)
    if space and (_is_placeholder(part) or word in part.split("|")):
        yield from _places(parts if repeats else others, rest)
    if is_optional:
        yield from _places(others, typed)


def _candidates(part: str, prefix: str, values: Values, has_more: bool) -> Iterator[Row]:
    for one in part.split("|"):
        rows = values(one, prefix) if _is_placeholder(one) else [(one, "")]
        for value, about in rows:
            yield (f"{value} " if has_more else value), about


def _is_placeholder(part: str) -> bool:
    return part.upper() == part
