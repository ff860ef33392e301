"""Reads the sources of a ChatGPT reply, and removes the marks of ChatGPT from its text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Citation
from replyscope.domain.loose_json import from_json, list_of, mapping_of, name_of

Node = Mapping[str, Any]
_MARK = re.compile("\ue200([^\ue200\ue201]*)\ue201")
_PARTED = "\ue202"
_REFERENCE = re.compile(r"turn\d+\w*|\d+(?:†\S*)?")
_NESTED = ("items", "item", "sources", "supporting_websites", "fallback_items", "entries")
_FIELDS = ("content_references", "citations", "_cite_metadata", "search_result_groups",
           "image_results")  # fmt: skip
_DEEPEST = 6


def without_marks(text: str) -> str:
    """The text without references to sources; marks with words become those words."""
    return _MARK.sub(_words_of_mark, text)


def _words_of_mark(mark: re.Match[str]) -> str:
    kind, _, rest = mark[1].partition(_PARTED)
    pieces = [p for p in rest.split(_PARTED) if p and not _REFERENCE.fullmatch(p)]
    if kind == "entity" and pieces:
        names = [one for one in list_of(from_json(pieces[0])) if isinstance(one, str)]
        return (names[1:2] or names or pieces)[0]
    if kind in ("cite", "filecite") or not rest:
        return ""
    return " ".join(pieces)


def citations_of(metadata: Node) -> tuple[Citation, ...]:
    """The cited pages, each once."""
    found: dict[str, Citation] = {}
    for field in _FIELDS:
        holder = metadata.get(field)
        for one in list_of(mapping_of(holder).get("metadata_list", holder)):
            for title, url in _pages(one, _DEEPEST):
                found.setdefault(url, Citation("url", title or None, url))
    return tuple(found.values())


def _pages(reference: Any, deeper: int) -> Iterator[tuple[str, str]]:
    fields = mapping_of(reference)
    own = mapping_of(fields.get("metadata"))
    has_any = False
    for about in (fields, own):
        url = name_of(about.get("url"))
        if url:
            has_any = True
            yield name_of(about.get("title") or about.get("attribution")), url
    for name in _NESTED if deeper else ():
        for inner in list_of(fields.get(name)):
            for page in _pages(inner, deeper - 1):
                has_any = True
                yield page
    for url in () if has_any else list_of(fields.get("safe_urls")):
        if name_of(url):
            yield "", name_of(url)
