"""Files become parts; what can't be sent is said so."""

from pathlib import Path

import pytest

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import FilePart, ImagePart
from replyscope.engine.attachments import complete_path, read_attachment

PNG = b"\x89PNG\r\n\x1a\n"


def test_text_and_images_become_parts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "i.png").write_bytes(PNG)
    assert read_attachment(tmp_path / "a.py") == FilePart("a.py", "x = 1\n")
    assert read_attachment(tmp_path / "i.png") == ImagePart("i.png", "image/png", PNG)


def test_what_cannot_be_sent_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("b.bin", "missing", "."):
        with pytest.raises(AttachmentError):
            read_attachment(tmp_path / name)


def test_an_image_is_what_its_bytes_say(tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_text("just text")
    (tmp_path / "photo").write_bytes(b"\xff\xd8\xff\xe0")
    assert read_attachment(tmp_path / "fake.png") == FilePart("fake.png", "just text")
    assert isinstance(read_attachment(tmp_path / "photo"), ImagePart)


def test_paths_are_completed_folders_first_hidden_ones_on_request(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "setup.py").touch()
    (tmp_path / ".secret").touch()
    assert complete_path("s", tmp_path) == [("src/", True), ("setup.py", False)]
    assert complete_path(".", tmp_path) == [(".secret", False)]
    assert complete_path("nowhere/x", tmp_path) == []


@pytest.mark.parametrize("typed", ["~nobodyx/", "~nobodyx/f", "no\0where/f", "~no\0body/f"])
def test_a_path_that_can_not_exist_has_no_completions(tmp_path: Path, typed: str) -> None:
    assert complete_path(typed, tmp_path) == []
