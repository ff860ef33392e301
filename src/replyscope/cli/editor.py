"""Edits a text in the external editor of $VISUAL or $EDITOR."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from replyscope.domain.environment import BASIC, EDITOR, kept_environment
from replyscope.domain.errors import SettingsError
from replyscope.domain.regular_file import read_regular
from replyscope.domain.system_words import system_words
from replyscope.domain.unicode_text import REPLACE

_MOST_BYTES = 10_000_000


def edit_text(text: str) -> str:
    """Open the text in the editor and wait. Returns the edited text. Raises SettingsError.

    The file is in a temporary folder, which is deleted with the editor's own files in it, unless
    the edited text is too large.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = command or ("notepad" if os.name == "nt" else "vi")
    environment = kept_environment(os.environ, BASIC, EDITOR, separator=os.pathsep)
    path = Path()
    try:
        words = [word.strip('"') for word in shlex.split(command, posix=os.name != "nt")]
        path = Path(tempfile.mkdtemp(prefix="replyscope-"), "message.md")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=REPLACE) as file:
            file.write(text)
        subprocess.run([*words, str(path)], check=True, env=environment)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        _delete(path)
        raise SettingsError(
            f"The editor {command!r} failed ({system_words(error)}).",
            "Set EDITOR to another editor.",
        ) from error
    try:
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        next_step = f"The text is in {path}."
        if path.is_symlink() or not path.is_file():
            _delete(path)
            next_step = "Set EDITOR to another editor."
        raise SettingsError(
            f"The editor {command!r} left no text that can be read ({error}).", next_step
        ) from error
    _delete(path)
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").removesuffix("\n")


def _delete(path: Path) -> None:
    """Delete the folder of a temporary file; none was made for an empty path."""
    if path.name:
        shutil.rmtree(path.parent, ignore_errors=True)
