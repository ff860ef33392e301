"""Reads PDF files in a child process, which has limits of memory, time, pages and pixels."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import DocumentPart, ImagePart
from replyscope.domain.plural import plural
from replyscope.domain.ports import RunProgram
from replyscope.domain.system_words import system_words

MOST_PAGES = 1_000
MOST_PICTURES = 20
LONGEST_S = 60.0
_LIMITS = {
    "memory": 1_500_000_000,
    "seconds": 90,
    "pages": MOST_PAGES,
    "characters": 4_000_000,
    "pictures": MOST_PICTURES,
    "side": 1_568,
}
_MOST_OUTPUT = 60_000_000
_CHILD = Path(__file__).with_name("pdf_child.py")
_ISOLATED = ("-E", "-P")
"""PYTHON* variables are ignored; neither the working folder nor the script's is on the path."""


async def read_pdf(
    run: RunProgram, name: str, data: bytes, longest_s: float = LONGEST_S
) -> tuple[DocumentPart, str]:
    """A PDF with its text and page images, and a note about what was left out.

    Raises AttachmentError.
    """
    command = (sys.executable, *_ISOLATED, str(_CHILD), json.dumps(_LIMITS))
    try:
        async with asyncio.timeout(longest_s):
            ended = await run(command, given=data, most_output=_MOST_OUTPUT)
    except TimeoutError as error:
        raise AttachmentError(
            f"{name} was not read within {longest_s:g} s.", "Attach fewer of its pages."
        ) from error
    except OSError as error:
        raise AttachmentError(
            f"The PDF reader can't be started ({system_words(error)})."
        ) from error
    head, _, pictures = ended.output.partition(b"\n")
    try:
        answer = json.loads(head)
    except ValueError:
        answer = {"fault": f"the reader ended with status {ended.status}"}
    if "fault" in answer:
        raise _fault(name, answer)
    part = _part_of(name, data, answer, pictures)
    left_out = answer["left_out"] + len(answer["pictures"]) - len(part.pages)
    return part, _note_of(name, left_out)


def _fault(name: str, answer: dict[str, Any]) -> AttachmentError:
    fault = str(answer["fault"])
    if fault == "pages":
        return AttachmentError(
            f"{name} has {answer['count']:,} pages; the limit is {MOST_PAGES:,}.",
            "Split it, and attach the part that matters.",
        )
    if "assword" in fault:
        return AttachmentError(f"{name} is protected by a password.", "Save a copy without one.")
    return AttachmentError(
        f'{name} can\'t be read as a PDF ("{fault}").', "Open it in a viewer: it may be damaged."
    )


def _part_of(name: str, data: bytes, answer: dict[str, Any], pictures: bytes) -> DocumentPart:
    texts = [text.strip() for text in answer["texts"]]
    said = [f"[page {number}]\n{text}" for number, text in enumerate(texts, 1) if text]
    pages, at = [], 0
    for number, size in answer["pictures"]:
        picture = pictures[at : at + size]
        if len(picture) < size:  # the output was cut at its limit
            break
        pages.append(ImagePart(f"{name} page {number}.jpg", "image/jpeg", picture))
        at += size
    return DocumentPart(name, data, "\n\n".join(said), tuple(pages), answer["count"])


def _note_of(name: str, left_out: int) -> str:
    if not left_out:
        return ""
    return (
        f"{plural(left_out, 'page')} of {name} with pictures have no page image; "
        f"the limits are {MOST_PICTURES} images and {_MOST_OUTPUT // 1_000_000} MB."
    )
