"""Wires the reading of attachments: the programs that it starts, and their environment."""

import importlib
import os
import shutil
from collections.abc import Sequence

from replyscope.domain.environment import BASIC, EDITOR, kept_environment
from replyscope.domain.ports import Ran
from replyscope.engine.attachments import AttachmentReader
from replyscope.engine.clipboard import Clipboard


def _environment() -> dict[str, str]:
    return kept_environment(os.environ, BASIC, EDITOR, separator=os.pathsep)


async def run_program(
    command: Sequence[str], *, given: bytes = b"", most_output: int = 8_000_000
) -> Ran:
    """See RunProgram."""
    process = importlib.import_module("replyscope.toolbox.process")  # at the first child
    ended: Ran = await process.run_process(
        command, given=given, environment=_environment(), most_output=most_output
    )
    return ended


def _which(name: str) -> str | None:
    """The path of a program. The working folder is never searched."""
    return shutil.which(name, path=_environment().get("PATH", ""))


def attachment_reader() -> AttachmentReader:
    """The reader of attachments."""
    return AttachmentReader(run_program)


def clipboard() -> Clipboard:
    """The clipboard of this desktop."""
    return Clipboard(run_program, _which, os.environ)
