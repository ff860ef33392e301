"""Reads the tree of messages of another program.

Parents and children both name the links. Either of them may be missing or null.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.loose_json import list_of, mapping_of, name_of

Links = dict[str, tuple[str, list[str]]]


def links_of(nodes: Mapping[str, Any], parent: str, children: str) -> Links:
    """The parent ("" for none) and the children of each node; the field names are parameters.

    A node that is null or missing keeps its place in the tree if others name it.
    """
    listed: dict[str, str] = {}
    named: Links = {}
    for key, node in nodes.items():
        fields = mapping_of(node)
        own = [name_of(child) for child in list_of(fields.get(children))]
        named[key] = (name_of(fields.get(parent)), own)
        for child in own:
            listed.setdefault(child, key)
    absent = {above for above, _ in named.values() if above and above not in named}
    for key in absent:
        named[key] = ("", [])
    return {
        key: (above if above in named else listed.get(key, ""), own)
        for key, (above, own) in named.items()
    }


def parents_first(links: Links) -> Iterator[str]:
    """The nodes, each after its parent. In a cycle the first node becomes a root."""
    seen: set[str] = set()
    children: dict[str, list[str]] = {}
    for key, (parent, named) in links.items():
        children.setdefault(parent, []).append(key)
        children.setdefault(key, [])[:0] = [c for c in named if c in links and links[c][0] == key]
    roots = [key for key, (parent, _) in links.items() if parent not in links]
    for start in (*roots, *links):
        waiting = [start]
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                yield key
                waiting += reversed(children.get(key, ()))
