"""ChatGPT's conversations: every node's texts come, in their place, or are reported."""

from typing import Any

import pytest

from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Role, ToolResultPart
from tests.sharing.exports import (
    chatgpt,
    choices,
    everything,
    imported,
    replies,
    results,
    said,
)

HIDDEN: dict[str, Any] = {"metadata": {"is_visually_hidden_from_conversation": True}}


def test_a_reply_without_a_model_has_the_conversation_s() -> None:
    own = said("assistant", "A little more.", metadata={"model_slug": "o4-mini"})
    talk = (said("user", "How warm?"), said("assistant", "26."), said("user", "And now?"), own)
    shared = imported(chatgpt(*talk, default_model_slug="gpt-5-thinking"))
    assert [exchange.model for exchange, _ in replies(shared)] == ["gpt-5-thinking", "o4-mini"]


@pytest.mark.parametrize("absent", ["null node", "missing node", "no message", "empty node"])
def test_a_node_without_a_message_keeps_the_tree_together(absent: str) -> None:
    talk = chatgpt(said("user", "Hi"), None, said("assistant", "Yo"))
    mapping = talk["mapping"]
    match absent:
        case "null node":
            mapping["n1"] = None
        case "missing node":
            del mapping["n1"]
        case "empty node":
            mapping["n1"] = {}
    assert [m.role.value for m in imported(talk).branch] == ["user", "assistant"]


def test_a_node_whose_parent_is_null_is_found_by_its_children() -> None:
    talk = chatgpt(said("user", "Hi"), said("assistant", "Yo"))
    talk["mapping"]["n1"]["parent"] = None
    assert len(imported(talk).branch) == 2


@pytest.mark.parametrize("field", ["metadata", "recipient", "create_time", "status", "channel"])
@pytest.mark.parametrize("value", [None, "absent"])
def test_fields_that_newer_exports_leave_out_are_not_needed(field: str, value: Any) -> None:
    talk = [said("user", "Hi"), said("assistant", "Yo", metadata={}, recipient="all")]
    for message in talk:
        message |= {field: None}
        if value == "absent":
            del message[field]
    shared = imported(chatgpt(*talk))
    assert [message.role.value for message in shared.branch] == ["user", "assistant"]


@pytest.mark.parametrize("field", ["create_time", "current_node", "title", "id"])
@pytest.mark.parametrize("is_null", [True, False])
def test_fields_of_a_conversation_are_not_needed(field: str, is_null: bool) -> None:
    talk = chatgpt(said("user", "Hi"), said("assistant", "Yo")) | {field: None}
    if not is_null:
        del talk[field]
    assert len(imported(talk).branch) == 2


CONTENTS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"content_type": "text", "parts": ["one", None, "", "two"]}, ("one", "two")),
    ({"content_type": "text", "text": "one two"}, ("one two",)),
    (
        {"content_type": "multimodal_text", "parts": [
            {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1",
             "metadata": {"dalle": {"prompt": "a red cat"}}},
            "What is it?",
        ]},
        ("[image file-service://file-1: a red cat]", "What is it?"),
    ),
    (
        {"content_type": "multimodal_text", "parts": [
            {"content_type": "audio_transcription", "text": "as I spoke", "direction": "in"},
            {"content_type": "audio_asset_pointer", "asset_pointer": "sediment://file_2"},
            {"content_type": "real_time_user_audio_video_asset_pointer",
             "audio_asset_pointer": {"content_type": "audio_asset_pointer",
                                     "asset_pointer": "sediment://file_3"},
             "frames_asset_pointers": [{"content_type": "image_asset_pointer",
                                        "asset_pointer": "sediment://file_4"}]},
        ]},
        ("as I spoke", "[audio sediment://file_2]", "[audio sediment://file_3]",
         "[image sediment://file_4]"),
    ),
    (
        {"content_type": "multimodal_text", "parts": [
            {"content_type": "image_url", "image_url": {"url": "https://a.test/cat.png"}},
        ]},
        ("[image https://a.test/cat.png]",),
    ),
    ({"content_type": "execution_output", "text": "42"}, ("42",)),
    ({"content_type": "system_error", "name": "TimeoutError", "text": "too late"},
     ("TimeoutError", "too late")),
    (
        {"content_type": "tether_quote", "url": "https://a.test", "domain": "a.test",
         "title": "A page", "text": "its words"},
        ("https://a.test", "A page", "its words"),
    ),
    (
        {"content_type": "tether_browsing_display", "result": "# Results", "summary": "in short"},
        ("# Results", "in short"),
    ),
    (
        {"content_type": "sonic_webpage", "url": "https://a.test", "title": "A page",
         "text": "its words", "snippet": "a snippet"},
        ("https://a.test", "A page", "its words", "a snippet"),
    ),
    (
        {"content_type": "computer_output",
         "screenshot": {"content_type": "image_asset_pointer", "asset_pointer": "file://s"},
         "state": {"title": "A window"}},
        ("[image file://s]", "A window"),
    ),
    ({"content_type": "citable_code_output", "output_str": "the output"}, ("the output",)),
    ({"content_type": "of_next_year", "words": {"deep": ["one text"]}, "parts": ["two"]},
     ("one text", "two")),
]  # fmt: skip


