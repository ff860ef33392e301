"""Why a request missed the prompt cache: the first difference to the request before."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Usage
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.cache_report import load_cache_report
from replyscope.inspection.cache_miss import (
    CacheReport,
    cache_report,
    diff_lines,
    first_difference,
    segments_of,
)
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive, target_of
from tests.support.build import make_exchange, open_chat
from tests.support.server import LoopbackServer, reply

words = st.text(st.characters(codec="utf-8"), max_size=12)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": words}
)
tools = st.builds(lambda name: {"type": "function", "name": name}, words)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["tools", "messages", "input", "instructions", "text", "previous_response_id", "model"]
)
bodies = st.dictionaries(fields, json_values, max_size=5)


def body_of(name: str, entries: list[Any], **more: Any) -> dict[str, Any]:
    return {name: entries, **more}


@given(st.lists(messages, max_size=5), st.lists(messages, max_size=3), st.lists(tools, max_size=2))
def test_a_request_that_goes_on_has_no_difference(
    earlier: list[Any], added: list[Any], offered: list[Any]
) -> None:
    before = body_of("messages", earlier, tools=offered)
    assert first_difference(before, body_of("messages", earlier + added, tools=offered)) is None


@given(st.lists(messages, min_size=1, max_size=5), st.data())
def test_the_first_changed_message_is_found(earlier: list[Any], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(earlier) - 1))
    changed = {**earlier[at], "content": earlier[at]["content"] + "!"}
    later = [*earlier[:at], changed, *earlier[at + 1 :]]
    found = first_difference(body_of("messages", earlier), body_of("messages", later))
    assert found is not None
    assert found.before != found.after
    names = [name for name, _ in segments_of(body_of("messages", earlier))]
    assert found.name == names[at]
    kept = sum(len(text) for _, text in segments_of(body_of("messages", earlier))[:at])
    assert found.same >= kept
    lines = found.lines()
    assert any(line.startswith("- ") for line in lines)
    assert any(line.startswith("+ ") for line in lines)


@given(bodies, bodies)
def test_any_two_bodies_are_compared(before: dict[str, Any], after: dict[str, Any]) -> None:
    report = cache_report(
        make_exchange(), json.dumps(after).encode(), make_exchange(), json.dumps(before).encode()
    )
    assert report.sentences()
    assert first_difference(before, before) is None
    if report.difference is not None:
        assert (report.difference.before, report.difference.after) != ("", "")
        report.difference.lines()


@given(st.lists(words.filter(lambda w: "\n" not in w)), st.lists(words))
def test_a_diff_has_all_that_changed(before: list[str], after: list[str]) -> None:
    lines = diff_lines(before, after)
    assert (lines == []) == (not before and not after) or before == after
    for line in lines:
        assert line[:2] in ("- ", "+ ", "  ")


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ({"tools": [{"name": "a"}]}, {"tools": [{"name": "a", "x": 1}]}, "tool a"),
        ({"instructions": "a"}, {"instructions": "b"}, "the system prompt"),
        (
            {"messages": [{"role": "user", "content": "a"}]},
            {
                "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}],
            },
            "the system prompt, which is new,",
        ),
        (
            {"input": [{"role": "user"}, {"type": "reasoning"}]},
            {"input": [{"role": "user"}]},
            "message 2 (reasoning)",
        ),
        (
            {"tools": [{"name": "a"}, {"name": "b"}]},
            {"tools": [{"name": "b"}, {"name": "a"}]},
            "tool b, which is new,",
        ),
        ({"input": "hello"}, {"input": "goodbye"}, "message 1 (user)"),
    ],
)
def test_differences_have_names(before: Any, after: Any, name: str) -> None:
    found = first_difference(before, after)
    assert found is not None
    assert found.name == name


def test_what_the_server_keeps_is_not_compared() -> None:
    before = {"instructions": "s", "input": [{"role": "user", "content": "one"}]}
    after = {
        "instructions": "s",
        "input": [{"role": "user", "content": "two"}],
        "previous_response_id": "resp_1",
    }
    assert first_difference(before, after) is None
    assert any(
        "keeps the earlier messages" in text
        for text in CacheReport(0, 5_000, chains=True).sentences()
    )


def test_a_report_says_what_the_server_said_and_what_else_differs() -> None:
    extras = (("prompt_cache_diagnostics", '{"type": "miss", "reason": "tools_changed"}'),)
    report = cache_report(
        make_exchange(usage=Usage(6_000, 1, 6_001, cached_input_tokens=0), extras=extras),
        b'{"model": "b", "messages": []}',
        make_exchange(usage=Usage(5_000, 1, 5_001)),
        b'{"model": "a", "messages": []}',
    )
    assert report.is_miss
    said = " ".join(report.sentences())
    assert "Cached input tokens: 0; the request before had 5,000." in said
    assert "The server says: miss · tools changed." in said
    assert "Other fields that differ: model." in said


def test_a_hit_is_called_a_hit() -> None:
    assert not CacheReport(4_992, 5_000).is_miss
    assert "was read from the cache" in " ".join(CacheReport(4_992, 5_000).sentences())
    assert not CacheReport(0, 200).is_miss
    assert CacheReport(None, 5_000).is_miss


async def test_a_reply_is_compared_with_the_request_before_it(
    server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    archive = Archive(store, clock, Ids())
    conversation = archive.new(SessionSettings(system="one"))
    about = archive, conversation.tree, conversation.exchanges
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "first")
        with pytest.raises(ReplyscopeError, match="first request"):
            await load_cache_report(*about, conversation.messages[-1])
        await drive(conversation, provider, "second")
        report = await load_cache_report(*about, conversation.messages[-1])
        assert report.difference is None
        conversation.change_settings(SessionSettings(system="two"))
        await conversation.retry(target_of(provider))
        report = await load_cache_report(*about, conversation.messages[-1])
        for unknown in (replace(conversation.messages[-1], sources=()), conversation.messages[0]):
            with pytest.raises(ReplyscopeError, match="not recorded"):
                await load_cache_report(*about, unknown)
    assert report.difference is not None
    assert report.difference.name == "the system prompt"
    assert '-   "content": "one"' in report.difference.lines()
    assert '+   "content": "two"' in report.difference.lines()


def test_an_image_in_a_difference_is_shortened_around_the_first_difference() -> None:
    data = "A" * 3_000_000
    found = first_difference(
        {"messages": [{"role": "user", "content": f"data:{data}B{data}"}]},
        {"messages": [{"role": "user", "content": f"data:{data}C{data}"}]},
    )
    assert found is not None
    before, after = (line for line in found.lines() if line[:2] in ("- ", "+ "))
    assert max(map(len, found.lines())) < 500
    assert ("B" in before, "C" in after) == (True, True)
    assert "characters)" in before
    assert found.same == len('{\n  "role": "user",\n  "content": "data:') + len(data)


@given(words, words)
def test_the_common_start_is_exact(first: str, second: str) -> None:
    same = max(n for n in range(len(first) + 1) if second.startswith(first[:n]))
    found = first_difference({"instructions": f"x{first}"}, {"instructions": f"x{second}"})
    assert found.same == 1 + same if found is not None else first == second


def test_a_long_difference_names_the_number_of_the_other_lines() -> None:
    lines = diff_lines([f"a{n}" for n in range(300)], [f"b{n}" for n in range(400)])
    assert len(lines) == 201
    assert lines[-1] == "  … 500 more lines"
    assert lines[199] == "- a199"
