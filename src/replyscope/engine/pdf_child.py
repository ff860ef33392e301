"""The child process that reads a PDF from stdin with pypdfium2. It imports nothing of replyscope.

The answer on stdout is a line of JSON, then the bytes of the JPEGs that it lists. The limits are
JSON in the first argument.
"""

import io
import json
import sys
from contextlib import suppress
from typing import Any

_LITTLE_TEXT = 40
"""A page with fewer characters is sent as an image: it may be scanned."""


def main() -> None:
    """Read the PDF, and write the answer."""
    limits = json.loads(sys.argv[1])
    _limit(limits)
    data = sys.stdin.buffer.read()
    pictures: list[bytes] = []
    try:
        answer = _read(data, limits, pictures)
    # PDFium's errors, and those of damaged fonts, images and page trees.
    except Exception as error:  # noqa: BLE001
        answer = {"fault": str(error)[:300] or type(error).__name__}
        pictures = []
    out = sys.stdout.buffer
    out.write(json.dumps(answer).encode("ascii") + b"\n")
    for picture in pictures:
        out.write(picture)
    out.flush()


def _limit(limits: dict[str, int]) -> None:
    """Set the limits of memory and processor time, or lower ones that the system has set."""
    try:
        import resource  # not on Windows
    except ImportError:
        return
    for kind, size in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["seconds"]),
    ):
        hard = resource.getrlimit(kind)[1]
        most = size if hard == resource.RLIM_INFINITY else min(size, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _read(data: bytes, limits: dict[str, int], pictures: list[bytes]) -> dict[str, Any]:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    count = len(document)
    if count > limits["pages"]:
        return {"count": count, "fault": "pages"}
    document.init_forms()  # before a page is loaded; without it forms are drawn empty
    texts: list[str] = []
    drawn: list[list[int]] = []
    left_out, room = 0, limits["characters"]
    for index in range(count):
        page = document[index]
        text = _text_of(page, room)
        room -= len(text)
        texts.append(text)
        if _needs_picture(pypdfium2, page, text):
            if len(pictures) < limits["pictures"]:
                pictures.append(_picture_of(page, limits["side"]))
                drawn.append([index + 1, len(pictures[-1])])
            else:
                left_out += 1
        page.close()
    return {"count": count, "texts": texts, "pictures": drawn, "left_out": left_out}


def _text_of(page: Any, room: int) -> str:
    if room <= 0:
        return ""
    text = page.get_textpage()
    found: str = text.get_text_bounded()
    text.close()
    # Half of a surrogate pair can't be encoded later; line ends are CR LF.
    return found.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")[:room]


def _needs_picture(pypdfium2: Any, page: Any, text: str) -> bool:
    if len(text.strip()) < _LITTLE_TEXT or _has_fields(pypdfium2.raw, page):
        return True
    kinds = (pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,)
    width, height = page.get_size()
    for found in page.get_objects(kinds, max_depth=3):
        left, bottom, right, top = found.get_bounds()
        if (right - left) * (top - bottom) > 0.02 * width * height:
            return True
    return False


def _has_fields(raw: Any, page: Any) -> bool:
    """Whether a page has form fields: the text of a page lacks what was filled in."""
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        raw.FPDFPage_CloseAnnot(annotation)
        if kind == raw.FPDF_ANNOT_WIDGET:
            return True
    return False


def _picture_of(page: Any, side: int) -> bytes:
    width, height = page.get_size()
    scale = min(2.0, side / max(width, height, 1))
    image = page.render(scale=scale).to_pil().convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


if __name__ == "__main__":
    main()
