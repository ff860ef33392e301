"""Saves the images of a reply as files: an exchange is stored with their paths, not their bytes."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import replace

from replyscope.domain.exchange import Exchange, ReplyImage
from replyscope.domain.tool import KeptFile

KeepFile = Callable[[bytes, str], KeptFile | None]
"""Writes bytes of a media type to a file; returns its path. Blocks. Raises OSError."""

_log = logging.getLogger(__name__)


async def keep_images(exchange: Exchange, keep: KeepFile | None) -> Exchange:
    """The exchange with its images in files. Without files, as in a private session, they stay
    in memory. An image that can't be written loses its bytes here: the wire record still has them.
    """
    if not any(choice.images for choice in exchange.choices):
        return exchange
    choices = [
        replace(choice, images=tuple([await _kept(image, keep) for image in choice.images]))
        for choice in exchange.choices
    ]
    return replace(exchange, choices=tuple(choices))


async def _kept(image: ReplyImage, keep: KeepFile | None) -> ReplyImage:
    if not image.data:
        return image
    if keep is None:
        return image
    without = replace(image, data="")
    try:
        data = base64.b64decode(image.data)
        kept = await asyncio.to_thread(keep, data, image.media_type)
    except (OSError, ValueError, binascii.Error) as error:
        _log.warning("an image of a reply is not kept: %s", error)
        return without
    if kept is None:
        return replace(image, size=len(data))
    return replace(without, media_type=kept.media_type, size=kept.size, path=kept.path)
