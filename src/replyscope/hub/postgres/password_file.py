"""Checks the file of passwords (`~/.pgpass`) before libpq reads it.

libpq ignores a file that others can read, and writes a warning to standard error, which is the
screen of the app.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from replyscope.domain.errors import HubRefused


def find_password_file(environment: Mapping[str, str]) -> Path | None:
    """The file in which libpq looks for passwords; None where it reads none."""
    home = environment.get("HOME")
    if os.name == "nt" or environment.get("PGPASSWORD"):
        return None
    if given := environment.get("PGPASSFILE"):
        return Path(given)
    return Path(home) / ".pgpass" if home else None


def check_password_file(path: Path) -> None:
    """Raise HubRefused for a file that libpq would ignore."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # libpq says nothing either
    if not stat.S_ISREG(mode):
        raise HubRefused(f"The password file {path} is not a file.", "Remove it.")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise HubRefused(
            f"The password file {path} can be read by others, so it is not used.",
            f"Run `chmod 600 {path}`.",
        )
