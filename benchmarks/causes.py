"""Why a target is not met, by the beginning of what was measured."""

from collections.abc import Sequence

from benchmarks.row import Row

_SHARED_CORES = (
    "The program, the server that feeds it and the terminal that reads it share two cores, and a "
    "key waits for a frame that is being drawn"
)
_NEARLY = "The noise of two cores: in each run another line is over, and the others are below it."
_EXPORT = (
    "Two thirds are the decoding of each reply to its values and their encoding to JSON again, in "
    "Python; a damaged or older reply is exported in the form of today that way."
)
CAUSES: dict[str, str] = {
    "usable prompt": (
        "The bare app has neither settings nor a theme, keys or style sheets of a chat. Ours loads "
        "80 modules more before the prompt; most of the rest is Textual's first layout of more "
        "widgets."
    ),
    "CPU of a start until quiet": (
        "The modules of the chat (378 of ours) and Textual's work for its screen: four layouts, "
        "and the styles of its widgets. The SDK is loaded when a person starts to write."
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
        f"{_SHARED_CORES}: 30 to 60 ms of CPU where all lines on the screen are new. Joining the "
        "text so far takes 15 ms of them, and decoding it for the index 30 ms once."
    ),
    "four sessions streaming": (
        f"{_SHARED_CORES}. Four sessions save and parse at the same time, only one is drawn."
    ),
    "10 kB/s": _NEARLY,
    "30 kB/s": _NEARLY,
    "100 kB/s": _NEARLY,
    "memory kept after 600 MB of traffic": (
        "The C library keeps part of the memory of copies that waited for the program to save them."
    ),
    "10,000 messages open": (
        "All messages are read before the newest are shown, so that the tree and the costs are "
        "right."
    ),
    "the context view": (
        "Half of it counts the tokens of all messages, whose exchanges are decoded for it; the "
        "rest is the opening of a dialog with a row for each."
    ),
    "JSON export of everything": _EXPORT,
    "import with its index": (
        "Parsing the JSON of a reply of 5 kB, encoding and compressing it once, its words in FTS5 "
        "and its text as a row take 0.33 ms of CPU by themselves, so 3,000 replies a second are "
        "the most of one core. The tree, the facts and their indexes and the kept sums are the "
        "rest."
    ),
    "JSON export, a MB": _EXPORT,
    "purge of 1,000 sessions": (
        "Removing the rows of 10,000 replies takes 2.5 s of CPU by itself, in any archive: each is "
        "deleted from 12 tables and indexes and overwritten. Then the whole file is read, to "
        "overwrite the copies that SQLite leaves in unused space of its pages."
    ),
    "growth: purge of 1,000 sessions": "The whole file is read, to overwrite copies in its pages.",
    "growth: counts of a common word": (
        "Each match of the word is counted, and ten times as many replies have ten times as many."
    ),
    "growth: counts of one field": (
        "The replies come from kept sums, but their sessions are counted in an index of all."
    ),
    "growth: F9: the sums and times": (
        "The sums are kept by day, and the large archive has ten times as many days."
    ),
    "growth: doctor": "SQLite reads each page of the file to check it.",
    "growth: counts of all": "It takes a few milliseconds in both, of which the noise is a part.",
    "growth: first 50 sessions of a common word": (
        "The word is looked up in each full-text table to see whether results are ranked."
    ),
    "journal against the gzip of the wire": (
        "The journal also has the time of each frame, which the wire does not: 2.8 of its 5 bytes "
        "a frame."
    ),
    "disk for replies against the gzip of their wires": (
        "Each reply is stored as its recorded stream, as the folded reply, as text for SQL and as "
        "words of the index; the stream alone takes 1.6 times the gzip. Text for SQL is not "
        "compressed, so that any program can query it."
    ),
    "memory over the last": (
        "Python keeps the memory of small objects for later ones: as much as was used at once at "
        "the most, a third more than is used between replies with pictures."
    ),
    "1,000 messages visible, start included": (
        "A session of two messages takes nearly as long: the start, the archive, and the modules "
        "that draw Markdown and compile the patterns of code."
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
