"""The contrast of every pair of colours that is drawn, in every built-in theme.

Each scene is played once and drawn in all themes. Text has a
contrast of at least 4.5:1, hints (text that is blended with its background) at least 3:1.
"""

from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet
from rich.color import Color, ColorType
from rich.segment import Segment
from textual.app import App
from textual.color import Color as UiColor
from textual.color import Gradient
from textual.pilot import Pilot
from textual.selection import SELECT_ALL

from replyscope.config.themes import read_themes, shipped_folder
from replyscope.ui.styles.contrast import HINT, TEXT, contrast
from tests.snapshots.scenes import SCENES, Scene
from tests.snapshots.stage import Stage, drawn
from tests.ui.app import until

THEMES = [theme.name for theme in read_themes(shipped_folder())[0]]
_BY_NAME = {scene.name: scene for scene in reversed(SCENES)}
"""The first scene of each name: the others differ in the size or the theme."""
_IN_THE_SAMPLE = ("chat_long", "review_query")


def _takes() -> Iterator[ParameterSet]:
    for name, scene in _BY_NAME.items():
        marks = () if name in _IN_THE_SAMPLE else pytest.mark.whole
        yield pytest.param(scene, marks=marks, id=name)


def _segments(app: App[None]) -> Iterator[Segment]:
    """What is drawn; of a dialog that dims the screen below it, the dialog alone."""
    region = app.screen.region
    if app.screen.id == "--command-palette":
        region = app.screen.query_one("#--container").region
    for strip in app.screen._compositor.render_strips()[region.y : region.bottom]:
        yield from strip.crop(region.x, region.right)


def _ui_color(color: Color | None) -> UiColor:
    assert color is not None, "every cell has a colour"
    assert color.type is ColorType.TRUECOLOR, color
    return UiColor.from_rich_color(color)


def _is_hint(color: UiColor, background: UiColor, text: UiColor) -> bool:
    """Whether a colour is the text's colour, blended with the background."""
    gradient = Gradient((0.0, background), (1.0, text), quality=200)
    return any(
        max(abs(a - b) for a, b in zip(color.rgb, gradient.get_color(share / 100).rgb, strict=True))
        <= 3
        for share in range(30, 90)
    )


def _faint(app: App[None]) -> set[str]:
    """Each pair with too little contrast, with a text that has it."""
    faint: dict[tuple[UiColor, UiColor], str] = {}
    seen: set[tuple[UiColor, UiColor]] = set()
    plain = UiColor.parse(app.theme_variables["foreground"])
    for segment in _segments(app):
        if segment.style is None or not any(char.isalnum() for char in segment.text):
            continue
        pair = _ui_color(segment.style.color), _ui_color(segment.style.bgcolor)
        if segment.style.reverse:
            pair = pair[::-1]
        if pair in seen:
            continue
        seen.add(pair)
        ratio = contrast(*pair)
        if ratio < HINT or (ratio < TEXT and not _is_hint(*pair, plain)):
            faint[pair] = f"{pair[0].hex} on {pair[1].hex}: {ratio:.1f} {segment.text.strip()!r}"
    return set(faint.values())


async def _look_in_all_themes(pilot: Pilot[None]) -> list[str]:
    faults: list[str] = []
    # The palette takes its colours from the theme in which it was opened.
    for theme in THEMES if pilot.app.screen.id != "--command-palette" else [pilot.app.theme]:
        pilot.app.theme = theme
        await drawn(pilot)
        faults += [f"{theme}: {fault}" for fault in sorted(_faint(pilot.app))]
    return faults


@pytest.mark.parametrize("scene", list(_takes()))
async def test_every_text_can_be_read_in_every_theme(scene: Scene, stage: Stage) -> None:
    async with stage.play(scene.sizes[0], scene.theme, **scene.changes) as pilot:
        await scene.play(pilot, stage)
        await drawn(pilot)
        faults = await _look_in_all_themes(pilot)
    assert not faults, "\n".join(faults)


async def test_selected_text_can_be_read_in_every_theme(stage: Stage) -> None:
    scene = _BY_NAME["chat_long"]
    async with stage.play((120, 40), "midnight") as pilot:
        await scene.play(pilot, stage)
        transcript = pilot.app.screen.query_one("Transcript")
        pilot.app.screen.selections = {transcript: SELECT_ALL}
        await until(pilot, lambda: transcript.text_selection is not None)
        faults = await _look_in_all_themes(pilot)
    assert not faults, "\n".join(faults)
