"""The log file of `--debug`, readable by its owner only. It never contains keys, or text of
private sessions.
"""

import logging
import os
import re
from pathlib import Path

from replyscope.config.paths import make_private
from replyscope.domain.secret_shapes import without_keys
from replyscope.domain.unicode_text import REPLACE
from replyscope.domain.unlogged import unlogged

_SECRETS = re.compile(
    r"(sk-[\w-]{6,}|(?<=bearer )\S+|(?<=api-key: )\S+|(?<=authorization: )\S+)", re.IGNORECASE
)


class _Masking(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(_SECRETS.sub("•••", super().format(record)))


class _Log(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore an entry that cannot be written: the default prints a traceback."""


def start_debug_log(folder: Path) -> Path:
    """Start to log replyscope's own steps to a file in `folder`. Returns its path."""
    make_private(folder)
    path = folder / "debug.log"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    handler = _Log(path, encoding="utf-8", errors=REPLACE)
    handler.addFilter(lambda _record: not unlogged.get())
    handler.setFormatter(_Masking("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("replyscope")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    return path