@pytest.mark.parametrize("role", ["user", "assistant", "tool"])
@pytest.mark.parametrize(("content", "texts"), CONTENTS)
def test_content_of_every_type_comes(
    role: str, content: dict[str, Any], texts: tuple[str, ...]
) -> None:
    shared = imported(chatgpt(said("user", "Go"), said(role, content)))
    assert shared.left_out == ()
    assert shared.branch[-1].role.value == role
    for text in texts:
        assert text in everything(shared)


THOUGHTS = {
    "content_type": "thoughts",
    "thoughts": [{"summary": "Weigh it", "content": "Let me see."}, {"content": "I know."}],
}


def test_thoughts_and_their_recap_belong_to_the_next_reply() -> None:
    recap = {"content_type": "reasoning_recap", "content": "Thought for 3s"}
    talk = (said("user", "Why?"), said("assistant", THOUGHTS), said("assistant", recap),
            said("assistant", "So."))  # fmt: skip
    (choice,) = choices(imported(chatgpt(*talk)))
    assert choice.reasoning == "Weigh it\nLet me see.\nI know.\n\nThought for 3s"
    assert choice.text == "So."


@pytest.mark.parametrize(
    "after",
    [
        (),
        (None,),
        (said("user", "Never mind"),),
        (said("tool", "42", "python"),),
        (said("assistant", "hidden words", **HIDDEN),),
    ],
)
def test_thoughts_that_no_reply_follows_are_kept(after: tuple[Any, ...]) -> None:
    shared = imported(chatgpt(said("user", "Why?"), said("assistant", THOUGHTS), *after))
    assert "Let me see." in "".join(
        exchange.choices[0].reasoning or "" for exchange in shared.exchanges.values()
    )


def test_a_call_its_thoughts_and_results_in_several_messages_belong_together() -> None:
    code = {"content_type": "code", "language": "python", "text": "print(42)"}
    talk = (said("user", "Go"), said("assistant", THOUGHTS),
            said("assistant", code, recipient="python"),
            said("tool", {"content_type": "execution_output", "text": "42"}, "python"),
            said("tool", {"content_type": "execution_output", "text": "and more"}, "python"),
            said("assistant", "It is 42."))  # fmt: skip
    shared = imported(chatgpt(*talk))
    assert [m.role.value for m in shared.branch] == ["user", "assistant", "tool", "assistant"]
    call, answer = choices(shared)
    assert (call.tool_calls[0].name, call.tool_calls[0].arguments) == ("python", "print(42)")
    assert call.finish_reason is FinishReason.TOOL_CALLS
    assert "Let me see." in (call.reasoning or "")
    (part,) = shared.branch[2].parts
    assert isinstance(part, ToolResultPart)
    assert (part.call_id, part.output) == (call.tool_calls[0].id, "42\n\nand more")
    assert answer.text == "It is 42."


def test_images_that_code_made_are_named_with_its_result() -> None:
    run = {"messages": [{"message_type": "image", "image_url": "file-service://chart"}]}
    code = {"content_type": "code", "text": "plot()"}
    output = said("tool", {"content_type": "execution_output", "text": ""}, "python",
                  metadata={"aggregate_result": run})  # fmt: skip
    shared = imported(chatgpt(said("user", "Go"), said("assistant", code), output))
    assert results(shared) == ["[image file-service://chart]"]


def test_custom_instructions_are_the_system_prompt() -> None:
    content = {"content_type": "user_editable_context", "user_profile": "I am a baker.",
               "user_instructions": "Be brief."}  # fmt: skip
    about = {"user_context_message_data": {"about_model_message": "Use metric units."}}
    own = said("user", content, metadata=HIDDEN["metadata"] | about)
    shared = imported(chatgpt(own, said("user", "Hi"), said("assistant", "Yo")))
    system = shared.session.settings.system or ""
    assert all(t in system for t in ("I am a baker.", "Be brief.", "Use metric units."))
    assert [message.role for message in shared.branch] == [Role.USER, Role.ASSISTANT]
    assert shared.left_out == ()


