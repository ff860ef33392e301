"""A model of the merge of whole archives, from the rules of `domain/hub_merge.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replyscope.domain.hub import Stamp
from replyscope.domain.hub_merge import HEAD, Fields, merge_fields, wins


@dataclass(frozen=True, slots=True)
class Item:
    """A message or an exchange: its content, and the stamp under which it was saved."""

    session_id: str
    parent_id: str | None
    content: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Replica:
    """Everything that one machine knows: sessions, the items of their trees, and purged ids."""

    sessions: Mapping[str, Fields] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    purged: frozenset[str] = frozenset()

    def head_of(self, session_id: str) -> str | None:
        """The last message of the current branch. A head that is not in the tree is replaced by
        the newest message of the tree.
        """
        tree = {key: one for key, one in self.items.items() if one.session_id == session_id}
        named = self.sessions.get(session_id, {}).get(HEAD)
        if named is not None and named.value in tree:
            return str(named.value)
        return max(tree, key=lambda key: (tree[key].stamp, key), default=None)


def merge_replicas(ours: Replica, theirs: Replica) -> Replica:
    """Everything that one of two machines knows, without what one of them has purged."""
    purged = ours.purged | theirs.purged
    names = (ours.sessions.keys() | theirs.sessions.keys()) - purged
    sessions = {
        name: merge_fields(ours.sessions.get(name, {}), theirs.sessions.get(name, {}))
        for name in names
    }
    items = dict(ours.items)
    for key, one in theirs.items.items():
        known = items.get(key)
        if known is None or wins(one.stamp, known.stamp):
            items[key] = one
    kept = {key: one for key, one in items.items() if one.session_id not in purged}
    return Replica(sessions, kept, purged)
