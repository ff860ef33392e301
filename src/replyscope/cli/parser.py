"""The argument parser of the command line. Stable: scripts rely on it."""

import argparse
from collections.abc import Sequence
from contextlib import suppress

from replyscope import __version__
from replyscope.cli.hub_parser import add_hub
from replyscope.cli.keeping_parser import add_keeping
from replyscope.cli.numbers import number, whole
from replyscope.cli.prompts_parser import add_prompts, add_template_options, pair
from replyscope.cli.sessions_parser import HUB_HELP, add_sessions
from replyscope.domain import limits

EXIT_OK = 0
EXIT_PARTLY = 1
EXIT_USAGE = 2
EXIT_PROVIDER = 3
EXIT_REFUSED = 4
EXIT_STORE = 5
EXIT_LIMIT = 6
EXIT_FAULT = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130

EXIT_STATUSES = {
    EXIT_OK: "success, also if `length` or a filter cut the reply (with a warning on stderr)",
    EXIT_PARTLY: "`sessions import` and `prompts import`: a part failed, the rest was imported; "
    "`watch --fail`: a call matched",
    EXIT_USAGE: "wrong usage or settings, or output that cannot be written",
    EXIT_PROVIDER: "the provider failed, or the stream broke off",
    EXIT_REFUSED: "refused, or a tool call waits for permission",
    EXIT_STORE: "the session database failed, or `verify` found faults",
    EXIT_LIMIT: "a spending limit of the settings ([limits]) would be passed",
    EXIT_FAULT: "an unexpected error in replyscope; a log file has the details",
    EXIT_INTERRUPTED: "interrupted, or the reader of the output closed it",
}
"""Every exit status with its meaning, for --help and the guide."""

