"""The names of keys, as every screen shows them."""

from textual.keys import format_key

_NAMES = {
    "backspace": "Backspace",
    "delete": "Del",
    "down": "↓",
    "end": "End",
    "enter": "Enter",
    "escape": "Esc",
    "home": "Home",
    "insert": "Ins",
    "left": "←",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "right": "→",
    "space": "Space",
    "tab": "Tab",
    "up": "↑",
}


def key_name(key: str) -> str:
    """The name of one key of Textual: `ctrl+t` is "Ctrl+T", `shift+l` is "L"."""
    *modifiers, last = key.split("+")
    if modifiers == ["shift"] and len(last) == 1:
        return last.upper()
    name = _NAMES.get(last) or format_key(last)
    if modifiers or _is_function_key(last):
        name = name.upper() if len(name) == 1 or _is_function_key(last) else name
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


def _is_function_key(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdecimal()


def is_typed(key: str) -> bool:
    """Whether a key types a character in a text field."""
    last = key.removeprefix("shift+")
    if last in _NAMES or "+" in last:
        return last == "space"
    return len(format_key(last)) == 1
