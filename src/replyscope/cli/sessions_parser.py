"""The argument parser of `replyscope sessions`."""

import argparse
from collections.abc import Callable

from replyscope.cli.numbers import whole
from replyscope.domain import limits

AddOptions = Callable[[argparse.ArgumentParser], None]
HUB_HELP = "read the hub instead of the archive of this machine"
SORTS = ("rank", "time", "tokens", "cost", "ttft", "duration")
PROGRAMS = (
    "replyscope, Claude Code, Codex, Gemini CLI, opencode, Claude.ai, ChatGPT, Gemini (Google "
    "Takeout), Open WebUI, LibreChat, llm, elia, oterm, Langfuse or OpenAI"
)
"""The programs whose history can be imported. A test compares it with the formats: reading them
would slow the start.
"""
_ID_HELP = "the id of a session, or its beginning"
_IDS_HELP = "ids of sessions, or their beginnings"
_ON_ONE_OR_MANY = (
    ("delete", "delete sessions; restore undoes it until purge"),
    ("restore", "restore deleted sessions"),
    ("pin", "keep sessions at the top of the list"),
    ("unpin", "undo pin"),
    ("archive", "hide sessions from the list, but not from searches"),
    ("unarchive", "undo archive"),
)


def add_sessions(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_options: AddOptions
) -> None:
    """Add the command. `add_options` adds the shared options to each action."""
    sessions = commands.add_parser(
        "sessions", help="list, search, organise, export and import saved sessions"
    )
    actions = sessions.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--json", action="store_true", help="print JSON")
        add_options(action)
        return action

    def add_reading(name: str, text: str) -> argparse.ArgumentParser:
        action = add(name, text)
        action.add_argument("--hub", action="store_true", help=HUB_HELP)
        return action

    _add_list(add_reading("list", "list sessions, pinned ones first, then newest first"))
    show = add_reading("show", "show a session's messages, and the figures of its replies")
    show.add_argument("id", metavar="ID", help=_ID_HELP)
    _add_search(add_reading("search", "search replies by words and facts"))
    for name, text in _ON_ONE_OR_MANY:
        _add_ids(add(name, text))
    _add_naming(add)
    _add_export(add_reading("export", "export sessions, one exchange, or the results of a query"))
    _add_import(add("import", f"import the history of {PROGRAMS}"))
    _add_follow(add("follow", "import what agents write, while they write it; Ctrl+C stops it"))
    _add_purge(add("purge", "permanently remove deleted sessions and all copies of their text"))


def _add_follow(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "folders",
        metavar="DIR",
        nargs="*",
        help="folders with logs; default: the known folders of agents that exist",
    )


def _add_purge(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "ids", metavar="ID", nargs="*", help="ids of deleted sessions; default: all deleted ones"
    )
    action.add_argument("--yes", action="store_true", help="purge without asking")


def _add_list(action: argparse.ArgumentParser) -> None:
    shelves = action.add_mutually_exclusive_group()
    for shelf in ("archived", "deleted"):
        shelves.add_argument(
            f"--{shelf}",
            dest="shelf",
            action="store_const",
            const=shelf,
            default="listed",
            help=f"list {shelf} sessions",
        )


def _add_import(action: argparse.ArgumentParser) -> None:
    kinds = "a JSON or JSONL file, a folder or a zip, a database, or a recorded stream (.sse)"
    action.add_argument(
        "files", metavar="FILE", nargs="*", help=f"{kinds}; none: list known folders"
    )
    action.add_argument(
        "--dry-run", action="store_true", help="report what an import would do; import nothing"
    )


def _add_naming(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    rename = add("rename", "change the title of a session")
    rename.add_argument("id", metavar="ID", help=_ID_HELP)
    rename.add_argument("title", metavar="TITLE")
    tag = add("tag", "add tags to sessions, or remove them")
    _add_ids(tag)
    tag.add_argument("--add", metavar="NAME", action="append", default=[], help="a tag to add")
    tag.add_argument(
        "--remove", metavar="NAME", action="append", default=[], help="a tag to remove"
    )
    add("tags", "list all tags, with their number of sessions")
    merge = add("rename-tag", "rename a tag; if the new name exists, the two tags are merged")
    merge.add_argument("old", metavar="OLD")
    merge.add_argument("new", metavar="NEW")


def _add_export(action: argparse.ArgumentParser) -> None:
    action.add_argument("ids", metavar="ID", nargs="*", help=_IDS_HELP)
    action.add_argument(
        "--query", metavar="QUERY", help="export all sessions with matching replies"
    )
    action.add_argument(
        "--format",
        choices=("md", "json", "jsonl", "html", "sse", "curl", "python"),
        default="md",
        help="default: md. sse, curl and python export one exchange: give its id, or the id of a "
        "session for its last reply",
    )
    action.add_argument(
        "--whole-only",
        action="store_true",
        help="with jsonl: end each conversation before its first cut reply",
    )
    action.add_argument(
        "-o", "--output", metavar="FILE", help="output file; default: standard output"
    )
    redact = action.add_mutually_exclusive_group()
    redact.add_argument(
        "--redact", action="store_true", help="redact keys, e-mail addresses and home folders"
    )
    redact.add_argument(
        "--preview", action="store_true", help="report what --redact would redact; export nothing"
    )
    redact.add_argument(
        "--no-redact", action="store_true", help="do not redact HTML, which is redacted by default"
    )


def _add_ids(action: argparse.ArgumentParser) -> None:
    action.add_argument("ids", metavar="ID", nargs="+", help=_IDS_HELP)


def _add_search(action: argparse.ArgumentParser) -> None:
    from replyscope.domain.query_fields import fixed_terms  # the chat needs no query to start

    terms = " ".join(fixed_terms())
    action.epilog = f'A query has words, "a phrase", -not, or, ( ), and the fields {terms}'
    action.add_argument("query", metavar="QUERY", nargs="+", help="words and fields; see below")
    action.add_argument(
        "--limit",
        metavar="N",
        type=whole(limits.RESULTS),
        default=50,
        help="maximum number of results; default: 50",
    )
    action.add_argument("--sort", choices=SORTS, default="rank", help="default: rank")
