"""The argument parser of `replyscope prompts`, and the options of `ask` for prompts."""

import argparse
from collections.abc import Callable

_NAME_HELP = "the name of a prompt: its file without .md"


def pair(text: str) -> tuple[str, str]:
    """The name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def add_template_options(ask: argparse.ArgumentParser) -> None:
    """Add the options that use prompts of the library."""
    ask.add_argument(
        "-t",
        "--template",
        dest="templates",
        metavar="NAME",
        action="append",
        help="a prompt of the library; PROMPT is its {{input}}, or follows it; "
        "may be repeated: the texts are joined in order",
    )
    ask.add_argument(
        "-v",
        "--var",
        dest="variables",
        metavar="KEY=VALUE",
        action="append",
        type=pair,
        help="the value of a variable of -t; may be repeated",
    )


def add_prompts(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_options: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the command. `add_options` adds the shared options to each action."""
    text = "list, show, write and import prompts of the library"
    prompts = commands.add_parser("prompts", help=text, description=text)
    actions = prompts.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text)
        add_options(action)
        return action

    listing = add("list", "list the prompts, and the files that are not used")
    listing.add_argument("--json", action="store_true", help="print JSON")
    show = add("show", "print a prompt: its file, version, variables and text")
    show.add_argument(
        "name", metavar="NAME[@VERSION]", help=f"{_NAME_HELP}; @3f2a: a version that was used"
    )
    show.add_argument("--json", action="store_true", help="print JSON")
    compare = add("compare", "compare the versions of a prompt over their saved replies")
    compare.add_argument("name", metavar="NAME", help=_NAME_HELP)
    compare.add_argument("--json", action="store_true", help="print JSON")
    add("edit", "edit a prompt in $EDITOR").add_argument("name", metavar="NAME", help=_NAME_HELP)
    new = add("new", "write a new prompt in $EDITOR, or from piped input")
    new.add_argument("name", metavar="NAME", help=_NAME_HELP)
    imports = add("import", "import prompts of Open WebUI, templates of llm, patterns of Fabric")
    imports.add_argument(
        "path", metavar="PATH", help="an export (JSON), a template (YAML), or a folder of either"
    )
    imports.add_argument(
        "--replace", action="store_true", help="replace prompts that have the same names"
    )
