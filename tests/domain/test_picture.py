import base64

import pytest

from replyscope.domain.foreign import picture_of
from replyscope.domain.picture import SUFFIXES, Picture, read_picture

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (3).to_bytes(4) + (2).to_bytes(4)
IMAGES = {
    PNG: Picture("image/png", 3, 2),
    b"GIF89a\x03\0\x02\0": Picture("image/gif", 3, 2),
    b"GIF87a": Picture("image/gif"),
    b"\xff\xd8\xff\xc0\0\x11\x08\0\x02\0\x03": Picture("image/jpeg", 3, 2),
    b"RIFF\0\0\0\0WEBP": Picture("image/webp"),
}
OTHERS = (b"", b"\x89PN", b"GIF88a", b"RIFF\0\0\0\0WAVE", b"WEBP", b"\xff\xd8")


@pytest.mark.parametrize("data", IMAGES)
def test_an_image_is_recognised_by_its_signature_wherever_it_comes_from(data: bytes) -> None:
    assert read_picture(data) == IMAGES[data]
    assert IMAGES[data].media_type in SUFFIXES
    part = picture_of("name", base64.b64encode(data).decode())
    assert part is not None
    assert part.media_type == IMAGES[data].media_type


@pytest.mark.parametrize("data", OTHERS)
def test_other_bytes_are_no_image_wherever_they_come_from(data: bytes) -> None:
    assert read_picture(data) is None
    assert picture_of("name", base64.b64encode(data).decode()) is None
