"""Edits a text in the external editor of $VISUAL or $EDITOR."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from replyscope.domain.environment import BASIC, EDITOR, kept_environment
from replyscope.domain.errors import SettingsError
from replyscope.domain.regular_file import read_regular
from replyscope.domain.unicode_text import REPLACE

_MOST_BYTES = 10_000_000


def edit_text(text: str) -> str:
    """Open the text in the editor and wait. Returns the edited text. Raises SettingsError.

    The file is in a temporary folder, which is deleted with the editor's own files in it.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = command or ("notepad" if os.name == "nt" else "vi")
    environment = kept_environment(os.environ, BASIC, EDITOR, separator=os.pathsep)
    try:
        words = [word.strip('"') for word in shlex.split(command, posix=os.name != "nt")]
        with tempfile.TemporaryDirectory(
            prefix="replyscope-", ignore_cleanup_errors=True
        ) as folder:
            path = Path(folder, "message.md")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors=REPLACE) as file:
                file.write(text)
            subprocess.run([*words, str(path)], check=True, env=environment)
            data = read_regular(path, _MOST_BYTES)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise SettingsError(
            f"The editor {command!r} failed ({error}).", "Set EDITOR to another editor."
        ) from error
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").removesuffix("\n")
