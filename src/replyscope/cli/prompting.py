"""Prompts of the library for `replyscope ask`: -t and -v."""

import argparse
import asyncio

from replyscope.cli.message import read_files
from replyscope.cli.wiring import load_catalogue
from replyscope.config.paths import Paths
from replyscope.config.prompts import PromptFolder
from replyscope.domain.errors import SettingsError
from replyscope.domain.message import Part, TextPart
from replyscope.engine.prompts import Filled, check_prompts, fill, find_prompt


async def fill_message(
    arguments: argparse.Namespace, paths: Paths, parts: tuple[Part, ...]
) -> tuple[tuple[Part, ...], Filled]:
    """The parts of the message, filled with the prompts of -t, and the filled prompts.

    Raises SettingsError, AttachmentError.
    """
    given = dict(arguments.variables or ())
    if not arguments.templates:
        raise SettingsError("-v sets variables of a prompt.", "Name the prompt with -t.")
    library = PromptFolder(paths.prompts)
    known = await asyncio.to_thread(library.read)
    prompts = [find_prompt(known, name) for name in arguments.templates]
    await check_prompts(prompts, library, load_catalogue)
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    files = [part for part in parts if not isinstance(part, TextPart)]
    used = fill(prompts, given, text)
    files += await read_files(used.files)
    return (*files, *used.parts, TextPart(used.text)), used
