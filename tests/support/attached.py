"""Files to attach: pictures, PDFs and recordings, made without a library of ours."""

import io
import struct
import wave
import zlib
from collections.abc import Iterable, Sequence

from PIL import Image


def png(width: int = 4, height: int = 3, colour: str = "red") -> bytes:
    """A picture that decodes."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, and has a few bytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def wav(seconds: float = 0.1) -> bytes:
    """Silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(int(16_000 * seconds)))
    return out.getvalue()


def pdf(pages: Sequence[str], *, count: int | None = None) -> bytes:
    """A PDF with a line of text on each page; a page without text may be a scan.

    `count` repeats the first page that often, by reference: the file stays small.
    """
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 "
               b"/BaseFont /Helvetica >>"]  # fmt: skip
    kids: list[int] = []
    for text in pages:
        stream = b"BT /F1 12 Tf 72 720 Td (" + text.encode("ascii") + b") Tj ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    if count is not None:
        kids = kids[:1] * count
    references = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (references, len(kids))
    return _joined(objects)


def pdf_form(answer: str) -> bytes:
    """A PDF with a page of text, and below it a form field that is filled in."""
    text = b"BT /F1 12 Tf 72 720 Td (" + LINE.encode("ascii") + b") Tj ET"
    fonts = b"<< /Font << /F1 3 0 R >> >>"
    return _joined(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /DR %s "
            b"/DA (/F1 24 Tf 0 g) /NeedAppearances true >> >>" % fonts,
            b"<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources %s /Annots [6 0 R] >>" % fonts,
            b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (%s) /F 4 /P 5 0 R "
            b"/DA (/F1 24 Tf 0 g) /Rect [72 300 500 340] >>" % answer.encode("ascii"),
        ]
    )


def _joined(objects: Iterable[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size, start = len(offsets) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


LINE = "This line makes it a page of text, not a scan: number"
"""Enough text that a page needs no image."""
