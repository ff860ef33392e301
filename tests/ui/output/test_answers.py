"""The answers to probes are no keys."""

from hypothesis import given
from hypothesis import strategies as st

from replyscope.ui.output.answers import Answers

ANSWER = "\x1b[0n"


@given(
    parts=st.lists(st.sampled_from(["a", ANSWER, "\x1b[A", "n", "\r", "日"]), max_size=12),
    cuts=st.sets(st.integers(0, 40), max_size=6),
)
def test_answers_are_taken_out_however_the_input_is_cut(parts: list[str], cuts: set[int]) -> None:
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    answers = Answers(note)
    text = "".join(parts)
    # After a single ESC nothing is held: it may be the key.
    places = [0, *sorted(cut for cut in cuts if cut < len(text) and text[cut - 1] != "\x1b")]
    read = [text[a:b] for a, b in zip(places, [*places[1:], len(text)], strict=True)]
    kept = "".join(answers.filter(part) for part in read if part) + answers.filter("")
    assert kept == text.replace(ANSWER, "")
    assert count == parts.count(ANSWER)


def test_the_beginning_of_an_answer_that_does_not_go_on_is_a_key() -> None:
    answers = Answers(lambda: None)
    assert answers.filter("\x1b[") == ""
    assert answers.filter("") == "\x1b["
    assert answers.filter("\x1b") == "\x1b"


@given(cut=st.integers(0, 14), before=st.sampled_from(["", "a", ANSWER]))
def test_abilities_are_heard_and_are_no_keys(cut: int, before: str) -> None:
    heard: list[frozenset[int]] = []
    answers = Answers(lambda: None, heard.append)
    text = "\x1b[?62;4;22c"
    cut = min(cut, len(text)) if cut != 1 else 2  # after a single ESC nothing is held
    kept = answers.filter(before + text[:cut])
    kept += answers.filter(text[cut:] + "z") + answers.filter("")
    assert kept == before.replace(ANSWER, "") + "z"
    assert heard == [frozenset({62, 4, 22})]


def test_a_report_that_is_no_answer_of_ours_is_passed_on() -> None:
    answers = Answers(lambda: None)
    assert answers.filter("\x1b[?20") == ""
    assert answers.filter("26;2$y") == "\x1b[?2026;2$y"
