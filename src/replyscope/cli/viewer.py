"""Opens files in the system's viewer, from a private temporary folder."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from replyscope.domain.environment import BASIC, DESKTOP, EDITOR, kept_environment
from replyscope.domain.errors import ViewerError
from replyscope.domain.regular_file import write_own

_PATIENCE_S = 3.0
"""The time in which a command can fail. Some commands return only when the viewer is closed."""


class FileViewer:
    """Writes files that only the person can read, and opens them. The files are removed when the
    program exits.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._running: list[subprocess.Popen[bytes]] = []

    def __call__(self, name: str, data: bytes) -> None:
        """Open bytes as a file with a name. Blocks up to 3 s. Raises ViewerError."""
        try:
            path = self._own_folder() / name
            with write_own(path) as file:
                file.write(data)
            self._open(path)
        except OSError as error:
            raise ViewerError(f'The file can\'t be opened: "{error.strerror or error}".') from error

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="replyscope-"))
            atexit.register(self.close)
        return self._folder

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            atexit.unregister(self.close)

    def _open(self, path: Path) -> None:
        if sys.platform == "win32":
            os.startfile(path)
            return
        command = "open" if sys.platform == "darwin" else "xdg-open"
        if shutil.which(command) is None:
            raise ViewerError(
                f"There is no {command} on this machine.", "Install xdg-utils to open pictures."
            )
        self._running = [viewer for viewer in self._running if viewer.poll() is None]
        viewer = subprocess.Popen(
            [command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=kept_environment(os.environ, BASIC, EDITOR, DESKTOP, separator=os.pathsep),
        )
        try:
            code = viewer.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._running.append(viewer)
            return
        if code:
            raise ViewerError(
                f"{command} failed with exit code {code}.", "Is there a viewer for pictures?"
            )


VIEWER = FileViewer()
"""The viewer of this process."""
