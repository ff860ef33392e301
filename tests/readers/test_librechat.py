"""The exports of LibreChat: flat and recursive, and the parts of its replies."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import FilePart, Role, ToolResultPart
from replyscope.domain.shared import Shared
from tests.readers.logs import Line, only, read, replies, roles

ROOT = "00000000-0000-0000-0000-000000000000"
CALL = {"id": "c1", "name": "search", "args": '{"q": 1}', "output": "A"}
FLAT: list[Line] = [
    {"messageId": "1", "parentMessageId": ROOT, "isCreatedByUser": True, "text": "Look"},
    {"messageId": "2", "parentMessageId": "1", "model": "m", "finish_reason": "length",
     "content": [{"type": "tool_call", "tool_call": CALL}, {"type": "text", "text": "One."}]},
    {"messageId": "3", "parentMessageId": "1", "model": "m", "text": "No.", "error": True},
]  # fmt: skip
TREE = [{**FLAT[0], "children": FLAT[1:]}]


def export(folder: Path, **fields: Any) -> Shared:
    head = {"conversationId": "c", "endpoint": "openAI", "title": "T",
            "exportAt": "13:18:04 GMT-0400 (Eastern Daylight Time)"}  # fmt: skip
    path = folder / "export.json"
    path.write_text(json.dumps(head | fields))
    return only(read(path))


def reply(folder: Path, content: Any, **more: Any) -> Shared:
    message = {"messageId": "2", "parentMessageId": "1", "isCreatedByUser": False,
               "content": content, **more}  # fmt: skip
    return export(folder, messages=[FLAT[0], message])


@pytest.mark.parametrize(
    "fields", [{"messages": FLAT}, {"messages": TREE}, {"messagesTree": TREE},
               {"messages": TREE[0]}]
)  # fmt: skip
def test_the_tree_is_kept_in_each_form(tmp_path: Path, fields: Line) -> None:
    shared = export(tmp_path, branches=True, **fields)
    assert len(shared.messages) == 5
    ends = {c.finish_reason for e in shared.exchanges.values() for c in e.choices}
    assert ends == {FinishReason.TOOL_CALLS, FinishReason.LENGTH, FinishReason.ERROR}


def test_the_parts_of_assistants_and_agents_are_read(tmp_path: Path) -> None:
    ran = {"input": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}
    code = {"id": "t1", "type": "code_interpreter", "progress": 1, "code_interpreter": ran}
    shared = reply(
        tmp_path,
        [
            None,
            {"type": "think", "think": {"value": "I add."}},
            {"type": "tool_call", "tool_call": code},
            {"type": "agent_update", "agent_update": {"index": 1, "agentId": "a"}},
            {"type": "text", "text": {"value": "It is 2.", "annotations": []}},
            {"type": "image_file", "image_file": {"file_id": "f", "filename": "p.png"}},
        ],
    )
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT]
    (_, first), (_, last) = replies(shared)
    assert (first.reasoning, last.text) == ("I add.", "It is 2.")
    assert [(call.name, call.arguments) for call in first.tool_calls] == [
        ("code_interpreter", "1+1")
    ]
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert '"logs": "2"' in part.output
    assert {left.what for left in shared.left_out} == {"change of the agent", "image of a reply"}


def test_thinking_that_is_marked_in_the_text_is_reasoning(tmp_path: Path) -> None:
    shared = reply(tmp_path, None, text=":::thinking\nA beak.\n:::\n\nA pelican.")
    ((_, choice),) = replies(shared)
    assert (choice.reasoning, choice.text) == ("A beak.", "A pelican.")


def test_tokens_of_the_prompt_files_quotes_and_ratings_are_kept(tmp_path: Path) -> None:
    asked = {**FLAT[0], "quotes": ["large beak"], "files": [
        {"filename": "notes.txt", "filepath": "/x", "text": "It flies."}]}  # fmt: skip
    answer = {"messageId": "2", "parentMessageId": "1", "text": "Yes.", "promptTokens": 586,
              "tokenCount": 9, "finish_reason": "stop",
              "feedback": {"rating": "thumbsUp", "text": "good"}}  # fmt: skip
    shared = export(tmp_path, messages=[asked, answer])
    ((exchange, _),) = replies(shared)
    assert exchange.usage == Usage(586, 9)
    assert [name for name, _ in exchange.extras] == ["feedback"]
    assert shared.messages[0].text == "> large beakLook"
    assert FilePart("notes.txt", "It flies.") in shared.messages[0].parts
