"""The services of the app, as the command line builds them."""

from pathlib import Path

import pytest

from replyscope.cli.parser import parse_chat
from replyscope.cli.services import build_services
from replyscope.config.paths import find_paths

SHOUT = 'def shout(text: str) -> str:\n    """Shout."""\n    return text.upper()\n'


def private_chat(_folder: Path) -> list[str]:
    return ["--no-save"]


def usable_folder(folder: Path) -> list[str]:
    return ["--data-dir", str(folder / "data")]


def file_in_place_of_the_folder(folder: Path) -> list[str]:
    (folder / "taken").write_text("no folder")
    return ["--data-dir", str(folder / "taken" / "data")]


@pytest.mark.parametrize("place", [private_chat, usable_folder, file_in_place_of_the_folder])
async def test_a_file_of_tools_is_offered_wherever_the_chat_is_saved(
    tmp_path: Path, place: object
) -> None:
    assert callable(place)
    tools = tmp_path / "mine.py"
    tools.write_text(SHOUT)
    arguments = parse_chat([*place(tmp_path), "--tools-file", str(tools)])
    assert arguments is not None
    services = build_services(arguments, find_paths(arguments.data_dir))
    assert services.toolbox is not None
    try:
        offered = await services.toolbox.offer(["shout"])
        assert [tool.name for tool in offered] == ["shout"]
    finally:
        await services.close()
