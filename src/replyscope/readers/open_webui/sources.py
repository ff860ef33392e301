"""Reads the sources, the token counts and the error of a reply of Open WebUI."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Citation, Usage
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.domain.sound_numbers import count_of, measure_of

Node = Mapping[str, Any]
_WEB = ("http://", "https://")
_INTO = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_OUT = ("completion_tokens", "output_tokens", "eval_count")


def citations_of(node: Node) -> tuple[Citation, ...]:
    """The sources of a reply, each address or name once."""
    found: dict[str, Citation] = {}
    noted = [list_of(part.get("annotations")) for part in _content_parts(node)]
    fields = [list_of(node.get(name)) for name in ("sources", "citations", "annotations")]
    for listed in (*fields, *noted):
        for source in listed:
            for title, url in _cited(source):
                if title or url:
                    found.setdefault(url or title, Citation("url", title or None, url or None))
    return tuple(found.values())


def _content_parts(node: Node) -> Iterator[Node]:
    """The parts of the content and of the items; their annotations cite sources."""
    holders = [node, *map(mapping_of, list_of(node.get("output")))]
    for holder in holders:
        yield from map(mapping_of, list_of(holder.get("content")))


def _cited(source: Any) -> Iterator[tuple[str, str]]:
    """Each title and address that a source names."""
    if isinstance(source, str):
        yield ("", source) if source.startswith(_WEB) else (source, "")
        return
    fields = mapping_of(source)
    own = fields.get("source")
    about = mapping_of(own) or mapping_of(fields.get("url_citation")) or fields
    title = name_of(about.get("title") or about.get("name") or own)
    pages = list(_pages(fields))
    addresses = [name_of(url) for url in list_of(about.get("urls"))]
    url = name_of(about.get("url") or (own if isinstance(own, str) else None))
    known = {page for _, page in pages}
    yield from pages
    for address in filter(None, [url, *addresses]):
        if address not in known and (address.startswith(_WEB) or "/" in address):
            yield title, address
            known.add(address)
    if not known:
        yield title, ""


def _pages(fields: Node) -> Iterator[tuple[str, str]]:
    """The pages of the retrieved pieces of a source."""
    for metadata in list_of(fields.get("metadata")):
        piece = mapping_of(metadata)
        url = next((name_of(piece.get(n)) for n in ("source", "url", "link")
                    if name_of(piece.get(n)).startswith(_WEB)), "")  # fmt: skip
        if url:
            yield name_of(piece.get("title") or piece.get("name")), url


def usage_of(node: Node) -> tuple[Usage | None, float | None]:
    """The token counts of a reply and its duration in milliseconds, as the file has them."""
    info = mapping_of(node.get("info"))
    usage = mapping_of(node.get("usage")) or mapping_of(info.get("usage")) or info
    counts = Usage(
        _first(usage, _INTO),
        _first(usage, _OUT),
        usage.get("total_tokens"),
        _detail(usage, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
        reasoning_tokens=_detail(
            usage, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"
        ),
    )
    given = usage.get("total_duration")
    took_ns = measure_of(given)  # nanoseconds, as Ollama counts
    return counts if counts != Usage() else None, given if took_ns is None else took_ns / 1e6


def _first(usage: Node, names: Iterable[str]) -> Any:
    return _best([usage.get(name) for name in names])


def _detail(usage: Node, holders: Iterable[str], name: str) -> Any:
    return _best([mapping_of(usage.get(holder)).get(name) for holder in holders])


def _best(values: list[Any]) -> Any:
    """The first count; without one the first value, which becomes unknown and is reported."""
    given = [value for value in values if value is not None]
    return next((value for value in given if count_of(value) is not None), (given or [None])[0])


def error_of(value: Any, said: str) -> str:
    """The error of a reply, in the program's words. `said` is the reply's text.

    Old versions set a flag and write the reason into the text.
    """
    if value in (None, False, "", {}, []):
        return ""
    if value is True:
        return said.strip() or "The export has no reason."
    text = _reason(value)
    return text or text_of(value)


def _reason(value: Any) -> str:
    if isinstance(value, str):
        return value
    fields = mapping_of(value)
    for name in ("content", "message", "detail", "error", "msg"):
        inner = fields.get(name)
        found = _reason(inner) if isinstance(inner, str | Mapping) else ""
        if found:
            return found
    return ""
