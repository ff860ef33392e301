"""Pure values: titles, printable text, growing text, pace, rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Timing, Usage, output_rate
from replyscope.domain.frame_log import FrameLog
from replyscope.domain.growing import GrowingText, Pace, WordCount
from replyscope.domain.printable import is_printable, printable_line, printable_text
from replyscope.domain.session import Parameters, title_from
from replyscope.domain.sse import is_done_marker
from replyscope.domain.think_tags import ThinkSplitter, ThinkTags


@given(st.text())
def test_printable_text_holds_no_control_character(text: str) -> None:
    assert is_printable(printable_text(text))
    assert "\n" not in printable_line(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_is_drawn_as_it_is(text: str) -> None:
    if "\u2028" not in text:
        assert printable_line(text) == text


def test_escapes_and_overrides_are_made_visible() -> None:
    assert printable_line("a\x1b[31m\u202eb\x9b") == "a␛[31m‹202e›b\ufffd"


@given(st.lists(st.text(max_size=5)))
def test_growing_text_is_the_pieces_joined(pieces: list[str]) -> None:
    text = GrowingText()
    for number, piece in enumerate(pieces):
        text.append(piece)
        if number % 3 == 0:
            assert str(text) == "".join(pieces[: number + 1])
    assert str(text) == "".join(pieces)
    assert len(text) == len("".join(pieces))


@given(st.lists(st.tuples(st.floats(0, 1e7), st.integers(1, 50)), max_size=200))
def test_pace_counts_every_character_in_bounded_room(steps: list[tuple[float, int]]) -> None:
    pace = Pace()
    for at_ms, characters in steps:
        pace.add(at_ms, characters)
    assert sum(pace.counts) == sum(characters for _, characters in steps)
    assert len(pace.counts) <= 128


def test_titles_come_from_the_first_line_and_end_at_a_word() -> None:
    assert title_from("\n  # Fix the parser\nplease") == "Fix the parser"
    long = title_from("explain " * 20)
    assert long.endswith("…")
    assert len(long) <= 49
    assert title_from("  ") == "New session"


def test_the_rate_is_unknown_without_usage_or_time() -> None:
    timing = Timing(first_token_ms=100, last_token_ms=1_100)
    assert output_rate(Usage(output_tokens=51), timing) == 50
    assert output_rate(Usage(output_tokens=30_001), timing) is None  # a server held it back
    assert output_rate(None, timing) is None
    assert output_rate(Usage(output_tokens=1), timing) is None
    assert output_rate(Usage(output_tokens=9), Timing()) is None


def test_parameters_merge_over_a_base() -> None:
    merged = Parameters(temperature=0.0).merged_over(Parameters(max_tokens=5, temperature=1.0))
    assert merged == Parameters(max_tokens=5, temperature=0.0)


@given(
    st.integers(0, 700),
    st.text(st.characters() | st.sampled_from("\ud83d\ude00"), max_size=30),
    st.data(),
)
def test_a_frame_log_reads_like_the_list_of_its_frames(
    count: int, text: str, data: st.DataObject
) -> None:
    frames = [WireFrame(number / 3, f"{number} {text}") for number in range(count)]
    log = FrameLog()
    log.extend(frames)
    assert list(log) == frames
    assert len(log) == len(frames)
    start, end = data.draw(st.integers(-800, 800)), data.draw(st.integers(-800, 800))
    assert log[start:end] == frames[start:end]
    if frames:
        place = data.draw(st.integers(-len(frames), len(frames) - 1))
        assert log[place] == frames[place]


@given(st.lists(st.text(st.sampled_from("ab \t\n\u3000"), max_size=6), max_size=12))
def test_words_in_pieces_are_the_words_of_the_whole(pieces: list[str]) -> None:
    counted = WordCount()
    for piece in pieces:
        counted.feed(piece)
    whole = "".join(pieces)
    assert (counted.words, counted.length) == (len(whole.split()), len(whole))


@pytest.mark.parametrize("size", [100, 50_000, 200_000, 2_000_000])
def test_a_frame_log_of_large_frames_reads_like_their_list(size: int) -> None:
    frames = [WireFrame(float(number), str(number) * (size // 2)) for number in range(12)]
    log = FrameLog()
    log.extend(frames)
    assert list(log) == frames
    assert [log[number] for number in (11, 0, 5, -1)] == [frames[n] for n in (11, 0, 5, -1)]


def test_blanks_before_an_answer_are_held_back_only_so_long() -> None:
    splitter = ThinkSplitter(ThinkTags.AUTO)
    pieces = [" " * 1_000] * 1_000
    came = [piece.received for text in pieces for piece in splitter.feed(text)]
    assert splitter.is_answering
    assert len("".join(came)) == 1_000_000


@pytest.mark.parametrize(
    ("data", "is_done"),
    [("[DONE]", True), (" [DONE] ", True), ('{"text": "[DONE]"}', False), ("", False)],
)
def test_the_done_marker_is_told_from_text_that_mentions_it(data: str, is_done: bool) -> None:
    assert is_done_marker(data) is is_done
