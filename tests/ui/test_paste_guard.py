"""A paste stays a paste, whatever is in it and however it comes in pieces."""

from hypothesis import given
from hypothesis import strategies as st
from textual import events

from replyscope.ui.terminal.paste_guard import PasteGuard
from replyscope.ui.terminal.textual_internals import XTermParser

BEGIN, END = "\x1b[200~", "\x1b[201~"
pieces = st.lists(
    st.sampled_from([BEGIN, END, "\x1b", "\x1b[", "\x1b[31m", "\r", "\n", "a", "0", "~", "\x00"]),
    max_size=30,
)


def test_escapes_in_a_paste_are_seen_not_obeyed() -> None:
    parser = XTermParser()
    guard = PasteGuard()
    typed = f"{BEGIN}aa \x1b[31mred\rrm -rf\rlast{END}"
    found = list(parser.feed(guard.filter(typed)))
    assert [type(event) for event in found] == [events.Paste]
    assert isinstance(found[0], events.Paste)
    assert found[0].text == "aa ␛[31mred\rrm -rf\rlast"


@given(pieces, st.data())
def test_the_cuts_of_the_stream_change_nothing(parts: list[str], data: st.DataObject) -> None:
    whole = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    guard = PasteGuard()
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    in_pieces = "".join(guard.filter(chunk) for chunk in chunks)
    assert PasteGuard().filter(whole).startswith(in_pieces)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=200))
def test_what_is_typed_is_not_touched(text: str) -> None:
    text = text.replace(BEGIN, "")
    assert PasteGuard().filter(text) == text
