"""The grammar of `replyscope sessions`."""

import argparse
from collections.abc import Callable

from replyscope.cli.numbers import whole
from replyscope.domain import limits

AddOptions = Callable[[argparse.ArgumentParser], None]
SORTS = ("rank", "time", "tokens", "cost", "ttft", "duration")
_ON_ONE_OR_MANY = (
    ("delete", "hide sessions; restore brings them back"),
    ("restore", "bring deleted sessions back"),
    ("pin", "keep sessions on top"),
    ("unpin", "no longer keep them there"),
    ("archive", "take sessions out of the lists, though not out of searches"),
    ("unarchive", "bring archived sessions back"),
)


def add_sessions(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_options: AddOptions
) -> None:
    """Add the command; `add_options` gives each action the options that all have."""
    sessions = commands.add_parser("sessions", help="list, find, order, share saved sessions")
    actions = sessions.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--json", action="store_true", help="print JSON")
        add_options(action)
        return action

    shelves = add("list", "every session, newest first").add_mutually_exclusive_group()
    for shelf in ("archived", "deleted"):
        shelves.add_argument(
            f"--{shelf}",
            dest="shelf",
            action="store_const",
            const=shelf,
            default="listed",
            help=f"the {shelf} ones",
        )
    show = add("show", "a session's messages and what its replies were made of")
    show.add_argument("id", metavar="ID", help="its id, or how it begins")
    _add_search(add("search", "find replies by what they say and what they are"))
    for name, text in _ON_ONE_OR_MANY:
        _add_ids(add(name, text))
    _add_naming(add)
    _add_export(add("export", "hand sessions on, or all that a query finds"))
    bring = add("import", "take in sessions of ours, ChatGPT, llm, elia, oterm, Open WebUI")
    kinds = "JSON, a zip with it, a database, or .sse"
    bring.add_argument("files", metavar="FILE", nargs="+", help=kinds)
    bring.add_argument("--dry-run", action="store_true", help="only say what would come of it")
    purge = add("purge", "remove deleted sessions for good, with every trace of their text")
    purge.add_argument("ids", metavar="ID", nargs="*", help="which; without, every deleted one")
    purge.add_argument("--yes", action="store_true", help="do not ask")


def _add_naming(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    rename = add("rename", "give a session another title")
    rename.add_argument("id", metavar="ID", help="its id, or how it begins")
    rename.add_argument("title", metavar="TITLE")
    tag = add("tag", "give sessions tags, and take some from them")
    _add_ids(tag)
    tag.add_argument("--add", metavar="NAME", action="append", default=[], help="a new tag")
    tag.add_argument("--remove", metavar="NAME", action="append", default=[], help="one to take")
    add("tags", "every tag, and how many sessions have it")
    merge = add("rename-tag", "call a tag otherwise; one of that name becomes one with it")
    merge.add_argument("old", metavar="OLD")
    merge.add_argument("new", metavar="NEW")


def _add_export(action: argparse.ArgumentParser) -> None:
    action.add_argument("ids", metavar="ID", nargs="*", help="their ids, or how they begin")
    action.add_argument("--query", metavar="QUERY", help="all sessions that a query finds")
    action.add_argument(
        "--format",
        choices=("md", "json", "jsonl", "html", "sse", "curl", "python"),
        default="md",
        help="md; sse, curl and python are of one exchange, whose id is given",
    )
    action.add_argument("-o", "--output", metavar="FILE", help="where to; standard output")
    redact = action.add_mutually_exclusive_group()
    redact.add_argument(
        "--redact", action="store_true", help="take out keys, e-mail addresses, home folders"
    )
    redact.add_argument(
        "--preview", action="store_true", help="only say what --redact would take out"
    )
    redact.add_argument(
        "--no-redact", action="store_true", help="leave them in HTML, where they are taken out"
    )


def _add_ids(action: argparse.ArgumentParser) -> None:
    action.add_argument("ids", metavar="ID", nargs="+", help="their ids, or how they begin")


def _add_search(action: argparse.ArgumentParser) -> None:
    action.epilog = (
        'words, "a phrase", -not, or, ( ); finish: model: asked: tool: api: tokens: in: out: cost: '
        "ttft: tps: duration: before: after: on: tag: is:pinned|archived|deleted|flagged|partial "
        "is:reported|estimated|unpriced|unmetered "
        "has:error|tool|image|reasoning|finding title: text:"
    )
    action.add_argument("query", metavar="QUERY", nargs="+")
    action.add_argument(
        "--limit", metavar="N", type=whole(limits.RESULTS), default=50, help="how many; 50"
    )
    action.add_argument("--sort", choices=SORTS, default="rank", help="the order; rank")
