"""Runs the person's own editor on a text."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from replyscope.domain.environment import BASIC, EDITOR, kept_environment
from replyscope.domain.errors import SettingsError
from replyscope.domain.unicode_text import REPLACE


def edit_text(text: str) -> str:
    """The text as it was left in $VISUAL or $EDITOR. Raises SettingsError."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = command or ("notepad" if os.name == "nt" else "vi")
    descriptor, name = tempfile.mkstemp(prefix="replyscope-", suffix=".md")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=REPLACE) as file:
            file.write(text)
        words = shlex.split(command, posix=os.name != "nt")
        environment = kept_environment(os.environ, BASIC, EDITOR, separator=os.pathsep)
        subprocess.run([*(word.strip('"') for word in words), name], check=True, env=environment)
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise SettingsError(
            f"The editor {command!r} failed ({error}).", "Set EDITOR to one that works."
        ) from error
    finally:
        path.unlink(missing_ok=True)
