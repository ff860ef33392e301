"""The services of the app, as the command line builds them."""

from pathlib import Path

import pytest

from replyscope.cli.parser import parse_chat
from replyscope.cli.services import build_services
from replyscope.config.paths import find_paths
from replyscope.local.catalogue import find_weights, weights_path

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


@pytest.mark.parametrize(
    ("given", "starts", "fault"),
    [
        (["--model", "demo-large"], None, "There is no embedded model 'demo-large'."),
        (["--model", "qwen2.5-coder-1.5b"], None, "qwen2.5-coder-1.5b is not installed."),
        (["--model", "smollm2-135m"], "smollm2-135m", None),
        (["--local", "--model", "demo-large"], None, "There is no embedded model 'demo-large'."),
        ([], "smollm2-135m", None),
    ],
)
async def test_the_chat_starts_the_embedded_model_that_is_named_or_says_why_not(
    tmp_path: Path, given: list[str], starts: str | None, fault: str | None
) -> None:
    paths = find_paths(str(tmp_path / "data"))
    place_file(paths.settings, 'provider = "local"\nlocal_model = "smollm2-135m"\n')
    place_file(weights_path(paths.models, find_weights("smollm2-135m")), "")
    arguments = parse_chat([*usable_folder(tmp_path), *given])
    assert arguments is not None
    services = build_services(arguments, paths)
    try:
        assert services.starts_local == starts
        assert bool(services.faults) == bool(fault)
        assert (fault or "") in " ".join(services.faults)
    finally:
        await services.close()


def place_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
