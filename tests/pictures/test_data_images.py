"""Pictures in the text of a reply: their base64 never reaches the parser, and code keeps it."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.ui.markdown.data_images import DataImages, pictures_in_text
from replyscope.ui.markdown.document import MarkdownDocument
from tests.hostile.bounds import bounded
from tests.pictures.making import data_uri, png

URI = data_uri(b"some bytes of a picture", "alt")
PAYLOAD = URI[URI.index("base64,") + 7 : -1]
DRAWN = {
    "alone": URI,
    "in a line": f"before {URI} after",
    "twice in a line": f"{URI}{URI}",
    "in a list": f"- one\n- {URI}\n",
    "in a quote": f"> {URI}",
    "in a table": f"| a | b |\n|---|---|\n| {URI} | 2 |\n",
    "after code": f"```\ncode\n```\n{URI}",
    "after code in a list": f"- x\n  ```py\n  code\n  ```\n\n  {URI}",
    "after ```code``` in a line": f"```code``` and\n{URI}",
    "in angle brackets": URI.replace("(data", "(<data").replace(")", ">)"),
    "after a long line": f"{'word ' * 400}{URI}",
    "with an empty name": URI.replace("[alt]", "[]"),
}
AS_WRITTEN = {
    "in a fence": f"```\n{URI}\n```\n",
    "in a fence of tildes": f"~~~md\n{URI}\n```\n{URI}\n~~~\n",
    "in a longer fence": f"````\n```\n{URI}\n````\n",
    "in an open fence": f"text\n\n```html\n{URI}",
    "as code": f"`{URI}`",
    "SVG": URI.replace("image/png", "image/svg+xml"),
    "without base64": "![a](data:image/png,abc)",
    "a link": URI[1:],
    "a web address": "![a](https://example.com/a.png)",
}


@pytest.mark.parametrize("text", DRAWN.values(), ids=DRAWN)
def test_the_base64_of_a_picture_is_kept_beside_the_text(text: str) -> None:
    found = pictures_in_text(text)
    assert [payload for _, payload in found] == [PAYLOAD] * text.count(PAYLOAD)
    document = MarkdownDocument(text)
    assert all(PAYLOAD not in block.source for block in document.blocks)
    in_blocks = [payload for block in document.blocks for payload in document.pictures_in(block)]
    assert in_blocks == [PAYLOAD] * text.count(PAYLOAD)


@pytest.mark.parametrize("text", AS_WRITTEN.values(), ids=AS_WRITTEN)
def test_what_is_no_picture_stays_as_it_was_written(text: str) -> None:
    assert DataImages().filter(text) == text
    assert pictures_in_text(text) == []


@given(
    st.lists(
        st.sampled_from(
            [*DRAWN.values(), *AS_WRITTEN.values(), "\n", "```\n", "~0~", "![", "](data:", " "]
        ),
        max_size=6,
    ).map("".join),
    st.lists(st.integers(0, 4_000), max_size=12),
)
def test_chunks_change_nothing(text: str, cuts: list[int]) -> None:
    whole, pieces = DataImages(), DataImages()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    expected = whole.filter(text)
    got = [pieces.filter(text[start:end]) for start, end in pairwise(places)]
    assert "".join(got) == expected
    assert pieces.pictures(expected) == whole.pictures(expected)
    assert text.startswith(expected) or "~" in expected or text.endswith(PAYLOAD)


def test_the_output_only_grows_while_a_picture_streams() -> None:
    text = f"see {data_uri(png(64, 64))} end"
    images, shown = DataImages(), ""
    for char in text:
        before, shown = shown, shown + images.filter(char)
        assert len(shown) - len(before) <= 5
    assert shown == "see ![two halves](data:image/png;base64,~0~) end"


def test_a_name_that_a_reply_invents_shows_nothing_else() -> None:
    text = "![a](data:image/png;base64,~0~) ![b](data:image/png;base64,~7~)"
    assert [payload for _, payload in pictures_in_text(text)] == ["", ""]


def test_megabytes_in_one_line_are_not_parsed() -> None:
    data = base64.b64encode(bytes(3_000_000)).decode()
    document = MarkdownDocument(f"![a](data:image/png;base64,{data})\n\nend")
    assert document.parsed < 1_000
    assert [len(found) for found in document.pictures_in(document.blocks[0])] == [len(data)]


@pytest.mark.parametrize("digits", ["5", "9" * 5000])
def test_a_name_in_the_text_of_the_author_is_no_picture(digits: str) -> None:
    assert pictures_in_text(f"`![x](data:image/png;base64,~{digits}~)`") == []


def test_many_short_lines_are_filtered_in_time_of_their_length() -> None:
    with bounded():
        assert DataImages().filter("a\n" * 400_000) == "a\n" * 400_000
