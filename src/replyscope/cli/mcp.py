"""`replyscope mcp`: serves the archive to other programs as a read-only MCP server."""

import argparse
import asyncio
import importlib
from functools import partial

from replyscope import __version__
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.sharing import exporter_of
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.matching import read_query
from replyscope.domain.query import QueryError
from replyscope.domain.settings import Settings
from replyscope.engine.reading_tools import INSTRUCTIONS, reading_tools
from replyscope.engine.shared_archive import SharedArchive


async def run_mcp(arguments: argparse.Namespace, settings: Settings, wiring: Wiring) -> int:
    """Serve one client on standard input and output. Returns the exit status."""
    text = arguments.share if arguments.share is not None else settings.mcp_share or ""
    try:
        share = read_query(text)
    except QueryError as error:
        raise SettingsError(f"The query of what is shared can't be parsed: {error}.") from error
    redactor = partial(exporter_of(wiring).redactor, is_on=True)
    redactor()  # an invalid pattern of the settings ends the start
    archive = SharedArchive(
        wiring.index, wiring.store, wiring.clock, share, redactor, wiring.review.update_index
    )
    server = await asyncio.to_thread(importlib.import_module, "replyscope.serving.mcp.server")
    try:
        await server.serve_stdio("replyscope", __version__, INSTRUCTIONS, reading_tools(archive))
    finally:
        await archive.close()
    return EXIT_OK
