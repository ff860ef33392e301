"""Tables of the guide, generated from the code: `python -m tests.docs.tables` renews them.

A table stands between two comments: `<!-- table: NAME ARGUMENTS -->` and `<!-- end -->`.
"""

import argparse
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from textual.binding import Binding

from replyscope import ui
from replyscope.cli import parser as cli
from replyscope.config.settings import TEMPLATE
from replyscope.config.themes import read_theme, shipped_folder
from replyscope.domain.exchange import Api
from replyscope.domain.sql_views import VIEWS
from replyscope.linear.command_table import COMMANDS
from replyscope.local.catalogue import CATALOGUE
from replyscope.provider.catalogue import load_catalogue
from replyscope.readers.formats import FORMATS
from replyscope.serving.faults.terms import TERMS
from replyscope.toolbox import shipped
from replyscope.ui.chat.command_table import SLASH_COMMANDS
from replyscope.ui.keys.names import key_name
from replyscope.ui.review.query_completion import LANGUAGE
from tests.stories.tasks import TASKS

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?P<start><!-- table: (?P<name>[\w-]+)(?P<arguments>[^>]*?) -->\n).*?(?P<end><!-- end -->)",
    re.DOTALL,
)


def documents() -> tuple[Path, ...]:
    """The Markdown files that may have tables or commands."""
    return ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))


def renew(text: str) -> str:
    """A document with its tables generated again. Raises KeyError for an unknown table."""

    def generate(block: re.Match[str]) -> str:
        return f"{block['start']}{_TABLES[block['name']](block['arguments'].split())}{block['end']}"

    return _BLOCK.sub(generate, text)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _code(text: str) -> str:
    return f"`{text}`"


def _bindings() -> Iterator[tuple[str, Binding]]:
    """The name of each class of the user interface with its own bindings, and each of them."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        for name, found in inspect.getmembers(importlib.import_module(module.name)):
            is_ours = inspect.isclass(found) and found.__module__ == module.name
            for binding in vars(found).get("BINDINGS", ()) if is_ours else ():
                yield name, binding


def _keys(binding: Binding) -> str:
    """The keys of a binding, each once: Shift+R is R."""
    return ", ".join(map(_code, dict.fromkeys(map(key_name, binding.key.split(",")))))


def keys_by_id(prefixes: Sequence[str]) -> str:
    """Keys that can be changed, by the beginnings of their ids: `chat.`, `reply.`."""
    rows: dict[tuple[str, str], list[str]] = {}
    for _, binding in _bindings():
        if binding.id is not None and binding.id.startswith(tuple(prefixes)):
            rows.setdefault((binding.id, binding.description), []).append(_keys(binding))
    merged = [
        [", ".join(dict.fromkeys(keys)), text, _code(name)] for (name, text), keys in rows.items()
    ]
    if not merged:
        raise KeyError(f"no key has an id that begins with {' or '.join(prefixes)}")
    return _markdown(("key", "does", "id"), merged)


def keys_of_classes(names: Sequence[str]) -> str:
    """Keys of a screen or widget, by the names of their classes."""
    rows = [
        [_keys(binding), binding.description]
        for name in names
        for owner, binding in _bindings()
        if owner == name and binding.description
    ]
    if not rows:
        raise KeyError(f"no class is named {' or '.join(names)}")
    return _markdown(("key", "does"), rows)


def commands(_: Sequence[str]) -> str:
    """The slash commands."""
    rows = [[_code(f"/{one.name} {one.argument}".strip()), one.help] for one in SLASH_COMMANDS]
    return _markdown(("command", "does"), rows)


def linear_commands(_: Sequence[str]) -> str:
    """The slash commands of the linear chat."""
    rows = [[_code(f"/{one.name} {one.argument}".strip()), one.help] for one in COMMANDS]
    return _markdown(("command", "does"), rows)


def query(_: Sequence[str]) -> str:
    """The query language."""
    return _markdown(("term", "matches"), ([_code(written), asks] for written, asks in LANGUAGE))


def settings(_: Sequence[str]) -> str:
    """The settings file with every setting in a comment."""
    return f"```toml\n{TEMPLATE}```\n"


def exit_status(_: Sequence[str]) -> str:
    """Every exit status of the command line."""
    return _markdown(("status", "means"), ([str(n), t] for n, t in cli.EXIT_STATUSES.items()))


def options(command: Sequence[str]) -> str:
    """The options of a command, without those of the chat unless it is the chat."""
    chat = cli.build_parser()
    parser = _subparser(chat, command)
    shared = {text for one in chat._actions for text in one.option_strings} if command else set()
    rows = [
        [_code(_usage(action)), action.help or ""]
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        and not isinstance(action, argparse._SubParsersAction)
        and not shared & set(action.option_strings)
    ]
    return _markdown(("argument", "means"), rows)


def fault_terms(_: Sequence[str]) -> str:
    """The terms of a rule of `watch --fault`."""
    rows = [[_code(name), term.shape, term.help] for name, term in TERMS.items()]
    return _markdown(("term", "value", "does"), rows)


def subcommands(command: Sequence[str]) -> str:
    """The commands below a command."""
    parser = _subparser(cli.build_parser(), command)
    below = _below(parser)
    rows = [
        [_code(" ".join((*command, one.dest))), one.help or ""] for one in below._choices_actions
    ]
    return _markdown(("command", "does"), rows)


def _below(
    parser: argparse.ArgumentParser,
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    return next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))


def _subparser(parser: argparse.ArgumentParser, command: Sequence[str]) -> argparse.ArgumentParser:
    for name in command:
        parser = _below(parser).choices[name]
    return parser


def _usage(action: argparse.Action) -> str:
    value = action.metavar or "|".join(map(str, action.choices or ()))
    if not action.option_strings:
        return f"{value} …" if action.nargs in ("+", "*") else str(value)
    names = ", ".join(action.option_strings)
    return f"{names} {value}" if value and action.nargs != 0 else names


def tools(_: Sequence[str]) -> str:
    """The tools that come with replyscope."""
    rows = [
        [_code(name), " ".join((inspect.getdoc(function) or "").split())]
        for name, function in vars(shipped).items()
        if inspect.isfunction(function)
        and function.__module__ == shipped.__name__
        and not name.startswith("_")
    ]
    return _markdown(("tool", "returns"), rows)


def local_models(_: Sequence[str]) -> str:
    """The embedded models."""
    rows = (
        [_code(one.name), f"{one.size / 1e6:,.0f} MB", f"{one.good_for}. {one.cannot}"]
        for one in CATALOGUE
    )
    return _markdown(("model", "size", "good for"), rows)


def themes(_: Sequence[str]) -> str:
    """The themes that come with replyscope."""
    sources = map(read_theme, sorted(shipped_folder().glob("*.toml")))
    rows = ([_code(one.name), "dark" if one.is_dark else "light"] for one in sources)
    return _markdown(("theme", "background"), rows)


def floors(_: Sequence[str]) -> str:
    """The floors of the import contract, from the top, with what each package says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    drawn, rows = [], []
    for number, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True):
        packages = [name.strip() for name in layer.split("|")]
        names = " · ".join(package.rpartition(".")[2] for package in packages)
        drawn.append(f'    floor{number}["{number}: {names}"]\n')
        rows += [[str(number), _code(name.rpartition(".")[2]), _purpose(name)] for name in packages]
    arrows = (
        f"    floor{number} --> floor{number - 1}\n" for number in range(len(layers) - 1, 0, -1)
    )
    picture = f"```mermaid\nflowchart TD\n{''.join(drawn)}{''.join(arrows)}```\n"
    return f"{picture}\n{_markdown(('floor', 'package', 'purpose'), rows)}"


