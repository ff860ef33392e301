"""Parses the citations and sources of a reply, from both APIs and from search servers. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Citation
from replyscope.provider.plain import fields_of, first_text, list_of, number_of, text_of

SOURCE_FIELDS = ("citations", "search_results", "sources", "web_search_results")
"""Fields that list the sources of a reply, as Perplexity, xAI, Cohere and GLM send them."""
_URLS = ("url", "uri", "link", "source_url")
_TITLES = ("title", "filename", "name")


def read_citation(annotation: object) -> Citation | None:
    """The citation in an annotation, flat or nested under the name of its type."""
    if isinstance(annotation, str):
        return Citation("url_citation", url=annotation) if annotation else None
    outer = fields_of(annotation)
    if not outer:
        return None
    kind = text_of(outer.get("type")) or "citation"
    inner = {**outer, **fields_of(outer.get(kind))}
    return Citation(
        kind=kind,
        title=first_text(*(inner.get(name) for name in _TITLES)) or None,
        url=first_text(*(inner.get(name) for name in _URLS)) or None,
        file_id=text_of(inner.get("file_id")),
        start=number_of(inner.get("start_index")),
        end=number_of(inner.get("end_index")),
        container_id=text_of(inner.get("container_id")),
    )


def read_sources(given: Mapping[str, Any]) -> Iterator[Citation]:
    """The sources listed with a reply, without duplicates, in the order of their numbers."""
    found: dict[object, Citation] = {}
    for name in SOURCE_FIELDS:
        for number, entry in enumerate(list_of(given.get(name))):
            citation = read_citation(entry)
            if citation is None or not (citation.url or citation.title):
                continue
            key = citation.url or (name, number)
            known = found.get(key)
            if known is None or (known.title is None and citation.title is not None):
                found[key] = Citation("url_citation", citation.title, citation.url)
    yield from found.values()
