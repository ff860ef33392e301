"""The registry of import formats: each recognises its own files alone, and the docs list it."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli.history_folders import existing, known_places
from replyscope.cli.sessions_parser import PROGRAMS
from replyscope.cli.wiring import translate_frames
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, in_a_row
from replyscope.domain.import_format import (
    DatabaseFormat,
    EntryFormat,
    FileFormat,
    FolderFormat,
    Format,
    ImportedFile,
    LogFormat,
)
from replyscope.domain.message import Role, TextPart
from replyscope.domain.shared import Shared
from replyscope.engine.import_files import FileReader
from replyscope.engine.sniffing import FormatTable
from replyscope.readers.formats import FORMATS
from replyscope.store.foreign import open_foreign
from tests.cli.run import run_command
from tests.readers.samples import FIXTURES, sample
from tests.support.importing import TABLE, read_file

DOCS = Path(__file__).parents[2] / "docs" / "importing.md"
BY_NAME = {one.name: one for one in FORMATS}


def entries(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_text())
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]


def tables(path: Path) -> dict[str, set[str]]:
    with open_foreign(path) as database:
        return dict(database.tables)


def recognises(known: Format, path: Path) -> bool:
    """Whether the format recognises a path, in the way that its kind is asked."""
    if isinstance(known, FolderFormat) or path.is_dir():
        names = [one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file()]
        return isinstance(known, FolderFormat) and bool(known.members(names))
    is_database = path.suffix == ".db"
    if isinstance(known, DatabaseFormat):
        return is_database and known.sniff(tables(path))
    if is_database:
        return False
    if isinstance(known, EntryFormat):
        return any(known.sniff(entry) for entry in entries(path))
    assert isinstance(known, FileFormat | LogFormat)
    file = ImportedFile(path.name, path.stat().st_size, lambda: path.open("rb"))
    return known.sniff(file, path.read_bytes()[:1_000].lstrip())


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sample_is_recognised_by_its_own_format_alone(name: str, tmp_path: Path) -> None:
    path = sample(name, tmp_path)
    assert [one.name for one in FORMATS if recognises(one, path)] == [name]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sample_is_imported_as_a_session(name: str, tmp_path: Path) -> None:
    (item,) = read_file(sample(name, tmp_path)).items
    assert isinstance(item, Shared), item
    assert [choice.text for e in item.exchanges.values() for choice in e.choices] == ["A pelican."]
    assert set(item.tags) & {name, name.rpartition("-")[0]} or name == "replyscope"


@pytest.mark.parametrize("name", [one.name for one in FORMATS if isinstance(one, EntryFormat)])
@pytest.mark.parametrize("other", [one.name for one in FORMATS if isinstance(one, EntryFormat)])
def test_a_file_may_mix_formats(name: str, other: str, tmp_path: Path) -> None:
    mixed = [*entries(sample(name, tmp_path)), *entries(sample(other, tmp_path))]
    file = tmp_path / "mixed.json"
    file.write_text(json.dumps(mixed))
    items = list(read_file(file).items)
    assert [type(item) for item in items] == [Shared, Shared]


def test_a_format_that_names_its_files_is_read_from_a_folder_and_a_zip(tmp_path: Path) -> None:
    names = ["a/conversations.json", "a/x.txt", "user.json"]
    members = [one.members(names) for one in FORMATS]
    assert [found for found in members if found] == [["a/conversations.json"]]
    folder = tmp_path / "export"
    folder.mkdir()
    text = sample("chatgpt", tmp_path).read_text()
    (folder / "conversations.json").write_text(text)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("export/conversations.json", text)
    for path in (folder, tmp_path / "export.zip"):
        batch = read_file(path)
        assert [type(item) for item in batch.items] == [Shared]
        assert batch.place() == batch.size == len(text.encode())


LOG = FileFormat(
    name="log",
    title="Log",
    path="the folder with it",
    content="one conversation for each file",
    members=lambda names: sorted(name for name in names if name.endswith(".jsonl")),
    member="log.jsonl",
    sniff=lambda _file, head: head.startswith(b'{"log"'),
    read=lambda file: iter([_logged(file)]),
)
"""A format as programs have it that write one JSONL file for each conversation."""


def _logged(file: ImportedFile) -> ForeignConversation:
    with file.open() as opened:
        lines = [json.loads(line) for line in opened]
    turns = [
        ForeignTurn(str(n), Role.USER, (TextPart(line["log"]),)) for n, line in enumerate(lines)
    ]
    return ForeignConversation("log", file.name, file.name, None, in_a_row(turns))


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_format_of_one_log_for_each_conversation_needs_one_value(
    tmp_path: Path, is_zip: bool
) -> None:
    read = FileReader(FormatTable((*FORMATS, LOG)), open_foreign, translate_frames).read
    place = tmp_path / ("logs.zip" if is_zip else "logs")
    logs = {f"day/{name}.jsonl": '{"log": "one"}\n{"log": "two"}\n' for name in "ab"}
    if is_zip:
        with zipfile.ZipFile(place, "w") as archive:
            for name, text in logs.items():
                archive.writestr(name, text)
    else:
        (place / "day").mkdir(parents=True)
        for name, text in logs.items():
            (place / name).write_text(text)
    items = [item for item in read(place).items if isinstance(item, Shared)]
    assert [item.session.title for item in items] == ["a.jsonl", "b.jsonl"]
    assert [[message.text for message in item.branch] for item in items] == [["one", "two"]] * 2


def test_every_fixture_belongs_to_a_format() -> None:
    assert {path.stem for path in FIXTURES.iterdir()} == set(BY_NAME)
    assert len(BY_NAME) == len(FORMATS)


def test_the_docs_have_a_section_for_each_program() -> None:
    text = DOCS.read_text()
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert [name for name in (*TABLE.programs, "Recorded stream") if name not in sections] == []


def test_the_message_about_an_unknown_file_names_every_program() -> None:
    assert TABLE.hint == (
        f"an export, a log or a database of {PROGRAMS}, or a recorded stream (.sse)"
    )
    assert " or ".join(PROGRAMS.replace(" or ", ", ").split(", ")) == " or ".join(TABLE.programs)


def test_the_help_of_the_import_names_every_program(tmp_path: Path) -> None:
    text = " ".join(run_command(tmp_path, "sessions", "import", "--help").stdout.split())
    assert [name for name in (*TABLE.programs, ".sse") if name not in text] == []


def test_known_folders_are_listed_that_exist(tmp_path: Path) -> None:
    (tmp_path / "own" / "sessions").mkdir(parents=True)
    (tmp_path / ".gemini" / "tmp").mkdir(parents=True)
    (tmp_path / ".codex" / "sessions").mkdir(parents=True)
    places = existing(known_places(FORMATS, {"CODEX_HOME": str(tmp_path / "own")}, tmp_path))
    assert [(one.title, one.path.relative_to(tmp_path).as_posix()) for one in places] == [
        ("Codex", "own/sessions"),
        ("Codex", ".codex/sessions"),
        ("Gemini CLI", ".gemini/tmp"),
    ]
