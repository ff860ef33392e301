"""The order of parts when a server or an import states an odd one."""

from itertools import cycle, islice

from replyscope.domain.exchange import Choice, Run, RunKind, Section
from replyscope.inspection.reply_parts import Passage, reply_parts
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.reply_redaction import clean_choice
from tests.hostile.bounds import bounded


def test_many_runs_and_sections_take_no_more_than_their_length() -> None:
    count = 40_000
    kinds = islice(cycle((RunKind.TEXT, RunKind.REASONING)), count)
    order = tuple(Run(kind, number // 2) for number, kind in enumerate(kinds))
    text = "ab" * (count // 4)
    sections = tuple(Section(at, "commentary") for at in range(0, len(text), 2))
    choice = Choice(index=0, text=text, reasoning=text, order=order, sections=sections)
    with bounded():
        parts = reply_parts(choice)
    said = [part.text for part in parts if isinstance(part, Passage) and part.kind is RunKind.TEXT]
    assert "".join(said) == text


def test_a_section_without_text_yet_does_not_cut_what_was_redacted() -> None:
    sections = (Section(0, "commentary"), Section(11, "final_answer"))
    choice = Choice(index=0, text="mail a@b.co", sections=sections)
    cleaned = clean_choice(choice, Redactor())
    assert "a@b.co" not in cleaned.text
    (passage,) = reply_parts(cleaned)
    assert isinstance(passage, Passage)
    assert passage.text == cleaned.text
