"""replyscope: a terminal chat that shows every detail of each reply.

`open_archive` reads the saved sessions from other Python programs.
"""

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the program starts without it
    from replyscope.api import ArchiveReader

__version__ = "0.1.0"
__all__ = ["__version__", "open_archive"]


def open_archive(folder: "str | os.PathLike[str] | None" = None) -> "ArchiveReader":
    """Open the saved sessions to read them. Use it as a context manager, in one thread.

    `folder` is the data folder; by default that of the program. Raises
    replyscope.api.StoreError when there is no archive, or it is damaged or of another version.
    """
    opened: ArchiveReader = importlib.import_module("replyscope.api").open_archive(folder)
    return opened
