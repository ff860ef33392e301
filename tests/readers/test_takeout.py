"""Gemini in Google Takeout: activities in JSON and in pages of several languages, Workspace."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.message import Role
from replyscope.domain.shared import Shared
from replyscope.readers.written_times import written_time
from tests.readers.logs import Line, only, read, replies, roles
from tests.readers.samples import sample

CELL = (
    '<div class="outer-cell mdl-cell mdl-cell--12-col mdl-shadow--2dp"><div class="mdl-grid">'
    '<div class="header-cell mdl-cell mdl-cell--12-col"><p class="mdl-typography--title">'
    "Gemini Apps<br></p></div>"
    '<div class="content-cell mdl-cell mdl-cell--6-col mdl-typography--body-1">{}</div>'
    '<div class="content-cell mdl-cell mdl-cell--6-col mdl-typography--body-1 '
    'mdl-typography--text-right"></div></div></div>'
)


def activity(title: str, answer: str = "<p>Yes.</p>", **more: Any) -> Line:
    items = [{"html": answer}] if answer else []
    return {"header": "Gemini Apps", "title": title, "time": "2026-04-12T19:34:31.981Z",
            "products": ["Gemini Apps"], "safeHtmlItem": items, **more}  # fmt: skip


def sessions(folder: Path, *entries: Line) -> list[Shared]:
    path = folder / "MyActivity.json"
    path.write_text(json.dumps(list(entries)))
    return [one for one in read(path) if isinstance(one, Shared)]


def page(folder: Path, *bodies: str) -> list[Shared]:
    path = folder / "MyActivity.html"
    path.write_text(f"<html><body>{''.join(map(CELL.format, bodies))}</body></html>")
    return [one for one in read(path) if isinstance(one, Shared)]


@pytest.mark.parametrize(
    "title",
    ["Prompted Why?", "Prompted with: Why?", "Asked: Why?", "Submitted query Why?",
     "送信したメッセージ: Why?", "Υποβλήθηκε το ερώτημα Why?", "Fez uma pergunta\xa0Why?",
     "Prompted Why?\nAttached 2 files."],
)  # fmt: skip
def test_the_words_before_a_prompt_are_not_part_of_it(tmp_path: Path, title: str) -> None:
    (shared,) = sessions(tmp_path, activity(title))
    assert [m.text for m in shared.branch][:1] == ["Why?"]


def test_other_activity_is_skipped_unless_gemini_wrote_something(tmp_path: Path) -> None:
    found = sessions(
        tmp_path,
        activity("Used an Assistant feature", ""),
        activity("Created Gemini Canvas titled Birds", "<p>A page.</p>"),
        activity("Введен запрос Почему?"),
    )
    assert [m.text for one in found for m in one.messages if m.role is Role.USER] == [
        "[Created Gemini Canvas titled Birds]", "Введен запрос Почему?",
    ]  # fmt: skip


def test_a_prompt_of_files_alone_is_kept(tmp_path: Path) -> None:
    lines = [{"name": "添付ファイル 1 件"}, {"name": "-  IMG.jpeg", "url": "IMG-xyz.jpeg"},
             {"name": "Ada がこのチャットで使用"}]  # fmt: skip
    (shared,) = sessions(
        tmp_path,
        activity("送信したメッセージ: ", subtitles=lines, imageFile="IMG-xyz.jpeg",
                 attachedFiles=["IMG-xyz.jpeg"]),
    )  # fmt: skip
    assert shared.messages[0].text == "[file IMG.jpeg]"
    ((exchange, _),) = replies(shared)
    assert exchange.extras == (("subtitles", '["Ada がこのチャットで使用"]'),)


def test_details_of_older_exports_are_read(tmp_path: Path) -> None:
    details = [{"name": "Request", "value": "Why?"}, {"name": "Response", "value": "So."}]
    (shared,) = sessions(tmp_path, activity("Used Gemini Apps", "", details=details))
    assert [m.text for m in shared.branch][:1] == ["Why?"]
    assert [choice.text for _, choice in replies(shared)] == ["So."]


WHEN = "2026-04-12T19:34:31+00:00"


@pytest.mark.parametrize(
    "time",
    ["Apr 12, 2026, 3:34:31\u202fPM EDT", "12 de abr. de 2026, 16:34:31 BRT",
     "2026年4月13日 03:34:31 CST", "2026/04/13 4:34:31 JST", "12.04.2026, 21:34:31 MESZ",
     "12 avr. 2026, 21:34:31 CEST", "12 abr 2026, 21:34:31 UTC+2", "2026. 4. 13. 오전 4:34:31 KST",
     "12 апр. 2026 г., 22:34:31 MSK", "12 apr 2026 21:34:31 CEST", "2026-04-12T19:34:31Z",
     "12 Apr 2026, 19:34:31 GMT", "12 Nis 2026 22:34:31 GMT+03:00"],
)  # fmt: skip
def test_times_of_several_languages_are_read(tmp_path: Path, time: str) -> None:
    (shared,) = page(tmp_path, f"Prompted&nbsp;Why?<br>{time}<br><p>So.</p>")
    assert shared.session.created_at.isoformat() == WHEN
    (other,) = sessions(tmp_path, activity("Prompted Why?", "<p>So.</p>"))
    assert other.session.id == shared.session.id


@pytest.mark.parametrize(
    "time",
    ["Apr 12, 2026, 3:34:31 PM CST", "12. lis 2026, 10:00:00 CET", "04/12/2026, 10:00:00 UTC",
     "Apr 32, 2026, 10:00:00 UTC"],
)  # fmt: skip
def test_a_time_that_is_not_certain_is_unknown(tmp_path: Path, time: str) -> None:
    (shared,) = page(tmp_path, f"Prompted&nbsp;Why?<br>{time}<br><p>So.</p>")
    assert shared.session.created_at.year == 2000
    assert [choice.text for _, choice in replies(shared)] == ["So."]


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_times(text: str) -> None:
    written_time(text)
    written_time(f"Apr 12, 2026, {text} 3:34:31 PM {text}")


def test_links_files_and_pictures_of_a_page_are_named(tmp_path: Path) -> None:
    link = '<a href="https://gemini.google.com/app/abc123">At 10:00:00?</a>'
    body = (
        f'Prompted {link}<br>Attached 1 file.<br>-&emsp; <a href="IMG-x.png">bird.png</a><br>'
        'Apr 12, 2026, 3:34:31 PM EDT<p>So.</p><br><img alt="" src="made.png">'
    )
    (shared,) = page(tmp_path, body)
    assert [part.text for part in shared.messages[0].parts if hasattr(part, "text")] == [
        "At 10:00:00?", "[file bird.png]",
    ]  # fmt: skip
    ((_, choice),) = replies(shared)
    assert choice.text == "So.\n\n[image made.png]"


def test_conversations_of_workspace_keep_their_branches(tmp_path: Path) -> None:
    entry = json.loads(sample("gemini-workspace", tmp_path).read_text())
    entry["conversation_turns"] += [
        {"user_turn": {"prompt": "Or?", "turn_index": 2}},
        {"user_turn": {"prompt": "Gone", "turn_index": 3, "turn_deleted_time": "2026"}},
        {"user_turn": {"prompt": "And?", "turn_index": 2}},
        {"system_turn": {"turn_index": 3, "text": [{"cards": [{"content": "A card."}]}]}},
    ]
    path = tmp_path / "Conversation History" / "conversation_1.txt"
    path.parent.mkdir()
    path.write_text(json.dumps(entry))
    shared = only(read(path.parent))
    assert roles(shared) == [Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT]
    assert [m.text for m in shared.branch][2] == "And?"
    assert len(shared.messages) == 5
    (first, *_) = [choice for _, choice in replies(shared)]
    assert first.reasoning == "Beak\nIt is large."
    assert [left.what for left in shared.left_out] == ["deleted turn"]
