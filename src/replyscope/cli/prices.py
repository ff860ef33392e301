"""`replyscope prices`: downloads the price list on request."""

import argparse
import asyncio
import importlib

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.plural import plural


async def run_prices(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status. Raises ReplyscopeError."""
    prices = await asyncio.to_thread(importlib.import_module, "replyscope.provider.price_list")
    path = wiring.paths.price_list
    number = await asyncio.to_thread(prices.refresh_prices, path, arguments.url)
    print(f"Prices of {plural(number, 'model')} were saved in {path}.")
    return EXIT_OK
