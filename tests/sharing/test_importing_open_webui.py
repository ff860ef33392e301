"""Open WebUI's chats: everything in a message comes, in its place, or is reported."""

import base64
import html
import json
from typing import Any

import pytest

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import FilePart, ImagePart, Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState
from tests.sharing.exports import (
    answered,
    asked,
    choices,
    everything,
    imported,
    replies,
    results,
    webui,
)
from tests.sharing.sessions import PNG

PIXEL = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{PIXEL}"


def attribute(value: object) -> str:
    return html.escape(json.dumps(value))


def tool_details(**fields: str) -> str:
    body = fields.pop("body", "")
    written = "".join(f' {name}="{value}"' for name, value in fields.items())
    opening = f'<details type="tool_calls"{written}>\n<summary>Tool Executed</summary>'
    return f"{opening}\n{body}\n</details>"


def message_item(*texts: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text} for text in texts]}


def call_item(call_id: str, arguments: Any = '{"q": 1}', name: str = "look") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result_item(call_id: str, output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


TEXT = [{"type": "input_text", "text": "blue"}]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        [{"type": "input_text", "text": "one"}, {"type": "output_text", "text": "two"}],
        ["one", {"text": "two"}],
        [{"type": "text", "text": "one"}, None, {"type": "refusal", "refusal": "two"}],
        {"type": "text", "text": "one two"},
        [{"type": "text", "text": {"value": "one"}}, {"type": "novel", "words": "two"}],
    ],
)
@pytest.mark.parametrize("message", [asked, answered])
def test_content_of_any_form_comes_with_every_text(content: Any, message: Any) -> None:
    shared = imported(webui(asked("First"), message(content)))
    assert shared.branch[-1].role is (Role.USER if message is asked else Role.ASSISTANT)
    assert "one" in everything(shared)
    assert "two" in everything(shared)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "image_url", "image_url": DATA_URL},
        {"type": "input_image", "image_url": DATA_URL},
        {"type": "image", "image": PIXEL},
    ],
)
def test_an_image_in_the_content_of_a_question_is_a_part(part: dict[str, Any]) -> None:
    shared = imported(webui(asked([{"type": "text", "text": "What is it?"}, part])))
    text, image = shared.branch[0].parts
    assert text == TextPart("What is it?")
    assert isinstance(image, ImagePart)
    assert image.data.startswith(b"\x89PNG")


def test_an_image_of_a_reply_is_named_and_reported() -> None:
    shared = imported(webui(asked(), answered("Here.", files=[{"type": "image", "url": DATA_URL}])))
    assert "[image image, image/png, 67 bytes]" in choices(shared)[0].text
    assert [left.what for left in shared.left_out] == ["image of a reply"]


def test_an_image_in_the_content_of_a_reply_is_reported_too() -> None:
    part = {"type": "image_url", "image_url": {"url": DATA_URL}}
    shared = imported(webui(asked(), answered([{"type": "text", "text": "Here."}, part])))
    assert "image/png" in choices(shared)[0].text
    assert [left.what for left in shared.left_out] == ["image of a reply"]


@pytest.mark.parametrize(
    "file",
    [
        {"type": "file", "name": "a.txt", "file": {"data": {"content": "the words"}}},
        {"type": "text", "name": "a.txt", "content": "the words"},
        {"type": "file", "name": "a.txt", "docs": [{"content": "the words"}]},
        {"type": "note", "title": "a.txt", "data": {"content": "the words"}},
    ],
)
def test_a_file_comes_with_its_text_where_the_export_has_it(file: dict[str, Any]) -> None:
    shared = imported(webui(asked(files=[file])))
    assert shared.branch[0].parts[1] == FilePart("a.txt", "the words")


def test_a_file_without_text_is_named() -> None:
    file = {"type": "collection", "name": "All my papers", "id": "x"}
    assert imported(webui(asked(files=[file]))).branch[0].text == "Look[collection All my papers]"


