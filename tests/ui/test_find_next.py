"""A found line is in view, also when its entry grows as it is laid out."""

import pytest
from textual.app import App, ComposeResult

from replyscope.domain.message import Role
from replyscope.ui.styles.contrast import make_readable
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.transcript import Transcript

LISTS = "\n".join(f"- item {n}\n\n  | a | b |\n  |---|---|\n  | {n} | x |" for n in range(40))
TEXTS = {
    "a": f"{LISTS}\n\nthe bulge above",
    "b": "\n".join(f"# head {n}" for n in range(60)) + "\n\na small bulge",
    "c": f"the bulge at the start\n\n{LISTS}",
    "d": "x " * 3_000 + "\n\n" + "\n".join(f"1. point {n}" for n in range(50)),
    "e": f"{LISTS}\n\n- the last bulge\n\n{LISTS}",
    "f": "the end",
}


class Shown(App[None]):
    CSS_PATH = "../../src/replyscope/ui/styles/transcript.tcss"

    def get_css_variables(self) -> dict[str, str]:
        make_readable(self.current_theme)
        return super().get_css_variables()

    def compose(self) -> ComposeResult:
        yield Transcript()

    def on_mount(self) -> None:
        self.query_one(Transcript).show_entries(list(TEXTS), self._content_of)

    def _content_of(self, key: str) -> EntryContent:
        return EntryContent(key, Role.ASSISTANT, "reply", TEXTS[key])


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (120, 50)])
@pytest.mark.parametrize("backwards", [True, False])
async def test_each_match_is_scrolled_into_view(size: tuple[int, int], backwards: bool) -> None:
    app = Shown()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        transcript = app.query_one(Transcript)
        visited = []
        for _ in range(8):
            assert transcript.find_next("bulge", backwards=backwards)
            await pilot.pause()
            rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
            assert any("bulge" in row for row in rows), (transcript.cursor_key, rows)
            visited.append(transcript.cursor_key)
        assert set(visited) == {"a", "b", "c", "e"}