def test_a_second_system_message_is_a_message() -> None:
    talk = (said("system", "First."), said("user", "Hi"), said("system", "Second."))
    shared = imported(chatgpt(*talk))
    assert shared.session.settings.system == "First."
    assert [(m.role, m.text) for m in shared.branch] == [
        (Role.USER, "Hi"), (Role.SYSTEM, "Second."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (said("user", "not shown", **HIDDEN), "hidden message"),
        (said("critic", "bad"), "message of the role `critic`"),
        ("a bare text", "entry that is not a message"),
    ],
)
def test_a_message_that_is_left_out_is_reported(message: Any, what: str) -> None:
    shared = imported(chatgpt(said("user", "Hi"), message, said("assistant", "Yo")))
    assert [message.role for message in shared.branch] == [Role.USER, Role.ASSISTANT]
    assert [left.what for left in shared.left_out] == [what]


def test_an_empty_hidden_message_is_nothing_to_report() -> None:
    assert imported(chatgpt(said("system", "", **HIDDEN), said("user", "Hi"))).left_out == ()


REFERENCES: list[tuple[dict[str, Any], list[tuple[str | None, str]]]] = [
    ({"content_references": [{"items": [{"title": "A", "url": "https://a.test"}]}]},
     [("A", "https://a.test")]),
    (
        {"content_references": [{"type": "grouped_webpages", "items": [
            {"title": "A", "url": "https://a.test",
             "supporting_websites": [{"title": "B", "url": "https://b.test"}]}]}]},
        [("A", "https://a.test"), ("B", "https://b.test")],
    ),
    ({"content_references": [{"type": "sources_footnote",
                              "sources": [{"title": "A", "url": "https://a.test"}]}]},
     [("A", "https://a.test")]),
    ({"content_references": [{"type": "url", "item": {"title": "A", "url": "https://a.test"}}]},
     [("A", "https://a.test")]),
    ({"content_references": [{"type": "webpage", "safe_urls": ["https://a.test"]}]},
     [(None, "https://a.test")]),
    ({"citations": [{"metadata": {"type": "webpage", "title": "A", "url": "https://a.test"}}]},
     [("A", "https://a.test")]),
    ({"_cite_metadata": {"metadata_list": [{"title": "A", "url": "https://a.test"}]}},
     [("A", "https://a.test")]),
    ({"search_result_groups": [{"domain": "a.test", "entries": [
        {"title": "A", "url": "https://a.test", "snippet": "some words"}]}]},
     [("A", "https://a.test")]),
    ({"content_references": [None, 7, {"items": None}], "citations": None}, []),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "pages"), REFERENCES)
def test_sources_of_every_form_are_citations(
    metadata: dict[str, Any], pages: list[tuple[str | None, str]]
) -> None:
    shared = imported(chatgpt(said("user", "?"), said("assistant", "So.", metadata=metadata)))
    (choice,) = choices(shared)
    assert [(c.title, c.url) for c in choice.citations] == pages
    if "some words" in str(metadata):
        assert "some words" in everything(shared)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is so \ue200cite\ue202turn0search0\ue202turn0search3\ue201.", "It is so ."),
        ('\ue200entity\ue202["city","Paris","the capital"]\ue201 is big.', "Paris is big."),
        ("See \ue200url\ue202the page\ue202turn0search1\ue201.", "See the page."),
        ("\ue200filecite\ue202turn0file0\ue202L1-L2\ue201Read.", "Read."),
        ("A quote 【57†source】 stays.", "A quote 【57†source】 stays."),
    ],
)
def test_marks_that_only_chatgpt_draws_leave_their_words(text: str, shown: str) -> None:
    (choice,) = choices(imported(chatgpt(said("user", "?"), said("assistant", text))))
    assert choice.text == shown


def test_texts_in_unknown_fields_are_kept_or_reported() -> None:
    beside: dict[str, Any] = {
        "metadata": {"note_of_the_author": "written in haste", "request_id": "a-b-c"}
    }
    talk = (said("user", "Hi", **beside), said("assistant", "Yo", **beside))
    shared = imported(chatgpt(*talk, memo="to be read later"))
    ((exchange, _),) = replies(shared)
    assert exchange.extras == (("note_of_the_author", '"written in haste"'),)
    assert [left.what for left in shared.left_out] == [
        "field `note_of_the_author` of a user message",
        "field `memo` of the conversation",
    ]
