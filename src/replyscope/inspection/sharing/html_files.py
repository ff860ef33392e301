"""Renders the files of messages and replies as HTML: the page has their bytes."""

import base64

from replyscope.domain.exchange import ReplyImage
from replyscope.domain.picture import SUFFIXES
from replyscope.domain.recording import FORMATS
from replyscope.domain.shared import Clean
from replyscope.inspection.figures import image_line, size
from replyscope.inspection.sharing.html_text import plain


def picture_html(name: str, media_type: str, data: bytes) -> str:
    """An image element; a line for a format that browsers may not draw."""
    return _element(f"{name}, {size(len(data))}", media_type, _encoded(data))


def audio_html(name: str, media_type: str, data: bytes) -> str:
    """A player with a line about the recording."""
    label = f"{name}, {size(len(data))}"
    return f"<p>{plain(label)}</p>{_element(label, media_type, _encoded(data))}"


def reply_file_html(image: ReplyImage, clean: Clean) -> str:
    """A line about an image or a recording of a reply, and the file if its bytes are known."""
    line = clean(image_line(image))
    if not image.data:
        return f"<p>{plain(line)}</p>"
    if image.media_type in (*SUFFIXES, *FORMATS):
        return f"<p>{plain(line)}</p>{_element(line, image.media_type, image.data)}"
    url = f"data:application/octet-stream;base64,{plain(image.data)}"
    return (
        f'<p><a download="{plain(clean(image.name or "file"))}" href="{url}">{plain(line)}</a></p>'
    )


def _element(label: str, media_type: str, encoded: str) -> str:
    url = f"data:{media_type};base64,{plain(encoded)}"
    if media_type in SUFFIXES:
        return f'<img src="{url}" alt="{plain(label)}">'
    if media_type in FORMATS:
        return f'<audio controls src="{url}"></audio>'
    return f"<p>[{plain(label)}]</p>"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
