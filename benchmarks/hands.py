"""The model picker with a long list, and typing while a PDF is attached."""

import statistics
import time
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.streaming import at, echo_delays

_PAGES = 20


def measure_picker(bench: Bench) -> list[Row]:
    """From F2 to the list of 500 models, the first time and later."""
    first: list[float] = []
    later: list[float] = []
    many = replace(bench, base_url=bench.base_url.replace("/v1", "/many/v1"))
    for run in range(bench.runs):
        with many.started(f"picker-{run}") as program:
            for delays in (first, later, later):
                program.output.clear()
                began = time.monotonic()
                program.type("\x1bOQ")
                delays.append((program.wait_for("vendor-0/model-", 20) - began) * 1000)
                program.settle(0.5)
                program.type("\x1b")
                program.settle(1.0)
    return [
        Row("the picker with 500 models, first opening", statistics.median(first), "ms"),
        Row("the picker with 500 models", statistics.median(later), "ms", 100),
    ]


def measure_attaching(bench: Bench) -> list[Row]:
    """Key to screen while a PDF of 20 pages is read."""
    path = bench.folder / "pages.pdf"
    path.write_bytes(_pdf(_PAGES))
    with bench.started("attaching") as program:
        program.type(f"/attach {path}")
        program.settle(1.5)  # each key completes the path
        program.type("\r")
        delays = echo_delays(program, 200)
    detail = f"worst {delays[-1] * 1000:.0f} ms"
    what = f"key echo while a PDF of {_PAGES} pages is attached"
    return [
        Row(f"{what}, median", at(delays, 0.5), "ms", 16),
        Row(f"{what}, 99th percentile", at(delays, 0.99), "ms", 50, detail),
    ]


def _pdf(pages: int) -> bytes:
    """A PDF with a page of text, and others that repeat it."""
    text = b"".join(b"(Line %d of a page that is read while keys are typed.) Tj T* " % n
                    for n in range(50))  # fmt: skip
    stream = b"BT /F1 10 Tf 12 TL 50 780 Td " + text + b"ET"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        *([page] * pages),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(offsets) + 1, table)
    tail = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + head + tail % (len(offsets) + 1, len(out))