def _purpose(package: str) -> str:
    """The first sentence of a package's docstring, without the number of its floor."""
    text = " ".join((importlib.import_module(package).__doc__ or "").split())
    first = re.split(r"(?<=\.) ", re.sub(r"^Floor \d: ", "", text))[0]
    return first[:1].upper() + first[1:]


def tasks(_arguments: Sequence[str]) -> str:
    """Everyday tasks with their keys. The number of keystrokes leaves out typed text."""
    rows = ((task.name, task.keys, str(task.keystrokes)) for task in TASKS)
    return _markdown(("task", "keys", "keystrokes"), rows)


def parameters(api: Sequence[str]) -> str:
    """The parameters of the catalogue that an API has, and where their values are sent."""
    rows = (
        (_code(one.name), _code(one.sent_as[Api(api[0])]), one.phrase(Api(api[0])))
        for one in load_catalogue().parameters.values()
        if Api(api[0]) in one.sent_as
    )
    return _markdown(("parameter", "sent as", "value"), rows)


def set_elsewhere(_arguments: Sequence[str]) -> str:
    """The fields of requests that are no parameters, with the reason."""
    rows = ((_code(name), why) for name, why in load_catalogue().elsewhere.items())
    return _markdown(("field", "why"), rows)


def imports(_arguments: Sequence[str]) -> str:
    """The import formats: what a person gives, and what is read of it."""
    rows = ((f"{one.title}: {one.path}", one.content) for one in FORMATS)
    return _markdown(("file or folder", "what is read"), rows)


def known_folders(_arguments: Sequence[str]) -> str:
    """The places in which other programs keep their history."""
    rows = ((one.title, ", ".join(map(_code, one.homes))) for one in FORMATS if one.homes)
    return _markdown(("program", "place"), rows)


def sql_view(names: Sequence[str]) -> str:
    """The columns of a SQL view."""
    columns = (column for view in VIEWS if view.name in names for column in view.columns)
    rows = ((_code(column.name), column.type, column.help) for column in columns)
    return _markdown(("column", "type", "what"), rows)


_TABLES: dict[str, Callable[[Sequence[str]], str]] = {
    "keys": keys_by_id,
    "keys-of": keys_of_classes,
    "commands": commands,
    "linear-commands": linear_commands,
    "query": query,
    "tasks": tasks,
    "settings": settings,
    "exit-status": exit_status,
    "fault-terms": fault_terms,
    "options": options,
    "subcommands": subcommands,
    "parameters": parameters,
    "set-elsewhere": set_elsewhere,
    "tools": tools,
    "local-models": local_models,
    "themes": themes,
    "floors": floors,
    "imports": imports,
    "known-folders": known_folders,
    "sql-view": sql_view,
}


def main() -> None:
    """Write every table anew where it differs."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        if (renewed := renew(text)) != text:
            path.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
