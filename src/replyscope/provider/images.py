"""Parses the images of a reply, as base64 data or as URLs. Pure."""

from replyscope.domain.exchange import ReplyImage
from replyscope.provider.plain import fields_of, first_text

_DATA = ("b64_json", "image_base64", "base64", "data", "result")
_TYPES = ("media_type", "mime_type", "mimeType")


def read_image(part: object) -> ReplyImage | None:
    """The image in a part of a message; None when there is none."""
    outer = fields_of(part)
    inner = {**outer, **fields_of(outer.get("image_url")), **fields_of(outer.get("image"))}
    url = first_text(part, inner.get("image_url"), inner.get("url"))
    if url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        return inline_image(data, head.partition(";")[0])
    if url:
        return ReplyImage(url=url)
    data = first_text(*(inner.get(name) for name in _DATA))
    media_type = first_text(*(inner.get(name) for name in _TYPES))
    return inline_image(data, media_type) if data else None


def inline_image(data: str, media_type: str = "") -> ReplyImage:
    """An image from base64 data; its size is the number of decoded bytes."""
    data = data.partition("base64,")[2] or data
    size = len(data.rstrip("=")) * 3 // 4
    return ReplyImage(media_type or "image/png", size, data=data)
