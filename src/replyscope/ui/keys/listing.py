"""The keys of a widget class for the help, with the keys that a person has changed."""

from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from replyscope.ui.keys.entries import KeyRow, joined_names
from replyscope.ui.keys.names import is_typed
from replyscope.ui.terminal.textual_internals import bindings_in


def rows_of(app: App[Any], kind: type[DOMNode], *, typed: bool | None = None) -> list[KeyRow]:
    """One row for each binding with an id. With `typed` true only bindings of printable keys,
    which insert text while a text field has the focus; with false only all other bindings.
    """
    found: dict[str, tuple[Binding, list[str]]] = {}
    for binding in bindings_in(kind, app):
        if binding.id is not None:
            found.setdefault(binding.id, (binding, []))[1].append(binding.key)
    return [
        KeyRow(joined_names(keys), binding.description, binding.id or "")
        for binding, keys in found.values()
        if typed is None or typed == (is_typed(binding.key) and not binding.priority)
    ]
