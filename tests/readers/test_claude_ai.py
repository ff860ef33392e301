"""The exports of Claude.ai: chats, their trees and files, and chats of Claude Design."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import FilePart, Role, TextPart, ToolResultPart
from replyscope.domain.shared import Shared
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.logs import Line, only, read, replies, roles
from tests.readers.samples import sample

ROOT = "00000000-0000-4000-8000-000000000000"
AT = "2026-07-03T15:16:41.503133Z"


def chat(folder: Path, *messages: Line, **more: Any) -> Shared:
    entry = {"uuid": "c", "name": "Talk", "chat_messages": list(messages), **more}
    path = folder / "conversations.json"
    path.write_text(json.dumps([entry]))
    return only(read(path))


def message(key: str, sender: str, parent: str, *content: Line, **more: Any) -> Line:
    return {"uuid": key, "sender": sender, "text": "", "content": list(content), "created_at": AT,
            "attachments": [], "files": [], "parent_message_uuid": parent, **more}  # fmt: skip


def text(words: str, **more: Any) -> Line:
    return {"start_timestamp": AT, "stop_timestamp": AT, "flags": None, "type": "text",
            "text": words, "citations": [], **more}  # fmt: skip


CALL = {"type": "tool_use", "id": "toolu_1", "name": "web_search", "input": {"query": "birds"},
        "message": "Searching the web", "integration_name": None, "icon_name": "globe",
        "display_content": None, "mcp_server_url": None}  # fmt: skip
PAGE = {"type": "knowledge", "title": "Birds", "url": "https://b.test/", "text": "A beak.",
        "metadata": {"type": "webpage_metadata", "site_domain": "b.test"}}  # fmt: skip
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "name": "web_search",
          "content": [PAGE], "is_error": False, "structured_content": None}  # fmt: skip


def test_tools_and_branches_are_kept_whatever_the_order(tmp_path: Path) -> None:
    lines = [
        message("1", "human", ROOT, text("Look")),
        message("2", "assistant", "1", CALL, RESULT, text("One.")),
        message("3", "assistant", "1", text("Two.")),
    ]
    for listed in (lines, lines[::-1]):
        shared = chat(tmp_path, *listed, current_leaf_message_uuid="2")
        assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
        assert len(shared.messages) == 5
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert part.output == "Birds\nhttps://b.test/\nA beak."
    ((exchange, _), _) = replies(shared)
    assert (exchange.usage, exchange.model) == (None, "unknown")


def test_an_older_export_without_parents_is_a_sequence(tmp_path: Path) -> None:
    lines = [message(key, who, "", text(key)) for key, who in (("1", "human"), ("2", "assistant"))]
    for line in lines:
        del line["parent_message_uuid"]
    assert [m.parent_id is None for m in chat(tmp_path, *lines).branch] == [True, False]


def test_what_the_program_injected_is_not_the_words_of_the_person(tmp_path: Path) -> None:
    injected = {"type": "injected_prompt_block", "prompt": "The date is Monday.",
                "injection_source": "date_note"}  # fmt: skip
    shared = chat(tmp_path, message("1", "human", ROOT, text("Hi"), injected))
    assert shared.messages[0].text == "Hi"
    assert [left.what for left in shared.left_out] == ["injected prompt `date_note`"]


def test_blocks_that_are_encoded_twice_are_read(tmp_path: Path) -> None:
    line = message("1", "human", ROOT, text=" ")
    line["content"] = json.dumps([text("Hi")])
    assert chat(tmp_path, line).messages[0].text == "Hi"


def test_files_are_kept_once_with_their_texts(tmp_path: Path) -> None:
    shared = only(read(sample("claude-ai", tmp_path)))
    assert FilePart("notes.txt", "large beak") in shared.messages[0].parts
    assert shared.messages[0].text.endswith("[file bird.png]")
    files = [
        {"file_uuid": "f1", "file_name": "notes.md"},
        {"file_uuid": "f2", "file_name": "p.png"},
    ]
    blocks = ({"type": "document", "file_uuid": "f1", "title": "notes.md"},
              {"type": "image", "file_uuid": "f2"})  # fmt: skip
    given = [{"file_name": "notes.md", "file_size": 7, "extracted_content": "# Notes"}]
    shared = chat(
        tmp_path, message("1", "human", ROOT, text("See"), *blocks, attachments=given, files=files)
    )
    assert shared.messages[0].parts[1:2] == (FilePart("notes.md", "# Notes"),)
    assert shared.messages[0].text == "See[file p.png]"


def test_fields_that_programs_save_beside_the_export_are_kept(tmp_path: Path) -> None:
    cited = text("Tea.", citations=[{"details": {"type": "web_search_citation",
                                                 "url": "https://b.test/"}}])  # fmt: skip
    shared = chat(
        tmp_path,
        message("1", "human", ROOT, text("What?")),
        message("2", "assistant", "1", cited, stop_reason="max_tokens",
                chat_feedback={"type": "upvote", "reason": "good"}),
        model="claude-test",
    )  # fmt: skip
    ((exchange, choice),) = replies(shared)
    assert (exchange.model, choice.finish_reason) == ("claude-test", FinishReason.LENGTH)
    assert [one.url for one in choice.citations] == ["https://b.test/"]
    assert [name for name, _ in exchange.extras] == ["chat_feedback"]


def test_ids_that_are_repeated_cost_no_message(tmp_path: Path) -> None:
    lines = [message("1", "human", ROOT, text(one)) for one in "ab"]
    assert sorted(m.text for m in chat(tmp_path, *lines).messages) == ["a", "b"]


@pytest.mark.parametrize("links", [("2", "1"), ("1", "1")])
def test_a_cycle_of_parents_costs_no_message(tmp_path: Path, links: tuple[str, str]) -> None:
    lines = [message(k, "human", p, text(k)) for k, p in zip("12", links, strict=True)]
    assert len(chat(tmp_path, *lines).messages) == 2


TOOL = {"id": "t1", "type": "edit", "name": "write_file", "input": {"path": "a.html"},
        "output": "Wrote 11 characters"}  # fmt: skip
DESIGN: Line = {
    "uuid": "d1",
    "title": "Chat",
    "project": {"uuid": "p1", "name": "Header"},
    "created_at": AT,
    "messages": [
        {"uuid": "1", "role": "user", "created_at": AT, "content": {
            "id": "x1", "role": "user", "content": "Make it blue", "authorName": "Ada",
            "attachments": [{"type": "skill", "name": "Hi-fi", "content": "Skill text"},
                            {"type": "comment", "name": "div", "content": "bigger"}]}},
        {"uuid": "2", "role": "assistant", "created_at": AT, "content": {
            "role": "assistant", "turnInputTokens": 1000, "contentBlocks": [
                {"type": "thinking", "text": "Blue."},
                {"type": "tool_call", "toolCall": TOOL},
                {"type": "text", "text": "Done."},
                {"type": "user_interjection", "message": {"role": "user", "content": "And red"}},
                {"type": "error", "message": "Stream ended"}]}},
        {"uuid": "3", "role": "user", "created_at": AT, "content": {
            "role": "user", "content": "Verifier done", "pill": True}},
    ],
}  # fmt: skip


def test_a_chat_of_claude_design_is_a_session(tmp_path: Path) -> None:
    path = tmp_path / "d1.json"
    path.write_text(json.dumps(DESIGN))
    shared = only(read(path))
    assert shared.session.title == "Header"
    assert [m.role.value for m in shared.branch] == [
        "user", "assistant", "tool", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert shared.branch[4].text == "And red"
    assert FilePart("div", "bigger") in shared.branch[0].parts
    (first, choice), *_, (last, _) = replies(shared)
    assert (choice.reasoning, first.state) == ("Blue.", ExchangeState.COMPLETED)
    assert (last.state, last.failure and last.failure.message) == (
        ExchangeState.FAILED, "Stream ended",
    )  # fmt: skip
    assert {left.what for left in shared.left_out} == {
        "notice of Claude Design", "attachment of the kind `skill`",
    }  # fmt: skip


PROJECT = {
    "uuid": "p1", "name": "Birds", "description": "All about them", "is_private": True,
    "is_starter_project": False, "prompt_template": "Be brief.", "created_at": AT,
    "updated_at": AT, "creator": {"uuid": "u", "full_name": "Ada Byron"},
    "docs": [
        {"uuid": "d1", "filename": "beaks.md", "content": "A beak.", "created_at": AT},
        {"uuid": "d2", "filename": "scan.pdf", "content": "", "created_at": AT},
    ],
}  # fmt: skip
MEMORY = {
    "conversations_memory": "Likes birds.",
    "project_memories": {"p1": "Writes a book."},
    "account_uuid": "u",
    "memory_files": [{"path": "a.md", "text": "Some more words"}],
}


def entries(folder: Path, name: str, *listed: Line) -> list[Shared]:
    path = folder / name
    path.write_text(json.dumps(listed))
    return [one for one in read(path) if isinstance(one, Shared)]


def test_a_project_is_a_session_with_its_instructions_and_documents(tmp_path: Path) -> None:
    starter = {**PROJECT, "uuid": "p2", "is_starter_project": True}
    empty = {**PROJECT, "uuid": "p3", "prompt_template": "", "docs": []}
    (shared,) = entries(tmp_path, "projects.json", PROJECT, starter, empty)
    assert shared.session.title == "Project: Birds"
    assert shared.session.settings.system == "Be brief."
    assert shared.tags == ("claude-ai", "project")
    (message,) = shared.branch
    assert message.role is Role.USER
    assert message.parts == (TextPart("All about them"), FilePart("beaks.md", "A beak."))
    assert [left.what for left in shared.left_out] == ["document of the project"]


def test_the_memory_is_a_message_with_files_and_what_it_has_more_is_named(tmp_path: Path) -> None:
    (shared,) = entries(tmp_path, "memories.json", MEMORY)
    (message,) = shared.branch
    assert message.parts == (
        FilePart("memory.md", "Likes birds."),
        FilePart("project p1.md", "Writes a book."),
    )
    assert [left.what for left in shared.left_out] == ["field `memory_files` of the memory"]


async def test_a_project_without_documents_is_listed_and_grows(
    store: SqliteStore, tmp_path: Path
) -> None:
    bare = {**PROJECT, "docs": [], "description": ""}
    for project, count in ((bare, 0), (PROJECT, 1), (PROJECT, 1)):
        for shared in entries(tmp_path, "projects.json", project):
            await store.import_session(shared)
        (listed,) = await store.list_sessions()
        assert listed.title == "Project: Birds"
        assert len((await store.load_session(listed.id)).messages) == count


@pytest.mark.parametrize("is_zip", [True, False])
def test_an_export_with_chats_and_design_chats_is_read_whole(tmp_path: Path, is_zip: bool) -> None:
    files = {
        "conversations.json": sample("claude-ai", tmp_path).read_text(),
        "users.json": '[{"uuid": "u", "full_name": "Ada"}]',
        "projects/p1.json": json.dumps(PROJECT),
        "memories.json": json.dumps([MEMORY]),
        "design_chats/d1.json": json.dumps(DESIGN),
    }
    place = tmp_path / ("export.zip" if is_zip else "export")
    if is_zip:
        with zipfile.ZipFile(place, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        for name, data in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(data)
    found = [one.session.title for one in read(place) if isinstance(one, Shared)]
    assert found == ["Naming a bird", "Header", "Memory of Claude.ai", "Project: Birds"]
