"""The command line's grammar. Stable: other programs rely on it."""

import argparse
from collections.abc import Sequence
from contextlib import suppress

from replyscope import __version__
from replyscope.cli.numbers import number, whole
from replyscope.cli.sessions_parser import add_sessions
from replyscope.domain import limits

EXIT_OK = 0
EXIT_PARTLY = 1
"""Some of an import failed; the rest was imported."""
EXIT_USAGE = 2
EXIT_PROVIDER = 3
EXIT_REFUSED = 4
EXIT_STORE = 5
EXIT_FAULT = 70
"""replyscope itself failed; sysexits.h calls it EX_SOFTWARE."""
EXIT_INTERRUPTED = 130

_EPILOG = """\
exit status: 0 a whole reply came, 2 usage, 3 the provider failed or the stream broke off,
4 refused, 5 the session store failed, 70 replyscope itself failed, 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = argparse.ArgumentParser(
        prog="replyscope",
        description="Chat with any OpenAI-compatible model and see what each reply is made of.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"replyscope {__version__}")
    _add_place_options(parser)
    _add_model_options(parser)
    _add_session_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_ask(commands)
    add_sessions(commands, lambda action: _add_place_options(action, inherit=True))
    _add_responses(commands)
    _add_local(commands)
    _add_review(commands)
    _add_mock(commands)
    _add_stats(commands)
    doctor = commands.add_parser("doctor", help="what is configured and what answers")
    doctor.add_argument(
        "--probe",
        action="store_true",
        help="ask the server a few tiny questions (a few hundred tokens) and judge its answers",
    )
    doctor.add_argument(
        "--repair",
        action="store_true",
        help="make the search index anew, and list what can't be read of the saved sessions",
    )
    _add_place_options(doctor, inherit=True)
    _add_model_options(doctor, inherit=True)
    _add_settings(commands)
    completion = commands.add_parser("completion", help="print a shell completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    return parser


def parse_chat(argv: Sequence[str] | None) -> argparse.Namespace | None:
    """The options of the chat, None when there is anything else on the command line.

    Building every command's own parser takes 7 ms, which a first paint need not wait for.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.set_defaults(command=None)
    for add in (_add_place_options, _add_model_options, _add_session_options):
        add(parser)
    with suppress(argparse.ArgumentError):  # the whole parser says what is wrong
        arguments, rest = parser.parse_known_args(argv)
        if not rest:
            return arguments
    return None


def _default(inherit: bool) -> object:
    # An option given before the command must survive the command's own default.
    return argparse.SUPPRESS if inherit else None


def _add_place_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("where")
    default = _default(inherit)
    group.add_argument(
        "--data-dir", metavar="DIR", default=default, help="keep sessions and models in DIR"
    )
    group.add_argument(
        "--tools-file",
        metavar="FILE",
        action="append",
        default=default,
        help="a Python file whose functions can be tools; may be repeated",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS if inherit else False,
        help="write a log file without secrets, and say where",
    )


def _add_model_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("model")
    default = _default(inherit)
    group.add_argument("-m", "--model", metavar="M", default=default, help="the model to ask")
    group.add_argument(
        "--provider", metavar="NAME", default=default, help="a provider of the settings file"
    )
    group.add_argument(
        "--base-url", metavar="URL", default=default, help="an OpenAI-compatible server"
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
        help="run the embedded model; installs it when needed",
    )
    group.add_argument(
        "--gguf", metavar="PATH", default=default, help="run these weights instead of the embedded"
    )


