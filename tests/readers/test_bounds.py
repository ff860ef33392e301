"""One item of an import is bounded, and costs only itself when it is larger."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.foreign import ForeignTurn, Unreadable
from replyscope.domain.item_bound import MOST_ITEM, MOST_OWN_ITEM, decode_json, narrow, too_large
from replyscope.domain.json_items import Broken, JsonItems
from replyscope.domain.json_text import MOST_VALUES
from replyscope.domain.message import Role, TextPart
from replyscope.domain.shared import SESSION_FORMAT
from replyscope.engine.sniffing import FormatTable
from replyscope.readers.formats import FORMATS
from replyscope.readers.turn_log import Talk
from tests.readers.logs import read
from tests.support.examples import examples

TEXTS = st.text(st.sampled_from('a\\"😀é日\n{[,'), max_size=30)


@examples(200)
@given(st.lists(TEXTS, max_size=5), st.integers(0, 200))
def test_a_text_with_escapes_for_emoji_has_the_same_value(texts: list[str], cut: int) -> None:
    text = json.dumps(texts, ensure_ascii=False)
    first = narrow(text[:cut])
    parts = first + narrow(text[cut:], first[-1:])
    assert json.loads(parts) == texts


def test_a_picture_beside_an_emoji_is_not_widened() -> None:
    text = json.dumps({"picture": "A" * 3_000_000, "said": "😀"}, ensure_ascii=False)
    assert decode_json(text.encode()).isascii()
    (value,) = JsonItems(io.StringIO(f"{text}]"))
    assert value == json.loads(text)


def test_an_item_with_too_many_values_is_skipped() -> None:
    many = f"[{','.join(['[]'] * (MOST_VALUES // 2 + 10))}]"
    first, broken, last = JsonItems(io.StringIO(f'{{"a": 1}}, {many}, {{"b": 2}}]'))
    assert (first, last) == ({"a": 1}, {"b": 2})
    assert broken == Broken(f"it has more than {MOST_VALUES:,} values")


@pytest.mark.parametrize("frame", ["x" * 1_000_000, "x"], ids=["large frames", "small frames"])
def test_a_stream_that_is_too_large_is_reported(tmp_path: Path, frame: str) -> None:
    path = tmp_path / "reply.sse"
    data = f"data: {frame}\n\n"
    path.write_text(data * (MOST_ITEM // (len(data) + 100) + 1_000))
    (item,) = read(path)
    assert item == Unreadable("reply.sse", "it is larger than 48 MB with its frames")


def test_large_turns_leave_the_window_of_those_that_may_change() -> None:
    talk = Talk("source", "key")
    for number in range(10):
        above = str(number - 1) if number else None
        talk.put(ForeignTurn(str(number), Role.USER, (TextPart("x" * 5_000_000),), parent=above))
    piece = talk.take(is_end=False)
    assert piece is not None
    assert [turn.key for turn in piece.turns] == [*"0123456"]
    assert talk.get("6") is None
    assert talk.get("9") is not None


@pytest.mark.parametrize(
    ("document", "most"),
    [
        ({"format": SESSION_FORMAT, "messages": []}, MOST_OWN_ITEM),
        ({"format": SESSION_FORMAT, "sessions": []}, MOST_OWN_ITEM),
        ({"format": "another/1", "sessions": []}, MOST_ITEM),
        ([{"format": SESSION_FORMAT}], MOST_ITEM),
    ],
)
def test_a_session_that_we_exported_may_be_larger(document: object, most: int) -> None:
    text = json.dumps(document)
    assert FormatTable(FORMATS).most_item(JsonItems(io.StringIO(text)).begins) == most
    items = JsonItems(io.StringIO('"' + "x" * 3_000_000 + '", 1]'), most=1_000_000)
    assert list(items) == [Broken(too_large(1_000_000)), 1]
    items = JsonItems(io.StringIO('"' + "x" * 3_000_000 + '", 1]'), most=1_000_000)
    items.most = 4_000_000
    assert list(items) == ["x" * 3_000_000, 1]
