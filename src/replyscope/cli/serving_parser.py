"""The argument parsers of the commands that listen: `replyscope mock` and `replyscope watch`."""

import argparse
from collections.abc import Sequence
from typing import Protocol

from replyscope.cli.numbers import number, whole
from replyscope.cli.sessions_parser import AddOptions
from replyscope.domain import limits
from replyscope.domain.query import Query
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.faults.terms import (
    TERMS,
    FaultRuleError,
    parse_rule,
    request_query,
)

_SHORTEST_TOKEN = 16


class AddInherited(Protocol):
    """Adds shared options to the parser of a command."""

    def __call__(self, parser: argparse.ArgumentParser, *, inherit: bool) -> None:
        """With `inherit` a default does not replace an option given before the command."""
        ...


def add_mock(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_options: AddOptions
) -> None:
    """Add the command. `add_options` adds the shared options."""
    text = "serve recorded exchanges as an OpenAI-compatible server on loopback"
    mock = commands.add_parser("mock", help=text, description=text)
    mock.add_argument(
        "what", metavar="ID|QUERY", nargs="+", help="the id of a session or exchange, or a query"
    )
    _add_port(mock)
    mock.add_argument(
        "--speed",
        metavar="X",
        type=number(limits.SPEED),
        default=1.0,
        help="1 for the recorded speed, 0 without pauses",
    )
    mock.add_argument(
        "--any", action="store_true", help="answer any request with the next recorded reply"
    )
    add_options(mock)


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        metavar="P",
        type=whole(limits.PORT),
        default=0,
        help="the port; default: any free one",
    )


def add_watch(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: Sequence[AddInherited]
) -> None:
    """Add the command, with the shared options."""
    watch = commands.add_parser(
        "watch",
        help="forward the calls of other programs to a provider, and record each reply",
        description="Forward the calls of other programs to a provider byte for byte, and record "
        "each reply.\nWith COMMAND, start it with the variables set, and end with its status.",
        epilog=_terms_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    watch.add_argument(
        "program",
        metavar="COMMAND",
        nargs="*",
        help="after --: a program to start, with its arguments",
    )
    watch.add_argument(
        "--to",
        metavar="NAME|URL",
        action="append",
        help="an upstream: a provider of the settings, or a URL; default: the default provider; "
        "may be repeated, the others are then at /NAME/v1",
    )
    watch.add_argument(
        "--key",
        action="store_true",
        help="send the key of the settings instead of the program's, which then needs none",
    )
    _add_listening(watch)
    _add_watch_output(watch)
    _add_gate(watch)
    _add_faults(watch)
    for add in shared:
        add(watch, inherit=True)


def _add_listening(watch: argparse.ArgumentParser) -> None:
    group = watch.add_argument_group("listening")
    _add_port(watch)
    group.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="an address of this machine, for programs elsewhere; default: loopback only",
    )
    group.add_argument(
        "--token",
        metavar="T",
        type=_token,
        help="with --listen: the token in the path of the base URL; default: a random one",
    )


def _add_watch_output(watch: argparse.ArgumentParser) -> None:
    group = watch.add_argument_group("output")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--quiet", action="store_true", help="print only a line for each call")
    which.add_argument("--json", action="store_true", help="print a line of JSON for each call")
    group.add_argument(
        "--fail", metavar="QUERY", help="end with status 1 if a call matches, such as finish:length"
    )
    group.add_argument(
        "--private", dest="no_save", action="store_true", help="write nothing to disk"
    )


def _add_gate(watch: argparse.ArgumentParser) -> None:
    group = watch.add_argument_group("decisions")
    group.add_argument(
        "--hold",
        metavar="QUERY",
        type=_request_query,
        help="hold the requests that match, and ask: send, edit, refuse, or answer "
        "with a recorded reply",
    )
    group.add_argument(
        "--answer",
        metavar="ID|QUERY",
        help="answer calls with the same messages from recorded replies; forward other calls",
    )


def _request_query(text: str) -> Query:
    try:
        return request_query(text)
    except FaultRuleError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_faults(watch: argparse.ArgumentParser) -> None:
    group = watch.add_argument_group("faults")
    group.add_argument(
        "--fault",
        metavar="RULE",
        type=_fault,
        action="append",
        default=[],
        help="disturb calls by a rule, such as 'p=0.1 status=429'; may be repeated, and the first "
        "rule that hits a call is applied",
    )
    group.add_argument(
        "--seed",
        metavar="N",
        type=whole(limits.SEED),
        help="with --fault: choose the same calls again; default: a new seed",
    )


def _fault(text: str) -> FaultRule:
    try:
        return parse_rule(text)
    except FaultRuleError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _terms_text() -> str:
    """The terms of a rule, for the help of the command."""
    width = max(map(len, TERMS))
    lines = [
        f"  {name.ljust(width)}  {term.help}\n  {'':{width}}  ({term.shape})"
        for name, term in TERMS.items()
    ]
    return "\n".join(
        ["the terms of a fault rule, such as 'p=0.1 status=429 retry-after=2':", *lines]
    )


def _token(text: str) -> str:
    """A token that can be a path segment and is not easily guessed."""
    is_segment = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    if len(text) < _SHORTEST_TOKEN or not is_segment:
        raise argparse.ArgumentTypeError(
            f"a token has at least {_SHORTEST_TOKEN} letters, digits, - and _"
        )
    return text


def add_mcp(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_options: AddOptions,
) -> None:
    """Add `replyscope mcp`."""
    text = "let other programs read the archive: an MCP server on standard input and output"
    mcp = commands.add_parser("mcp", help=text, description=text)
    mcp.add_argument(
        "--share",
        metavar="QUERY",
        help="only replies that match, such as tag:work; default: [mcp_server] share",
    )
    add_options(mcp)
