"""`replyscope prompts`: lists, shows, writes and imports prompts of the library."""

import argparse
import asyncio
import json
import sys

from replyscope.cli.opening import open_to_read
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring
from replyscope.config.prompts import PromptFolder, check_name
from replyscope.domain.errors import SettingsError
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.prompt import Prompt
from replyscope.engine.prompt_writing import EditedPrompt, PromptWriting
from replyscope.engine.prompts import describe_prompt, find_prompt
from replyscope.inspection.prompt_view import prompt_lines, prompt_object

_WIDEST = 24


async def run_prompts(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run one action. Returns the exit status. Raises ReplyscopeError."""
    library = PromptFolder(wiring.paths.prompts, is_saving=True)
    match arguments.action:
        case "list":
            _list(library, as_json=arguments.json)
        case "show" if "@" in arguments.name:
            await _show_version(arguments, library, wiring)
        case "show":
            _show(find_prompt(library.read(), arguments.name), as_json=arguments.json)
        case "compare":
            from replyscope.cli.prompt_versions import compare_versions  # only for this action

            await open_to_read(wiring)
            await compare_versions(arguments, library, wiring)
        case "edit":
            await _edit(library, arguments.name)
        case "import":
            from replyscope.cli.prompt_import import run_prompt_import  # only for this action

            return run_prompt_import(arguments, library)
        case _:
            await _new(library, arguments.name)
    return EXIT_OK


def _list(library: PromptFolder, *, as_json: bool) -> None:
    known = library.read()
    for fault in known.faults.values():
        warn(f"Not used: {fault}")
    if as_json:
        print(json.dumps([prompt_object(one) for one in known.by_name.values()], indent=2))
        return
    width = min(_WIDEST, max(map(len, known.by_name), default=0))
    for name, prompt in known.by_name.items():
        print(printable_line(f"{name:<{width}}  {describe_prompt(prompt)}"))
    if not known.by_name:
        print("No prompts yet. `replyscope prompts new NAME` writes one.", file=sys.stderr)


def _show(prompt: Prompt, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(prompt_object(prompt), indent=2))
        return
    for line in prompt_lines(prompt):
        print(printable_line(line))
    print(f"\n{printable_text(prompt.text)}")


async def _show_version(
    arguments: argparse.Namespace, library: PromptFolder, wiring: Wiring
) -> None:
    from replyscope.cli.prompt_versions import find_version  # only for this action

    await open_to_read(wiring)
    name, _, version = arguments.name.partition("@")
    part = await find_version(name, version, library, wiring)
    try:
        _show(library.parse(name, part.text), as_json=arguments.json)
    except SettingsError:  # written by another version of the program
        print(printable_text(part.text))


async def _edit(library: PromptFolder, name: str) -> None:
    editing = PromptWriting(lambda: library).begin(name, is_new=False)
    await _write(library, name, editing, await _edited(editing.text))


async def _new(library: PromptFolder, name: str) -> None:
    check_name(name)
    if library.read_source(name) is not None:
        raise SettingsError(f"The prompt {name} exists.", f"`replyscope prompts edit {name}`")
    is_piped = sys.stdin is not None and not sys.stdin.isatty()
    editing = PromptWriting(lambda: library).begin(name, is_new=True)
    text = _piped() if is_piped else await _edited(editing.text)
    await _write(library, name, editing, text)


async def _edited(text: str) -> str:
    from replyscope.cli.editor import edit_text  # only for these actions

    return await asyncio.to_thread(edit_text, text)


def _piped() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError("The piped input is not text in UTF-8.") from error


async def _write(library: PromptFolder, name: str, editing: EditedPrompt, text: str) -> None:
    """Save a text that was changed."""
    if not editing.changes(text):
        print("Nothing was saved: the text is not changed.", file=sys.stderr)
        return
    path = PromptWriting(lambda: library).save(name, text)
    print(printable_line(f"Saved {path}"), flush=True)
    library.parse(name, text)
