"""Saves binary tool results as files in the data folder, named by their hash."""

import hashlib
from pathlib import Path

from replyscope.domain.file_types import UNKNOWN, suffix_of
from replyscope.domain.picture import describe_picture, read_picture
from replyscope.domain.tool import KeptFile
from replyscope.domain.whole_file import write_whole


class KeptFiles:
    """A content-addressed folder of files, with access for the owner only.

    With `folder` None, as in a private session, no files are saved.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(self, data: bytes, media_type: str = "") -> tuple[str, tuple[KeptFile, ...]]:
        """Save bytes. Returns their description for the model, and the file if it was saved.

        Blocks. Raises OSError.
        """
        picture = read_picture(data)
        media_type = picture.media_type if picture else media_type or UNKNOWN
        is_picture = picture is not None or media_type.startswith("image/")
        about = describe_picture(data) if is_picture else media_type
        if self._folder is None:
            return f"{about}, not kept: nothing is saved here", ()
        kept = self._keep(self._folder, data, media_type)
        return f"{about}, kept for the person as {kept.name}", (kept,)

    def _keep(self, folder: Path, data: bytes, media_type: str) -> KeptFile:
        suffix = suffix_of(media_type)
        name = hashlib.sha256(data).hexdigest()[:16] + suffix
        path = folder / name
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, data)
        return KeptFile(name, media_type, str(path), len(data))


NOT_KEPT = KeptFiles(None)
