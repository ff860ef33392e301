"""The folders that tool servers run in when their entries name none.

Launchers such as npx and uvx run or obey files of the folder they start in, so that is
never the working folder: whoever wrote a repository does not choose what a server runs.
"""

import os
import shutil
import tempfile
from pathlib import Path

_CAPS = {"package.json": '{"private": true}\n', "uv.toml": ""}
"""Files at which npx and uv end their search, which would go on to the folders above."""


class ServerFolders:
    """A folder for each server, for its owner only. `base` None: they last until `close`."""

    def __init__(self, base: Path | None) -> None:
        self._base = base
        self._temporary: Path | None = None

    def folder_of(self, name: str) -> Path:
        """The folder of a server; made where it is missing. Raises OSError."""
        base = self._base
        if base is None:
            base = self._temporary = self._temporary or Path(tempfile.mkdtemp(prefix="replyscope-"))
        folder = base / f"server-{name}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, text in _CAPS.items():
            if not os.path.lexists(folder / file):
                (folder / file).write_text(text, encoding="utf-8")
        return folder

    def close(self) -> None:
        """Remove the temporary folders."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
