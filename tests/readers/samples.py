"""The sample of each import format: a file in `fixtures` that has the name of the format."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"


def sample(name: str, folder: Path) -> Path:
    """The sample of a format as a person has it; `.sql` is the script of a database."""
    found = [path for path in FIXTURES.iterdir() if path.stem == name]
    assert len(found) == 1, f"{name} has no fixture, or several"
    if found[0].is_dir() or found[0].suffix != ".sql":
        target = folder / found[0].name
        (shutil.copytree if found[0].is_dir() else shutil.copy)(found[0], target)
        return target
    return database(folder / f"{name}.db", found[0].read_text())


def database(path: Path, script: str) -> Path:
    """A SQLite database made by a script."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path
