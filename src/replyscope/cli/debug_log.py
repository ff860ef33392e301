"""The `--debug` log: a file for its owner only, that never holds a key or a word of a
private session.
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
        """A log that finds no room costs nothing else: no traceback on the screen."""


def start_debug_log(folder: Path) -> Path:
    """Log replyscope's own steps to a file; where it is."""
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