_EPILOG = "\n".join(
    ["exit status:", *(f"  {status:<4} {text}" for status, text in EXIT_STATUSES.items())]
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    from replyscope.cli.serving_parser import (
        add_mcp,
        add_mock,
        add_watch,
    )  # it loads the query language

    parser = argparse.ArgumentParser(
        prog="replyscope",
        description="Chat with any OpenAI-compatible model, and inspect each reply.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"replyscope {__version__}")
    _add_place_options(parser)
    _add_model_options(parser)
    _add_session_options(parser)
    _add_face_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_chat(commands)
    _add_ask(commands)
    for add in (add_sessions, add_prompts, add_mock, add_mcp, add_keeping):
        add(commands, lambda action: _add_place_options(action, inherit=True))
    add_watch(commands, (_add_model_options, _add_place_options))
    for add_one in (_add_responses, _add_local, _add_review, _add_stats, _add_doctor):
        add_one(commands)
    add_hub(commands, lambda action: _add_place_options(action, inherit=True))
    _add_prices(commands)
    _add_settings(commands)
    completion = commands.add_parser("completion", help="print a shell completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    return parser


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = commands.add_parser("doctor", help="check settings, providers, data and tools")
    doctor.add_argument(
        "--probe",
        action="store_true",
        help="test the server with a few short requests (some hundred tokens) and list its quirks",
    )
    doctor.add_argument(
        "--repair",
        action="store_true",
        help="rebuild the search index, and list unreadable records of saved sessions",
    )
    doctor.add_argument(
        "--over-limit", action="store_true", help="probe although a limit is passed"
    )
    _add_place_options(doctor, inherit=True)
    _add_model_options(doctor, inherit=True)


def parse_chat(argv: Sequence[str] | None) -> argparse.Namespace | None:
    """The options of the chat; None if the command line has anything else.

    Saves the 7 ms that it takes to build the parsers of all commands, before the first paint.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.set_defaults(command=None)
    for add in (_add_place_options, _add_model_options, _add_session_options, _add_face_options):
        add(parser)
    with suppress(argparse.ArgumentError):  # the full parser reports the error
        arguments, rest = parser.parse_known_args(argv)
        if not rest:
            return arguments
    return None


def _default(inherit: bool) -> object:
    # The default of a command must not replace an option given before the command.
    return argparse.SUPPRESS if inherit else None


def _add_place_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("files")
    default = _default(inherit)
    group.add_argument(
        "--data-dir", metavar="DIR", default=default, help="store sessions and models in DIR"
    )
    group.add_argument(
        "--tools-file",
        metavar="FILE",
        action="append",
        default=default,
        help="a Python file with functions to use as tools; may be repeated",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS if inherit else False,
        help="write a log file without secrets, and print its path",
    )


def _add_model_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("model")
    default = _default(inherit)
    group.add_argument(
        "-m", "--model", metavar="M", default=default, help="the model, or its alias"
    )
    group.add_argument(
        "--provider", metavar="NAME", default=default, help="a provider from the settings file"
    )
    group.add_argument(
        "--base-url", metavar="URL", default=default, help="the URL of an OpenAI-compatible server"
    )
    group.add_argument(
        "--api",
        choices=("chat", "responses"),
        default=default,
        help="the wire API (default: responses at OpenAI, chat elsewhere)",
    )
    group.add_argument(
        "--local",
        action="store_true",
        default=argparse.SUPPRESS if inherit else False,
        help="run the embedded model; installs it if needed",
    )
    group.add_argument(
        "--gguf", metavar="PATH", default=default, help="run a model from a GGUF file"
    )


def _add_session_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("session")
    which = group.add_mutually_exclusive_group()
    default = _default(inherit)
    which.add_argument(
        "--session",
        metavar="ID",
        default=default,
        help="open a session, by its id or the start of its id",
    )
    which.add_argument(
        "--continue",
        dest="newest",
        action="store_true",
        default=argparse.SUPPRESS if inherit else False,
        help="open the newest session",
    )
    group.add_argument(
        "--no-save",
        action="store_true",
        default=argparse.SUPPRESS if inherit else False,
        help="save nothing to disk",
    )


def _add_face_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    which = parser.add_argument_group("screen").add_mutually_exclusive_group()
    which.add_argument(
        "--linear",
        action="store_true",
        default=_default(inherit),
        help="chat line by line, for screen readers and simple terminals",
    )
    which.add_argument(
        "--app",
        dest="linear",
        action="store_false",
        default=_default(inherit),
        help="open the app, even if the settings choose --linear",
    )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == ("none",) else names


def _add_parameters(ask: argparse.ArgumentParser) -> None:
    ask.add_argument("--system", metavar="S", help="the system prompt")
    ask.add_argument(
        "--max-tokens",
        type=whole(limits.MAX_TOKENS),
        metavar="K",
        help="maximum number of output tokens",
    )
    ask.add_argument(
        "--temperature",
        type=number(limits.TEMPERATURE),
        metavar="T",
        help="sampling temperature, 0 to 2",
    )
    ask.add_argument("--n", type=whole(limits.CHOICES), metavar="N", help="number of choices")
    ask.add_argument("--effort", metavar="E", help="reasoning effort: minimal, low, medium, high")
    ask.add_argument("--verbosity", metavar="V", help="length of the reply: low, medium or high")
    ask.add_argument("--schema", metavar="FILE", help="a file with the JSON schema of the reply")
    ask.add_argument(
        "-P",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        type=pair,
        help="any parameter of the API; the value is JSON or text, null sends none; "
        "extra and extra_headers take JSON objects; may be repeated",
    )
    ask.add_argument(
        "--store",
        action=argparse.BooleanOptionalAction,
        help="whether the server stores the reply",
    )
    ask.add_argument(
        "--metadata",
        metavar="NAME=VALUE",
        action="append",
        type=pair,
        help="metadata that the server stores with the reply; may be repeated",
    )


def _add_tool_options(ask: argparse.ArgumentParser) -> None:
    ask.add_argument(
        "--tools",
        metavar="NAME,…",
        type=_names,
        help="tools and tool sources for the model: current_time, mcp:git, …; or none",
    )
    ask.add_argument("--yes", action="store_true", help="run all calls of these tools unasked")
    ask.add_argument("--over-limit", action="store_true", help="send although a limit is passed")


def _add_chat(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "open the chat; the default without a command"
    chat = commands.add_parser("chat", help=text, description=text)
    for add in (_add_session_options, _add_model_options, _add_place_options, _add_face_options):
        add(chat, inherit=True)


def _add_ask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ask = commands.add_parser(
        "ask",
        help="send one prompt and print the reply",
        description="Print the reply while it streams. Piped input is appended to the prompt.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument(
        "prompt",
        metavar="PROMPT",
        nargs="?",
        help="the prompt; without it, or with -, it is read from stdin",
    )
    ask.add_argument(
        "-a",
        "--attach",
        metavar="FILE",
        action="append",
        help="attach a text file, picture, PDF or recording, or the files of a folder; "
        "- is stdin; may be repeated",
    )
    ask.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object with the replies and their figures",
    )
    ask.add_argument(
        "--preset",
        metavar="NAME",
        help="a preset from the settings file; other options override its values",
    )
    add_template_options(ask)
    _add_parameters(ask)
    _add_tool_options(ask)
    for add in (_add_session_options, _add_model_options, _add_place_options):
        add(ask, inherit=True)


def _add_responses(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    responses = commands.add_parser("responses", help="manage replies that the provider stores")
    actions = responses.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("list", "list the ids of all replies, with their known state"),
        ("get", "fetch a stored reply with its conversation into a session"),
        ("cancel", "cancel a background reply"),
        ("set-metadata", "replace the metadata of a stored completion"),
        ("delete", "delete a reply at the provider"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        if name != "list":
            action.add_argument("id", metavar="ID", help="resp_… or chatcmpl-…")
        if name == "set-metadata":
            action.add_argument("pairs", metavar="NAME=VALUE", nargs="+", type=pair)
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="delete without asking")
        action.add_argument("--json", action="store_true", help="print JSON")
        _add_model_options(action, inherit=True)
        _add_place_options(action, inherit=True)


def _add_review(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "open the review screen, which searches saved replies"
    review = commands.add_parser("review", help=text, description=text)
    review.add_argument("--hub", action="store_true", help=HUB_HELP)
    for add in (_add_place_options, _add_model_options, _add_face_options):
        add(review, inherit=True)


def _add_stats(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "show tokens, cost, finish reasons, errors and latency by day, model and tool"
    stats = commands.add_parser("stats", help=text, description=text)
    stats.add_argument("query", metavar="QUERY", nargs="*", help="count only replies that match")
    stats.add_argument("--json", action="store_true", help="print JSON")
    stats.add_argument("--hub", action="store_true", help=HUB_HELP)
    _add_place_options(stats, inherit=True)


def _add_local(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    local = commands.add_parser("local", help="list, install and remove embedded models")
    actions = local.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_place_options(actions.add_parser("list", help="list the embedded models"), inherit=True)
    install = actions.add_parser("install", help="download and verify a model")
    install.add_argument("name", metavar="NAME", nargs="?", help="default: the recommended model")
    _add_place_options(install, inherit=True)
    remove = actions.add_parser("remove", help="delete the weights of a model")
    remove.add_argument("name", metavar="NAME")
    _add_place_options(remove, inherit=True)


def _add_prices(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    prices = commands.add_parser("prices", help="download the list of prices of models")
    actions = prices.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "download the newest price list of genai-prices; it is never downloaded unasked"
    refresh = actions.add_parser("refresh", help=text, description=text)
    refresh.add_argument("--url", metavar="URL", help="another address of the list")
    _add_place_options(refresh, inherit=True)


def _add_settings(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "describe the settings file for editors"
    settings = commands.add_parser("settings", help=text, description=text)
    actions = settings.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser(
        "schema",
        help="print the JSON schema, for editors that complete and validate TOML",
        description="Print the JSON schema (2020-12) of the settings file. Save it in the "
        "settings folder under the name settings.schema.json, and insert `#:schema "
        "./settings.schema.json` as the first line of settings.toml: Even Better TOML, Tombi and "
        "taplo then complete and validate it.",
    )