def test_items_become_replies_with_the_results_between_them() -> None:
    output = [
        {"type": "reasoning", "summary": None, "content": [{"text": "I look it up."}]},
        call_item("a", '{"q": "sky"}'),
        result_item("a", TEXT),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "And the sea."}]},
        call_item("b", {"q": "sea"}),
        call_item("c", '"{\\"q\\": \\"lake\\"}"'),
        result_item("c", "grey"),
        result_item("b", [{"text": "green"}, {"type": "input_image", "image_url": DATA_URL}]),
        message_item("It is ", "blue."),
    ]
    shared = imported(webui(asked(), answered("", output=output)))
    roles = ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert [message.role.value for message in shared.branch] == roles
    first, second, last = choices(shared)
    assert (first.reasoning, second.reasoning) == ("I look it up.", "And the sea.")
    assert [json.loads(c.arguments) for c in (*first.tool_calls, *second.tool_calls)] == [
        {"q": "sky"},
        {"q": "sea"},
        {"q": "lake"},
    ]
    assert results(shared)[0] == "blue"
    assert "green" in results(shared)[1]
    assert "image/png" in results(shared)[1]
    assert results(shared)[2] == "grey"
    assert (last.text, last.finish_reason) == ("It is blue.", FinishReason.UNSTATED)
    assert first.finish_reason is FinishReason.TOOL_CALLS


def test_what_answers_a_reply_with_calls_hangs_under_its_end() -> None:
    output = [call_item("a"), result_item("a", TEXT)]
    shared = imported(webui(asked(), answered(output=output), asked("Go on"), answered("Well.")))
    roles = ["user", "assistant", "tool", "user", "assistant"]
    assert [message.role.value for message in shared.branch] == roles


def test_a_call_without_a_result_is_one_that_nobody_knows_the_end_of() -> None:
    shared = imported(webui(asked(), answered(output=[call_item("a")])))
    (part,) = shared.branch[-1].parts
    assert isinstance(part, ToolResultPart)
    assert (part.output, part.state) == ("", ToolCallState.INTERRUPTED)


@pytest.mark.parametrize(
    ("item", "texts"),
    [
        (
            {"type": "open_webui:code_interpreter", "code": "print(1)", "lang": "python",
             "output": {"stdout": "1", "stderr": "warned"}},
            ("print(1)", "stdout: 1", "stderr: warned"),
        ),
        ({"type": "code_interpreter", "code": "1 + 1", "output": "2"}, ("1 + 1", "2")),
        ({"type": "open_webui:code_interpreter", "code": "ls", "lang": "bash"}, ("```bash\nls",)),
        (
            {"type": "web_search_call", "action": {"type": "search", "query": "the sky"}},
            ("the sky",),
        ),
        ({"type": "file_search_call", "queries": ["my papers"], "results": [{"text": "found"}]},
         ("my papers", "found")),
        ({"type": "mcp_call", "name": "m", "arguments": "{}", "output": "done so"}, ("done so",)),
        ({"type": "custom_tool_call", "call_id": "x", "name": "m", "input": "free text"},
         ("free text",)),
        ({"type": "new_kind", "content": [{"text": "some words"}]}, ("some words",)),
        ({"type": "new_kind", "markdown": "some words", "title": "Essay"}, ("some words", "Essay")),
        ({"type": "image_generation_call", "prompt": "a cat"}, ("a cat",)),
        ({"type": "reasoning", "content": "plain thought"}, ("plain thought",)),
        ({"type": "function_call_output", "call_id": "gone", "output": "an orphan"},
         ("an orphan",)),
    ],
)  # fmt: skip
def test_items_of_every_kind_keep_their_texts(item: dict[str, Any], texts: tuple[str, ...]) -> None:
    shared = imported(webui(asked(), answered(output=[item, message_item("Done.")])))
    assert choices(shared)[-1].text.endswith("Done.")
    for text in texts:
        assert text in everything(shared)


CONTENT_AND_ITEMS = {
    "mirrored": ("It is blue.", [message_item("It is blue.")], "It is blue."),
    "text beside reasoning items": ("It is blue.", [{"type": "reasoning", "content": "Hm."}],
                                    "It is blue."),
    "another text": ("It is red.", [message_item("It is blue.")], "It is blue."),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTENT_AND_ITEMS)
