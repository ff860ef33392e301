"""The working folders of tool servers without a `cwd`.

Launchers such as npx and uvx read files of the folder in which they start. That is never
the user's working folder, so a repository cannot change what a server runs.
"""

import os
import shutil
import tempfile
from pathlib import Path

_CAPS = {"package.json": '{"private": true}\n', "uv.toml": ""}
"""Files that stop the search of npx and uv in parent folders."""


class ServerFolders:
    """A private folder per server. With `base` None they are temporary, until `close`."""

    def __init__(self, base: Path | None) -> None:
        self._base = base
        self._temporary: Path | None = None

    def folder_of(self, name: str) -> Path:
        """The folder of a server, created if necessary. Raises OSError."""
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
        """Delete the temporary folders."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
