"""An example of tools of your own: `replyscope --tools-file docs/guide/notes.py`."""

from pathlib import Path


def add_note(text: str, tag: str = "todo") -> str:
    """Append a line to notes.txt in the working folder."""
    with Path("notes.txt").open("a", encoding="utf-8") as notes:
        notes.write(f"[{tag}] {text}\n")
    return f"Added to notes.txt with the tag {tag}."
