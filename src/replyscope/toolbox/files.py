"""Binary results, kept as files of the data folder, named by what is in them."""

import hashlib
import mimetypes
import os
from pathlib import Path

from replyscope.domain.picture import read_picture
from replyscope.domain.tool import KeptFile

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


class KeptFiles:
    """A folder of files for their owner only. The same bytes are kept once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes, media_type: str = "") -> KeptFile:
        """Write bytes to a file of their own. Blocks. Raises OSError."""
        picture = read_picture(data)
        media_type = picture.media_type if picture else media_type or "application/octet-stream"
        suffix = _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type) or ".bin"
        name = hashlib.sha256(data).hexdigest()[:16] + suffix
        path = self._folder / name
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = path.with_suffix(f"{suffix}.{os.getpid()}")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            partial.replace(path)
        return KeptFile(name, media_type, str(path), len(data))
