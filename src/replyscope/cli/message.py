"""The message of `replyscope ask`: the prompt, piped input, and the files of -a."""

import os
import stat
import sys
from collections.abc import Sequence

from replyscope.cli.attaching import attachment_reader
from replyscope.cli.report import warn
from replyscope.domain.errors import AttachmentError, SettingsError
from replyscope.domain.message import Attachment, Part, TextPart
from replyscope.domain.typed_path import typed_path
from replyscope.engine.attachments import MOST_BYTES, AttachmentReader, ReadFiles

_STDIN = "-"


async def read_message(
    prompt: str | None, files: Sequence[str], *, may_be_empty: bool = False
) -> tuple[Part, ...]:
    """The parts of the message, attachments first. Notes about them go to stderr.

    Raises SettingsError without a prompt or a file, unless it `may_be_empty`; AttachmentError for
    a file that can't be sent.
    """
    if _STDIN in files and (prompt == _STDIN or files.count(_STDIN) > 1):
        raise SettingsError("stdin can be used once.", "Use - for the prompt or for one file.")
    if prompt is None and may_be_empty and not _has_piped_input():
        prompt = ""  # a terminal: the templates need no text
    has_files = bool(files) or may_be_empty
    text = _read_prompt(prompt, has_files=has_files, has_stdin=_STDIN not in files)
    attached = await read_files(files)
    return (*attached, *([TextPart(text)] if text.strip() else []))


async def read_files(files: Sequence[str]) -> list[Attachment]:
    """The attachments of files and folders. Notes about them go to stderr.

    Raises AttachmentError.
    """
    reader = attachment_reader()
    attached: list[Attachment] = []
    for file in files:
        one = await _read_file(reader, file)
        attached += one.parts
        for note in one.notes:
            warn(note)
    return attached


async def _read_file(reader: AttachmentReader, file: str) -> ReadFiles:
    if file != _STDIN:
        return await reader.read(typed_path(file))
    if sys.stdin is None or sys.stdin.isatty():
        raise AttachmentError("-a - reads a file from stdin.", "Pipe one in.")
    data = sys.stdin.buffer.read(MOST_BYTES + 1) or b""  # None: a pipe that does not block
    if len(data) > MOST_BYTES:
        raise AttachmentError(f"stdin has more than {MOST_BYTES // 1_000_000} MB.")
    return await reader.read_bytes("stdin", data)


def _read_prompt(argument: str | None, *, has_files: bool, has_stdin: bool) -> str:
    """The prompt, followed by piped input. Raises SettingsError if there is nothing to send."""
    if not has_stdin:
        return argument or ""
    if argument is None and (sys.stdin is None or sys.stdin.isatty()):
        if has_files:
            return ""
        raise SettingsError("There is no prompt.", "Give it as an argument, or pipe it in.")
    if argument in (None, _STDIN):
        prompt = _read_stdin()
    else:
        piped = _read_stdin() if _has_piped_input() else ""
        prompt = f"{argument}\n\n{piped}" if piped.strip() else argument or ""
    if not prompt.strip() and not has_files:
        raise SettingsError("The prompt is empty.", "Give it as an argument or on stdin.")
    return prompt


def _read_stdin() -> str:
    try:
        return (sys.stdin.buffer.read() or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(
            "The piped input is not text in UTF-8.",
            "Convert it first (iconv), or attach it: -a -.",
        ) from error


def _has_piped_input() -> bool:
    """Whether stdin is a pipe or a file: reading anything else might never end."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
