"""The keys of the present focus, read from the bindings that are active on a screen."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode
from textual.screen import Screen

from replyscope.domain.values import dataclass
from replyscope.ui.keys.names import key_name
from replyscope.ui.terminal.textual_internals import bindings_of

_LIBRARY_WORDS = {
    ("Input", "submit"): "accept",
    ("OptionList", "select"): "choose",
    ("SelectionList", "select"): "tick",
    ("Button", "press"): "press",
}
"""The words of keys that Textual's own widgets hide, by widget class and action."""


class KeyGuide:
    """Orders the keys of a screen, and hides keys that do nothing now. This base class keeps the
    order of the bindings.
    """

    def order(self) -> Sequence[str]:
        """The binding ids of the present focus, most useful first; the action of a binding
        without an id. Other keys follow.
        """
        return ()

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding now, usually `word`; empty hides a key that does nothing."""
        return word

    def note(self) -> str:
        """A question that the keys answer, shown before the keys; empty without one."""
        return ""


def order_of_pane(
    orders: Mapping[type[Any], tuple[str, ...]], focused: object, otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """The order of the pane that is focused."""
    return next((ids for pane, ids in orders.items() if isinstance(focused, pane)), otherwise)


@dataclass(frozen=True, slots=True)
class FixedGuide(KeyGuide):
    """A constant guide: the keys that come first, and the hidden keys."""

    first: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    def order(self) -> Sequence[str]:
        """The keys that come first."""
        return self.first

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding; empty if it is hidden."""
        return "" if (binding.id or binding.action) in self.hidden else word


@runtime_checkable
class Guided(Protocol):
    """A screen with a guide to its keys."""

    key_guide: KeyGuide


def guide_of(screen: Screen[Any]) -> KeyGuide:
    """The guide to the keys of a screen."""
    return screen.key_guide if isinstance(screen, Guided) else _NO_GUIDE


_NO_GUIDE = KeyGuide()


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """Keys with one meaning. `keys` are Textual's names; a click presses the first."""

    keys: tuple[str, ...]
    word: str
    id: str

    @property
    def shown(self) -> str:
        """The names of the keys: "j/k"."""
        return "/".join(map(key_name, self.keys))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row of a list of keys: the names of the keys, the help text, the id for the key map, and
    whether the key works with every focus.
    """

    keys: str
    text: str
    id: str = ""
    is_everywhere: bool = False


def binding_word(active: ActiveBinding) -> str:
    """The label of a binding in the footer: its group's description, else its own; empty if it
    is hidden.
    """
    binding = active.binding
    if binding.group is not None:
        return binding.group.description
    if binding.show and not binding.system and binding.description:
        return binding.description[0].lower() + binding.description[1:]
    for kind in type(active.node).__mro__:
        word = _LIBRARY_WORDS.get((kind.__name__, binding.action))
        if word:
            return word
    return ""


@dataclass(frozen=True, slots=True)
class _Offered:
    """A binding that does something now. Bindings of one `place` share an entry of the footer."""

    active: ActiveBinding
    word: str
    place: tuple[int, str]


def footer_entries(screen: Screen[Any]) -> list[KeyEntry]:
    """The entries of the footer, most useful first. Of the keys of one action only the first
    is listed; the actions of a binding group share an entry.
    """
    keys: dict[tuple[int, str], dict[str, str]] = {}
    heads: dict[tuple[int, str], _Offered] = {}
    for offered in _offered(screen):
        binding = offered.active.binding
        heads.setdefault(offered.place, offered)
        keys.setdefault(offered.place, {}).setdefault(binding.action, binding.key)
    return [
        KeyEntry(tuple(keys[place].values()), head.word, _id(head.active))
        for place, head in heads.items()
    ]


def key_rows(screen: Screen[Any]) -> list[KeyRow]:
    """The keys of the present focus with their help, most useful first, one row an action."""
    rows: dict[tuple[DOMNode, str], tuple[_Offered, list[str]]] = {}
    for offered in _offered(screen):
        binding = offered.active.binding
        rows.setdefault((offered.active.node, binding.action), (offered, []))[1].append(binding.key)
    return [
        KeyRow(
            joined_names(keys),
            offered.active.binding.description or offered.word,
            _id(offered.active),
            is_everywhere=offered.active.binding.priority or offered.active.node is screen.app,
        )
        for offered, keys in rows.values()
    ]


def _offered(screen: Screen[Any]) -> list[_Offered]:
    """The bindings that do something now, most useful first, grouped by entry."""
    guide = guide_of(screen)
    found: dict[tuple[int, str], list[_Offered]] = {}
    for active in screen.active_bindings.values():
        own = binding_word(active)
        word = own and guide.word(active.binding, own)
        if word and active.enabled:
            group = active.binding.group
            place = id(active.node), group.description if group else active.binding.action
            found.setdefault(place, []).append(_Offered(active, word, place))
    order = guide.order()
    places = {id: number for number, id in enumerate(order)}
    entries = sorted(found.values(), key=lambda one: places.get(_id(one[0].active), len(order)))
    return [offered for entry in entries for offered in entry]


def _id(active: ActiveBinding) -> str:
    return active.binding.id or active.binding.action


def first_key(screen: Screen[Any], id: str) -> str:
    """The name of the first key of a binding of the screen, by its id."""
    found = (key_name(binding.key) for binding in bindings_of(screen) if binding.id == id)
    return next(found, "")


def joined_names(keys: Sequence[str]) -> str:
    """The names of keys, each once."""
    return " ".join(dict.fromkeys(map(key_name, keys)))
