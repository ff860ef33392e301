"""Every screen and dialog looks as before.

The pictures are in `__snapshots__`, one SVG each: open them in a browser. A test that fails
names a page (`snapshot_report.html`) with the expected and the actual picture beside each
other. Where the new one is right, renew it and commit it with the change that meant it:
`python -m pytest tests/snapshots -n0 --snapshot-update`. A snapshot that is missing fails.
"""

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Static

from tests.snapshots.pictures import SvgExtension, TextExtension
from tests.snapshots.scenes import HELP, MIDDLE, SCENES, Scene, Size
from tests.snapshots.stage import Stage, drawn

_TAKES = [take for scene in SCENES for take in scene.takes()]


@pytest.mark.parametrize(
    ("name", "scene", "size"), _TAKES, ids=[name for name, _scene, _size in _TAKES]
)
async def test_it_looks_as_before(
    name: str, scene: Scene, size: Size, stage: Stage, snapshot: SnapshotAssertion
) -> None:
    async with stage.play(size, scene.theme, **scene.changes) as pilot:
        await scene.play(pilot, stage)
        await drawn(pilot)
        picture = stage.picture(pilot.app, name)
    assert picture == snapshot.use_extension(SvgExtension)


@pytest.mark.parametrize("screen", HELP)
async def test_the_help_says_what_it_said(
    screen: str, stage: Stage, snapshot: SnapshotAssertion
) -> None:
    async with stage.play(MIDDLE, "midnight") as pilot:
        await HELP[screen](pilot, stage)
        texts = [str(part.content) for part in pilot.app.screen.query(Static)]
    assert "\n\n".join(texts) + "\n" == snapshot.use_extension(TextExtension)
