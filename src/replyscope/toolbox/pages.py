"""Fetches all pages of a server's tool list, with limits on time, pages and tools."""

import asyncio

from mcp import Client, MCPError

from replyscope.toolbox.listing import ListedTool, Listing, find_tools
from replyscope.toolbox.raw_results import raw_result

_MOST_PAGES = 100
_MOST_TOOLS = 1_000


async def list_tools(client: Client, limit_s: float) -> Listing:
    """The tools, each name once. An error after the first page becomes a note.

    An empty cursor is valid; a repeated cursor ends the list. Raises MCPError, TimeoutError.
    """
    listing = Listing()
    known: dict[str, ListedTool] = {}
    try:
        async with asyncio.timeout(limit_s):
            await _read_pages(client, listing, known)
    except (MCPError, TimeoutError) as error:
        if not known:
            raise
        why = f"{error}" or f"no answer within {limit_s:g} s"
        listing.notes.append(f"its list of tools is incomplete ({why})")
    if len(known) > _MOST_TOOLS:
        listing.notes.append(f"it has more than {_MOST_TOOLS:,} tools; the rest is skipped")
    listing.tools = list(known.values())[:_MOST_TOOLS]
    listing.notes = list(dict.fromkeys(listing.notes))[:_MOST_TOOLS]
    return listing


async def _read_pages(client: Client, listing: Listing, known: dict[str, ListedTool]) -> None:
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        found = find_tools(raw_result(page).get("tools"))
        listing.notes += found.notes
        for tool in found.tools:
            if known.setdefault(tool.name, tool) != tool:
                listing.notes.append(f"{tool.name}: it is listed twice; the first one is used")
        cursor = page.next_cursor
        if cursor is None or cursor in seen or len(known) > _MOST_TOOLS:
            return
        seen.add(cursor)
    listing.notes.append(f"its list of tools has more than {_MOST_PAGES} pages")
