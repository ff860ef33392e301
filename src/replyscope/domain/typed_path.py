"""Paths as people type them."""

import os
from pathlib import Path


def typed_path(text: str) -> Path:
    """The path, with `~` and `~user` expanded. Never raises: a path without a home folder stays
    unchanged, and opening it reports that it does not exist.
    """
    try:
        return Path(os.path.expanduser(text))
    except ValueError:  # a user's name with a NUL
        return Path(text)
