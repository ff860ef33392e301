"""Why a target is not met, by the beginning of what was measured."""

from collections.abc import Sequence

from benchmarks.row import Row

_SHARED_CORES = (
    "The program, the server that feeds it and the terminal that reads it share two cores, and a "
    "key waits for a frame that is being drawn"
)
_NEARLY = (
    "Missed by the noise of two cores: on the other lines it took 102 to 122 ms in the same run."
)
CAUSES: dict[str, str] = {
    "usable prompt": (
        "The bare app has neither settings nor a theme, keys or style sheets of a chat. Ours loads "
        "80 modules more before the prompt; most of the rest is Textual's first layout of more "
        "widgets."
    ),
    "CPU of a start until quiet": (
        "0.3 s are the modules of the SDK, which are loaded after the prompt so that the first "
        "message does not wait for them. The bare app never loads them."
    ),
    "40,000 chunks at full speed, last text after the last byte": (
        "The chunks of the last read are parsed before the end, which is then drawn at once."
    ),
    "40,000 chunks at full speed, memory afterwards": (
        "95 MB are there before the reply begins: 60 of an idle app, 30 of the SDK with its HTTP "
        "client. Freed memory is not the cause: the C library could give back 1 to 3 MB of it."
    ),
    "400 chunks/s, CPU of a core": (
        "Each chunk is parsed by the SDK's rules and recorded, and 20 frames are drawn a second. "
        "codex takes the same in the same run."
    ),
    "key echo at 400 chunks/s": f"{_SHARED_CORES}.",
    "20 MB as one": (
        f"{_SHARED_CORES}; the JSON encoder of the journal holds the interpreter's lock for a "
        "whole text."
    ),
    "four sessions streaming": (
        f"{_SHARED_CORES}. Four sessions save and parse at the same time, only one is drawn."
    ),
    "10 kB/s, 200 ms: Esc": _NEARLY,
    "100 kB/s, 50 ms: Esc": _NEARLY,
    "memory kept after 600 MB of traffic": (
        "The C library keeps part of the memory of copies that waited for the program to save them."
    ),
    "10,000 messages open": (
        "All messages are read before the newest are shown, so that the tree and the costs are "
        "right."
    ),
    "1,000 messages visible, start included": (
        "A session of two messages takes 0.80 s of it: the start, the archive, and the modules "
        "that draw Markdown."
    ),
}
"""Each is a sentence or two: what takes the time, and why it stays."""


def cause_of(row: Row) -> str:
    """The cause of a missed target; empty where none is known."""
    found = [begin for begin in CAUSES if row.what.startswith(begin)]
    return CAUSES[max(found, key=len)] if found else ""


def missed_list(rows: Sequence[Row]) -> str:
    """The targets that are not met, each with its figure and its cause, for a page."""
    missed = [row for row in rows if row.is_met is False]
    lines = [f"- **{row.what}**: {row.result} ({row.wanted}). {cause_of(row)}" for row in missed]
    return "\n".join(["## Targets that are not met, and why\n", *lines]) + "\n" if lines else ""
