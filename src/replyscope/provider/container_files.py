"""Downloads the files that a reply cites from the containers of its code interpreter.

A container expires minutes after its last use, so the files are downloaded when the reply ends.
Only the server of the reply is asked, with bounds in files, bytes and time.
"""

import asyncio
import base64
import re
from collections.abc import Iterable

import openai

from replyscope.domain.exchange import Citation, ReplyImage
from replyscope.domain.file_types import media_type_of
from replyscope.provider.errors import ErrorTranslator

MOST_FILES = 20
MOST_BYTES = 50_000_000
"""The bytes of all files of a reply. The transport bounds each of them, too."""
LONGEST_S = 30.0
_MOST_NAME = 200
_ID = re.compile(r"[\w-]{1,200}", re.ASCII)
_LATE = f"not loaded within {LONGEST_S:.0f} s"


async def load_cited_files(
    client: openai.AsyncOpenAI,
    citations: Iterable[Citation],
    errors: ErrorTranslator,
    longest_s: float = LONGEST_S,
) -> list[ReplyImage]:
    """The files of citations in their order; one that can't be loaded has a `fault`."""
    cited = {(one.container_id, one.file_id): one for one in reversed(list(citations))}
    room = MOST_BYTES
    files: list[ReplyImage] = []
    deadline = asyncio.get_running_loop().time() + longest_s
    for citation in reversed(cited.values()):
        if len(files) == MOST_FILES:
            break
        file = await _load(client, citation, errors, deadline)
        if (file.size or 0) > room:
            file = _without(citation, f"not kept: the files exceed {MOST_BYTES // 1_000_000} MB")
        room -= file.size or 0
        files.append(file)
    return files


async def _load(
    client: openai.AsyncOpenAI, citation: Citation, errors: ErrorTranslator, deadline: float
) -> ReplyImage:
    container_id, file_id = citation.container_id or "", citation.file_id or ""
    if not (_ID.fullmatch(container_id) and _ID.fullmatch(file_id)):
        return _without(citation, "not loaded: the server sent an invalid id")
    try:
        async with asyncio.timeout_at(deadline):
            content = await client.containers.files.content.retrieve(
                file_id, container_id=container_id
            )
    except TimeoutError:
        return _without(citation, _LATE)
    except Exception as error:  # noqa: BLE001 - the reply is complete without its files
        return _without(citation, f"not loaded: {errors.translate(error).message}")
    data, found = content.content, _without(citation)
    return ReplyImage(
        found.media_type, len(data), name=found.name, data=base64.b64encode(data).decode("ascii")
    )


def _without(citation: Citation, fault: str = "") -> ReplyImage:
    """A cited file without its bytes. The server sends no media type; the name has it."""
    name = (citation.title or citation.file_id or "file")[:_MOST_NAME]
    return ReplyImage(media_type_of(name), name=name, fault=fault)