def _add_session_options(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    group = parser.add_argument_group("session")
    which = group.add_mutually_exclusive_group()
    default = _default(inherit)
    which.add_argument(
        "--session",
        metavar="ID",
        default=default,
        help="open a session; its id's beginning will do",
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
        help="write nothing to disk",
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == ("none",) else names


def _add_tool_options(ask: argparse.ArgumentParser) -> None:
    ask.add_argument(
        "--tools",
        metavar="NAME,…",
        type=_names,
        help="tools and sources to offer: current_time, mcp:git, …; none offers none",
    )
    ask.add_argument(
        "--yes",
        action="store_true",
        help="run whatever the model asks for, among the tools that are offered",
    )


def _add_ask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ask = commands.add_parser(
        "ask",
        help="ask once and print the answer",
        description="Print the answer as it streams. With input piped in, the prompt comes first.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument(
        "prompt",
        metavar="PROMPT",
        nargs="?",
        help="what to ask; - or nothing reads it from stdin",
    )
    ask.add_argument("--json", action="store_true", help="print one object with all there is")
    ask.add_argument("--system", metavar="S", help="the system prompt")
    ask.add_argument(
        "--max-tokens", type=whole(limits.MAX_TOKENS), metavar="K", help="limit on output tokens"
    )
    ask.add_argument("--temperature", type=number(limits.TEMPERATURE), metavar="T", help="0 to 2")
    ask.add_argument("--n", type=whole(limits.CHOICES), metavar="N", help="answers to choose among")
    ask.add_argument("--effort", metavar="E", help="reasoning effort: minimal, low, medium, high")
    ask.add_argument("--verbosity", metavar="V", help="low, medium or high")
    ask.add_argument("--schema", metavar="FILE", help="a JSON schema that the reply has to fit")
    ask.add_argument(
        "--store",
        action=argparse.BooleanOptionalAction,
        help="whether the server is to keep the reply",
    )
    _add_tool_options(ask)
    ask.add_argument(
        "--metadata",
        metavar="NAME=VALUE",
        action="append",
        type=_pair,
        help="kept with the reply at the server; may be repeated",
    )
    for add in (_add_session_options, _add_model_options, _add_place_options):
        add(ask, inherit=True)


def _add_responses(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    responses = commands.add_parser("responses", help="replies that the provider keeps")
    actions = responses.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("list", "every id that was seen, and what is known of it"),
        ("get", "bring a reply and what led to it into a session"),
        ("cancel", "stop a reply that the server works on in the background"),
        ("set-metadata", "replace the metadata of a stored completion"),
        ("delete", "make the provider forget a reply"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        if name != "list":
            action.add_argument("id", metavar="ID", help="resp_… or chatcmpl-…")
        if name == "set-metadata":
            action.add_argument("pairs", metavar="NAME=VALUE", nargs="+", type=_pair)
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="do not ask")
        action.add_argument("--json", action="store_true", help="print JSON")
        _add_model_options(action, inherit=True)
        _add_place_options(action, inherit=True)


def _add_review(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "open the chat on the screen that finds saved replies"
    review = commands.add_parser("review", help=text, description=text)
    _add_place_options(review, inherit=True)
    _add_model_options(review, inherit=True)


def _add_mock(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "serve recorded exchanges as an OpenAI-compatible server on loopback"
    mock = commands.add_parser("mock", help=text, description=text)
    mock.add_argument("what", metavar="ID|QUERY", nargs="+", help="a session, exchange or query")
    mock.add_argument(
        "--port", metavar="P", type=whole(limits.PORT), default=0, help="a free one is chosen"
    )
    mock.add_argument(
        "--speed",
        metavar="X",
        type=number(limits.SPEED),
        default=1.0,
        help="1 the recorded pace, 0 at once",
    )
    mock.add_argument(
        "--any", action="store_true", help="answer whatever is asked, one after another"
    )
    _add_place_options(mock, inherit=True)


def _add_stats(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "tokens, cost, endings, errors and latency by day, model and tool"
    stats = commands.add_parser("stats", help=text, description=text)
    stats.add_argument("query", metavar="QUERY", nargs="*", help="of these replies only")
    stats.add_argument("--json", action="store_true", help="print JSON")
    _add_place_options(stats, inherit=True)


def _add_local(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    local = commands.add_parser("local", help="the embedded models")
    actions = local.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_place_options(actions.add_parser("list", help="which there are"), inherit=True)
    install = actions.add_parser("install", help="download and verify one")
    install.add_argument("name", metavar="NAME", nargs="?", help="default: the proposed one")
    _add_place_options(install, inherit=True)
    remove = actions.add_parser("remove", help="delete one's weights")
    remove.add_argument("name", metavar="NAME")
    _add_place_options(remove, inherit=True)


def _add_settings(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "what the settings file may contain"
    settings = commands.add_parser("settings", help=text, description=text)
    actions = settings.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser(
        "schema",
        help="print the JSON schema, for editors that complete and check TOML",
        description="Print the JSON schema (2020-12) of the settings file. Save it as "
        "settings.schema.json beside settings.toml, and make `#:schema ./settings.schema.json` "
        "the first line of settings.toml: Even Better TOML, Tombi and taplo then complete and "
        "check it.",
    )
