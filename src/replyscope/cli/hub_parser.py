"""The argument parser of `replyscope hub`."""

import argparse

from replyscope.cli.sessions_parser import AddOptions

_ABOUT = "share one archive between your machines through a folder or a database"
_ON_ROLES = (
    ("grant", "let a role of the database use the hub: read what is shared, and share"),
    ("revoke", "shut a role out of the hub; its sessions stay there"),
)


def add_hub(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_options: AddOptions
) -> None:
    """Add the command. `add_options` adds the shared options to each action."""
    hub = commands.add_parser("hub", help=_ABOUT, description=_ABOUT)
    actions = hub.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--json", action="store_true", help="print JSON")
        add_options(action)
        return action

    init = add("init", "take part in a hub; creates it if it does not exist")
    init.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        help="folder:PATH or postgresql://USER@HOST/DATABASE; default: url of [hub]",
    )
    add("status", "show the hub, its machines, and what waits to leave")
    sync = add("sync", "send what changed here, and receive what changed elsewhere")
    sync.add_argument("--follow", action="store_true", help="repeat until Ctrl+C")
    for action in (init, sync):
        action.add_argument(
            "--dry-run",
            action="store_true",
            help="list and count the sessions to send; send nothing",
        )
    add("leave", "take part in the hub no more; saved sessions stay, here and there")
    unshare = add("unshare", "remove sessions from the hub, without undo; they stay here")
    unshare.add_argument("query", metavar="QUERY", help="the sessions, as a query")
    unshare.add_argument("--yes", action="store_true", help="remove without asking")
    for name, text in _ON_ROLES:
        add(name, text).add_argument("role", metavar="NAME", help="a role of the database")