def test_content_beside_items_comes_once(case: str) -> None:
    content, output, shown = CONTENT_AND_ITEMS[case]
    shared = imported(webui(asked(), answered(content, output=output)))
    assert choices(shared)[-1].text == shown
    assert everything(shared).count(content) == 1


def test_details_beside_items_are_not_a_second_call() -> None:
    content = tool_details(id="a", name="look", arguments=attribute('{"q": 1}'), body="blue")
    output = [call_item("a"), result_item("a", TEXT), message_item("It is blue.")]
    shared = imported(webui(asked(), answered(content + "It is blue.", output=output)))
    assert sum(len(choice.tool_calls) for choice in choices(shared)) == 1
    assert choices(shared)[-1].text == "It is blue."


DETAILS = {
    "arguments and result in attributes": tool_details(
        id="a", name="look", done="true", arguments=attribute('{"q": "sky"}'),
        result=attribute("blue"), files="",
    ),
    "result in the body": tool_details(
        id="a", name="look", arguments=attribute('{"q": "sky"}'), body=attribute("blue"),
        embeds="",
    ),
    "arguments as an object": tool_details(
        name="look", arguments=attribute({"q": "sky"}), result=attribute("blue")
    ),
    "attributes in single quotes": (
        "<details done='true' type='tool_calls' name='look' arguments='{\"q\": \"sky\"}'>"
        "<summary>Look</summary>blue</details>"
    ),
    "encoded three times": tool_details(
        name="look", arguments=attribute(json.dumps(json.dumps({"q": "sky"}))),
        result=attribute(json.dumps("blue")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", DETAILS)
def test_tool_details_are_a_call_with_arguments_and_result(form: str) -> None:
    content = f"Let me see.\n{DETAILS[form]}\nIt is blue."
    shared = imported(webui(asked(), answered(content)))
    first, last = choices(shared)
    assert (first.text, last.text) == ("Let me see.", "It is blue.")
    (call,) = first.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("look", {"q": "sky"})
    assert results(shared) == ["blue"]


def test_details_in_a_row_are_calls_of_one_reply() -> None:
    content = "\n".join(
        tool_details(id="x", name=name, result="&quot;1&quot;") for name in ("a", "b")
    )
    (choice,) = choices(imported(webui(asked(), answered(content))))
    assert [call.name for call in choice.tool_calls] == ["a", "b"]
    assert len({call.id for call in choice.tool_calls}) == 2


def test_files_that_a_tool_made_are_kept_beside_its_result() -> None:
    content = tool_details(
        name="draw", result="&quot;done&quot;", files=attribute(["/files/cat.png"])
    )
    assert "/files/cat.png" in everything(imported(webui(asked(), answered(content))))


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        ('<details type="reasoning" done="true" duration="2">\n<summary>Thought</summary>\n'
         "&gt; if a &lt; b:\n&gt; then &amp;amp;\n</details>\nYes.", "if a < b:\nthen &amp;",
         "Yes."),
        ('<details done="true" type="reasoning"><summary>T</summary>Hm.</details>Yes.', "Hm.",
         "Yes."),
        ('A\n<details type="reasoning"><summary>T</summary>\n> One\n</details>\nB\n'
         '<details type="reasoning"><summary>T</summary>\n> Two\n</details>\nC', "One\n\nTwo",
         "A\nB\nC"),
        ('<details type="reasoning" done="false">\n<summary>Thinking…</summary>\n> Cut off',
         "Cut off", ""),
        ('<details type="reasoning"><summary>T</summary>a <details>b</details> c</details>Yes.',
         "a <details>b</details> c", "Yes."),
        ("<details><summary>More</summary>mine</details>", None,
         "<details><summary>More</summary>mine</details>"),
    ],
)  # fmt: skip
def test_reasoning_details_are_told_from_the_text(
    content: str, reasoning: str | None, text: str
) -> None:
    (choice,) = choices(imported(webui(asked(), answered(content))))
    assert (choice.reasoning, choice.text) == (reasoning, text)


def test_the_code_interpreter_s_details_are_code_and_output() -> None:
    output = html.escape(json.dumps({"stdout": "42", "result": "None"}))
    content = (
        f'<details type="code_interpreter" done="true" duration="1" output="{output}">\n'
        "<summary>Analyzed</summary>\n```python\nprint(6 * 7)\n```\n</details>\nIt is 42."
    )
    (choice,) = choices(imported(webui(asked(), answered(content))))
    (call,) = choice.tool_calls
    assert (call.name, call.arguments) == ("code_interpreter", "print(6 * 7)")
    assert call.result == "stdout: 42\nresult: None"
    assert choice.text == "It is 42."


def test_code_executions_and_tool_calls_in_fields_are_calls() -> None:
    run = {"id": "1", "name": "run", "code": "2 + 2", "language": "python",
           "result": {"output": "4", "error": None}}  # fmt: skip
    call = {"id": "k", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    shared = imported(webui(asked(), answered("4", code_executions=[run], tool_calls=[call])))
    calls = [call for choice in choices(shared) for call in choice.tool_calls]
    assert {(c.name, c.arguments) for c in calls} == {("code_interpreter", "2 + 2"),
                                                      ("look", '{"q": 1}')}  # fmt: skip


SOURCES = {
    "pages in the metadata": (
        [{"source": {"name": "search"}, "document": ["A text."],
          "metadata": [{"source": "https://a.test/1", "title": "A"},
                       {"source": "https://a.test/2", "name": "B"}]}],
        [("A", "https://a.test/1"), ("B", "https://a.test/2")],
    ),
    "an address of its own": (
        [{"source": {"name": "A", "url": "https://a.test/1"}, "document": []}],
        [("A", "https://a.test/1")],
    ),
    "addresses": (
        [{"source": {"type": "web_search", "name": "q", "urls": ["https://a.test", "https://b.test"]}}],
        [("q", "https://a.test"), ("q", "https://b.test")],
    ),
    "a file": ([{"source": {"name": "a.pdf"}, "metadata": [{"source": "a.pdf", "page": 2}]}],
               [("a.pdf", None)]),
    "texts": (["https://a.test", "a book"], [(None, "https://a.test"), ("a book", None)]),
    "nothing": ([None, {}, 7], []),
}  # fmt: skip


@pytest.mark.parametrize("field", ["sources", "citations"])
@pytest.mark.parametrize("case", SOURCES)
def test_sources_are_citations_with_their_addresses(case: str, field: str) -> None:
    given, wanted = SOURCES[case]
    shared = imported(webui(asked(), answered("So it is.", **{field: given})))
    (choice,) = choices(shared)
    assert [(c.title, c.url) for c in choice.citations] == wanted
    if "A text." in json.dumps(given):
        assert "A text." in everything(shared)


def test_url_citations_of_the_api_are_citations() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A"}}
    (choice,) = choices(imported(webui(asked(), answered("So.", annotations=[note]))))
    assert [(c.title, c.url) for c in choice.citations] == [("A", "https://a.test")]


ERRORS: list[tuple[Any, str, str]] = [
    ({"content": "Connection lost"}, "", "Connection lost"),
    ("Connection lost", "", "Connection lost"),
    ({"message": "Connection lost"}, "half", "Connection lost"),
    ({"error": {"message": "Connection lost", "code": 500}}, "", "Connection lost"),
    ({"content": {"detail": "Connection lost"}}, "", "Connection lost"),
    ({"detail": "Connection lost"}, "", "Connection lost"),
    ({"status": "Connection lost"}, "", '{"status": "Connection lost"}'),
    (True, "Connection lost", "Connection lost"),
]


@pytest.mark.parametrize(("error", "content", "reason"), ERRORS)
def test_an_error_is_the_reply_s_with_its_words(error: Any, content: str, reason: str) -> None:
    shared = imported(webui(asked(), answered(content, error=error)))
    ((exchange, choice),) = replies(shared)
    assert exchange.state is ExchangeState.FAILED
    assert choice.finish_reason is FinishReason.ERROR
    assert exchange.failure is not None
    assert exchange.failure.message == reason
    assert choice.text == content


@pytest.mark.parametrize("error", [None, False, "", {}])
def test_no_error_is_no_error(error: Any) -> None:
    ((exchange, _),) = replies(imported(webui(asked(), answered("Fine.", error=error))))
    assert exchange.state is ExchangeState.COMPLETED


@pytest.mark.parametrize("merged", [{"status": True, "content": "Both agree."}, "Both agree."])
def test_a_merged_answer_stands_beside_those_it_was_made_of(merged: Any) -> None:
    one = answered("A", id="a", parentId="u")
    other = answered("B", id="b", parentId="u")
    shared = imported(webui(asked(id="u", merged=merged), one, other))
    texts = {e.choices[0].text: m for m in shared.messages for e, _ in shared.exchanges_of(m)}
    assert set(texts) == {"A", "B", "Both agree."}
    assert len({message.parent_id for message in texts.values()}) == 1


def test_an_empty_merged_answer_is_none() -> None:
    shared = imported(webui(asked(merged={"status": True, "content": ""}), answered("A")))
    assert len(shared.exchanges) == 1


def test_the_first_system_message_is_the_session_s_and_others_are_messages() -> None:
    brief, kind = ({"role": "system", "content": text} for text in ("Be brief.", "Be kind."))
    nodes = (brief, asked("Hi"), answered("Yo"), kind, asked("Hi again"), answered("Hello"))
    shared = imported(webui(*nodes))
    assert shared.session.settings.system == "Be brief."
    roles = [message.role.value for message in shared.branch]
    assert roles == ["user", "assistant", "system", "user", "assistant"]
    assert shared.branch[2].text == "Be kind."


@pytest.mark.parametrize("chat", [{"system": "Be brief."}, {"params": {"system": "Be brief."}}])
def test_the_chat_s_system_prompt_comes_once(chat: dict[str, Any]) -> None:
    shared = imported(webui({"role": "system", "content": "Be brief."}, asked("Hi"), **chat))
    assert shared.session.settings.system == "Be brief."
    assert [message.role for message in shared.branch] == [Role.USER]


def test_a_null_message_keeps_the_tree_together() -> None:
    chat = webui(asked("Hi"), answered("Yo"), asked("And?"), answered("So."))
    chat["chat"]["history"]["messages"]["m1"] = None
    shared = imported(chat)
    assert [message.role.value for message in shared.branch] == ["user", "user", "assistant"]


def test_a_model_that_a_reply_does_not_name_is_the_chat_s() -> None:
    reply = answered("Yo")
    del reply["model"]
    ((exchange, _),) = replies(imported(webui(asked("Hi"), reply)))
    assert exchange.model == "m"


def test_a_list_of_messages_instead_of_a_tree_is_a_conversation() -> None:
    listed = [asked("Hi"), answered("Yo"), asked("Hi"), answered("Yo again")]
    shared = imported({"title": "Old", "chat": {"messages": listed}})
    assert [c.text for c in choices(shared)] == ["Yo", "Yo again"]
    assert len(shared.branch) == 4


def test_counts_of_every_spelling_are_usage() -> None:
    forms: list[dict[str, Any]] = [
        {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}},
        {"usage": {"input_tokens": 3, "output_tokens": 4}},
        {"info": {"prompt_eval_count": 3, "eval_count": 4}},
        {"info": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}},
    ]
    for form in forms:
        ((exchange, _),) = replies(imported(webui(asked(), answered("Yo", **form))))
        assert exchange.usage is not None
        assert (exchange.usage.input_tokens, exchange.usage.output_tokens) == (3, 4)


def test_fields_of_no_place_are_kept_with_a_reply_and_reported_of_a_question() -> None:
    beside = {"followUps": ["And the sea?"], "statusHistory": [{"description": "Searched"}]}
    shared = imported(webui(asked(quote="Once said"), answered("Yo", **beside), theme="dark one"))
    assert "And the sea?" in everything(shared)
    assert "Searched" in everything(shared)
    assert {left.what for left in shared.left_out} == {
        "field `quote` of a user message",
        "field `theme` of the chat",
    }


def test_tags_of_a_chat_are_tags_of_the_session() -> None:
    chat = webui(asked()) | {"meta": {"tags": ["general", "two words"]}}
    assert imported(chat).tags == ("open-webui", "general", "two_words")
