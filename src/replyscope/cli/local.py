"""`replyscope local`: list, install and remove the embedded models."""

import argparse

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.target import install_showing_progress
from replyscope.cli.wiring import Wiring
from replyscope.inspection.figures import size
from replyscope.local.catalogue import find_weights


async def run_local(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status."""
    match arguments.action:
        case "list":
            for model in wiring.local.list_models():
                state = "installed" if model.is_installed else "not installed"
                proposed = ", recommended" if model.name == wiring.local.default_name else ""
                print(f"{model.name:<20} {size(model.size):>9}  {state}{proposed}")
                print(f"{'':<20} {model.title}, {model.licence}. Good for {model.good_for}.")
                print(f"{'':<20} {model.cannot}")
            missing = wiring.local.missing_engine()
            if missing is not None:
                print(missing)
        case "install":
            name = find_weights(arguments.name or wiring.local.default_name).name
            await install_showing_progress(wiring, name)
            print(f"Installed {name}. To chat: replyscope --local --model {name}")
        case "remove":
            await wiring.local.remove(arguments.name)
            print(f"Removed {arguments.name}.")
    return EXIT_OK
