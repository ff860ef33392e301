"""The parts of a reply are drawn in the order in which they arrived, on both APIs."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.event import StreamEnded
from replyscope.domain.exchange import Api, Choice, Exchange, RunKind
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import ReplySource, Role
from replyscope.inspection.markup.diagram import PageDiagrams
from replyscope.inspection.reply_parts import Passage, joined_parts, reply_parts
from replyscope.inspection.sharing.html_reply import said_html
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.reply_redaction import clean_choice
from replyscope.provider.opening import translate_frames
from replyscope.provider.response_events import translate_response
from replyscope.store.codec import decode_exchange, encode_exchange
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import reply_content
from replyscope.ui.transcript.entry import Entry
from tests.support.build import make_exchange, user_message
from tests.support.examples import examples
from tests.support.server import delta
from tests.support.streams import fold_chunks, frames

PALETTE = Palette()
KINDS = ("text", "reasoning", "web_search_call", "function_call")
ANY_ORDER = st.lists(st.sampled_from(KINDS), min_size=1, max_size=9)
STYLES = st.sampled_from(("deltas", "done only", "listed"))


def item_of(kind: str, word: str, *, is_done: bool = True) -> dict[str, Any]:
    """An output item with one word in it."""
    said = word if is_done else ""
    state = "completed" if is_done else "in_progress"
    forms: dict[str, dict[str, Any]] = {
        "text": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": said, "annotations": []}] if said else [],
        },
        "reasoning": {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": said}] if said else [],
        },
        "web_search_call": {
            "type": "web_search_call",
            "action": {"type": "search", "query": word},
        },
        "function_call": {"type": "function_call", "call_id": f"c{word}", "name": f"f_{word}"},
    }
    fields = forms[kind]
    if kind == "function_call":
        fields["arguments"] = "{}" if is_done else ""
    return {"id": f"id_{word}", "status": state, **fields}


DELTAS = {
    "text": ("response.output_text.delta", {"content_index": 0}),
    "reasoning": ("response.reasoning_summary_text.delta", {"summary_index": 0}),
    "function_call": ("response.function_call_arguments.delta", {}),
}


def stream_of(kinds: list[str], style: str) -> list[dict[str, Any]]:
    """The events of a response with these items."""
    made: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "r"}}]
    for index, kind in enumerate(kinds if style != "listed" else ()):
        word, place = f"w{index}.", {"output_index": index}
        if style == "deltas":
            begun = item_of(kind, word, is_done=False)
            made.append({"type": "response.output_item.added", "item": begun, **place})
            name, more = DELTAS.get(kind, ("", {}))
            words = ("{}",) if kind == "function_call" else (word[:1], word[1:])
            made += [
                {"type": name, "delta": part, "item_id": f"id_{word}", **place, **more}
                for part in words
                if name
            ]
        done = item_of(kind, word)
        made.append({"type": "response.output_item.done", "item": done, **place})
    output = [item_of(kind, f"w{index}.") for index, kind in enumerate(kinds)]
    final = {"id": "r", "status": "completed", "output": output}
    return [*made, {"type": "response.completed", "response": final}]


def draw(entry: Entry) -> list[str]:
    entry.lay_out(80, PALETTE)
    while entry.is_behind:
        entry.go_on()
    strips = [strip for cell in range(entry.cell_count) for strip in entry.strips(cell)]
    return [strip.text.rstrip() for strip in strips]


def content_of(exchange: Exchange) -> Any:
    source = ReplySource(exchange.id, 0)
    message = replace(user_message("", "m"), role=Role.ASSISTANT, sources=(source,))
    return reply_content(message, {exchange.id: exchange})


def entry_of(exchange: Exchange) -> Entry:
    entry = Entry("m", lambda: content_of(exchange))
    entry.is_unfolded = True
    return entry


def words_in_order(text: str, count: int) -> list[int]:
    """The numbers of the words by their place in a text."""
    places = {number: text.find(f"w{number}.") for number in range(count)}
    assert -1 not in places.values(), text
    return sorted(places, key=lambda number: places[number])


def folded(kinds: list[str], style: str) -> tuple[ExchangeFold, Entry]:
    """The fold of a stream, and an entry that drew each of its states."""
    fold = ExchangeFold(make_exchange(api=Api.RESPONSES))
    entry = entry_of(fold.snapshot())
    for event in translate_frames(Api.RESPONSES, frames(stream_of(kinds, style))):
        fold.apply(event)
        entry.update(content_of(fold.snapshot()))
        draw(entry)
    fold.apply(StreamEnded(StreamEnd.DONE, 99.0))
    entry.update(content_of(fold.snapshot()))
    return fold, entry


@examples(150)
@given(ANY_ORDER, STYLES)
def test_any_order_of_items_is_the_order_of_the_drawing(kinds: list[str], style: str) -> None:
    fold, entry = folded(kinds, style)
    exchange = fold.snapshot()
    order = list(range(len(kinds)))
    assert words_in_order("\n".join(draw(entry)), len(kinds)) == order
    stored = decode_exchange(encode_exchange(exchange))
    assert draw(entry_of(stored)) == draw(entry)
    page = said_html(exchange.choice(0), {}, str, PageDiagrams())
    assert words_in_order(page, len(kinds)) == order


@examples(50)
@given(ANY_ORDER)
def test_a_whole_response_has_the_same_order(kinds: list[str]) -> None:
    data = stream_of(kinds, "listed")[-1]["response"]
    fold = ExchangeFold(make_exchange(api=Api.RESPONSES))
    for event in translate_response(data):
        fold.apply(event)
    fold.apply(StreamEnded(StreamEnd.DONE, 99.0))
    drawn = draw(entry_of(fold.snapshot()))
    assert words_in_order("\n".join(drawn), len(kinds)) == list(range(len(kinds)))


CHAT = st.lists(st.sampled_from(("text", "reasoning", "call")), min_size=1, max_size=9)


@examples(100)
@given(CHAT)
def test_any_order_of_chat_deltas_is_the_order_of_the_drawing(kinds: list[str]) -> None:
    chunks = []
    for number, kind in enumerate(kinds):
        word = f"w{number}."
        call = {"index": number, "id": word, "function": {"name": "f", "arguments": f'["{word}"]'}}
        chunks.append(
            delta(tool_calls=[call])
            if kind == "call"
            else delta(**{{"text": "content"}.get(kind, "reasoning_content"): word})
        )
    exchange = make_exchange(choices=(fold_chunks(*chunks),))
    for one in (exchange, decode_exchange(encode_exchange(exchange))):
        drawn = "\n".join(draw(entry_of(one)))
        assert words_in_order(drawn, len(kinds)) == list(range(len(kinds)))


def test_a_search_is_drawn_between_the_texts_around_it() -> None:
    _, entry = folded(["text", "web_search_call", "text"], "deltas")
    lines = draw(entry)
    assert [lines[1], lines[2], lines[-2]] == ["w0.", "", "w2."]
    assert lines[3].startswith('⚙ web_search(type="search", query="w1.")')


def test_a_continued_text_is_one_passage_under_all_of_its_reasoning() -> None:
    first = Choice(0, "Half of a wo", reasoning="one")
    second = Choice(0, "rd.", reasoning="two")
    assert joined_parts([first, second]) == [
        Passage(RunKind.REASONING, "one\n\ntwo"),
        Passage(RunKind.TEXT, "Half of a word."),
    ]


def test_interleaved_deltas_do_not_grow_the_reply_without_limit() -> None:
    chunks = [delta(content="a", reasoning_content="b") for _ in range(3_000)]
    choice = fold_chunks(*chunks)
    parts = reply_parts(choice)
    assert len(parts) <= 1_000
    texts = [part.text for part in parts if isinstance(part, Passage)]
    assert "".join(texts).count("a") == "".join(texts).count("b") == 3_000


def test_a_redacted_reply_keeps_the_order_and_hides_a_secret_across_a_call() -> None:
    chunks = [
        delta(content="mail to ann@exam"),
        delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]),
        delta(content="ple.org and on"),
    ]
    choice = clean_choice(fold_chunks(*chunks), Redactor())
    said = [part if isinstance(part, Passage) else part.name for part in reply_parts(choice)]
    assert said == [
        Passage(RunKind.TEXT, "mail to [e-mail address]"),
        "f",
        Passage(RunKind.TEXT, " and on"),
    ]
    assert choice.text == "mail to [e-mail address] and on"


@pytest.mark.parametrize("start", [-5, 10**9])
def test_a_damaged_order_loses_no_word(start: int) -> None:
    exchange = make_exchange(choices=(fold_chunks(delta(content="w0."), delta(reasoning="w1.")),))
    choice = exchange.choice(0)
    order = tuple(replace(run, start=start) for run in choice.order)
    parts = reply_parts(replace(choice, order=order))
    assert {part.text for part in parts if isinstance(part, Passage)} == {"w0.", "w1."}
