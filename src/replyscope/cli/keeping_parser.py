"""The argument parsers of `replyscope backup`, `restore` and `verify`."""

import argparse
from collections.abc import Callable

AddOptions = Callable[[argparse.ArgumentParser], None]


def add_keeping(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_options: AddOptions
) -> None:
    """Add the commands. `add_options` adds the shared options to each."""
    text = "write all sessions, kept files and prompts to one file, also while chats stream"
    backup = commands.add_parser("backup", help=text, description=text)
    backup.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="the file to write; default: replyscope-DATE.db in the current folder",
    )
    backup.add_argument("--replace", action="store_true", help="overwrite an existing file")
    text = "restore a backup into a data folder without sessions"
    restore = commands.add_parser("restore", help=text, description=text)
    restore.add_argument("file", metavar="FILE", help="a backup")
    restore.add_argument(
        "--replace",
        action="store_true",
        help="move the present sessions into a folder next to the restored ones",
    )
    text = "compare every saved reply with its recorded frames, the search index and its files"
    verify = commands.add_parser("verify", help=text, description=text)
    verify.add_argument("file", metavar="FILE", nargs="?", help="a backup to check instead")
    verify.add_argument(
        "--repair",
        action="store_true",
        help="rebuild damaged replies from their frames, and the search index",
    )
    for parser in (backup, restore, verify):
        parser.add_argument("--json", action="store_true", help="print JSON")
        add_options(parser)
