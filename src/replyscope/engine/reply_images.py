"""Saves the images of a reply as files: an exchange is stored with their paths, not their bytes."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from replyscope.domain.exchange import Exchange, ReplyImage
from replyscope.domain.regular_file import read_regular
from replyscope.domain.shared import Shared
from replyscope.domain.tool import KeptFile

if TYPE_CHECKING:  # loaded with an export
    from replyscope.inspection.sharing.redaction import Redactor

KeepFile = Callable[[bytes, str], KeptFile | None]
"""Writes bytes of a media type to a file; returns its path. Blocks. Raises OSError."""

_MOST_EXPORTED = 100_000_000
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


def with_kept_files(shared: Shared, clean: "Redactor") -> Shared:
    """The session with the bytes of its replies' files, for an export with pictures. Blocks.

    Unreadable ones, and those above the limit of a page, stay paths. In a redacted export a file
    of text is redacted, and other files than pictures and recordings are left out.
    """
    room = _MOST_EXPORTED

    def loaded(image: ReplyImage) -> ReplyImage:
        nonlocal room
        if not image.path or (image.size or 0) > room:
            return _redacted(image, clean)
        try:
            data = read_regular(Path(image.path), room)
        except (OSError, ValueError) as error:
            _log.warning("an image of a reply is not exported: %s", error)
            return image
        room -= len(data)
        return _redacted(replace(image, data=base64.b64encode(data).decode("ascii")), clean)

    exchanges = {key: _changed(one, loaded) for key, one in shared.exchanges.items()}
    return replace(shared, exchanges=exchanges)


def _redacted(image: ReplyImage, clean: "Redactor") -> ReplyImage:
    if image.kind != "file" or not image.data or not clean.is_on:
        return image
    try:
        text = base64.b64decode(image.data).decode()
    except ValueError:  # not UTF-8
        return replace(image, data="")
    return replace(image, data=base64.b64encode(clean(text).encode()).decode("ascii"))


def _changed(exchange: Exchange, change: Callable[[ReplyImage], ReplyImage]) -> Exchange:
    if not any(choice.images for choice in exchange.choices):
        return exchange
    choices = tuple(
        replace(choice, images=tuple(map(change, choice.images))) for choice in exchange.choices
    )
    return replace(exchange, choices=choices)


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
