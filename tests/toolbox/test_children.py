"""Child processes of tools: what they inherit, how many run, and that all of them end."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from replyscope.domain.environment import tool_environment
from replyscope.domain.tool import Tool, ToolOutcome, ToolSettings
from replyscope.toolbox.process import Ended, run_process
from replyscope.toolbox.process_tree import ProcessEntry, descendants, read_table
from replyscope.toolbox.slots import Slots
from replyscope.toolbox.toolbox import LocalToolbox

STARTERS = """
import os, subprocess, sys, time
from pathlib import Path

WRITE = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"


def _clean():
    return {"PATH": os.environ["PATH"]}


def _plain(marker):
    subprocess.Popen([sys.executable, "-c", WRITE, marker])


def _setsid(marker):
    subprocess.Popen([sys.executable, "-c", WRITE, marker], start_new_session=True)


def _without_environment(marker):
    subprocess.Popen([sys.executable, "-c", WRITE, marker], start_new_session=True, env=_clean())


def _daemon(marker, environment=None):
    code = (
        "import os, subprocess, sys\\n"
        "if os.fork() == 0:\\n"
        "    os.setsid()\\n"
        "    if os.fork() == 0:\\n"
        f"        os.execve(sys.executable, [sys.executable, '-c', {WRITE!r}, {marker!r}],\\n"
        f"                  dict({environment!r} or os.environ))\\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _daemon_without_environment(marker):
    _daemon(marker, _clean())


def _shell(marker):
    line = f'setsid nohup {sys.executable} -c "$0" {marker} >/dev/null 2>&1 &'
    subprocess.run(["sh", "-c", line, WRITE], check=True)


def leave(how: str, marker: str, wait_s: float) -> str:
    \"\"\"Start something that goes on by itself.\"\"\"
    globals()["_" + how](marker)
    while not Path(marker).exists() or not Path(marker).read_text():
        time.sleep(0.01)
    time.sleep(wait_s)
    return "left"


def environment() -> dict:
    \"\"\"The environment.\"\"\"
    return dict(os.environ)


def paths() -> list:
    \"\"\"Where modules come from.\"\"\"
    return sys.path


def pid(seconds: float) -> str:
    \"\"\"When and where it ran.\"\"\"
    before = time.time()
    time.sleep(seconds)
    return f"{before} {time.time()}"




def answer(size: int) -> str:
    \"\"\"Say much.\"\"\"
    return "x" * size
"""

WAYS = ["plain", "setsid", "without_environment", "daemon", "daemon_without_environment", "shell"]


class Bench:
    """A toolbox with the functions above, in a working folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        file = folder / "mine.py"
        file.write_text(STARTERS)
        self.settings = ToolSettings()
        self.box = LocalToolbox([file], self.folder, None, lambda: self.settings)

    async def tool(self, name: str) -> Tool:
        return (await self.box.offer([name]))[0]

    async def run(self, name: str, **arguments: object) -> ToolOutcome:
        tool = await self.tool(name)
        async with self.box.place(tool):
            return await self.box.run(tool, arguments)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def wait_for(is_so: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    entry = read_table().get(pid)
    return entry is not None and not entry.is_zombie


needs_proc = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("setsid"), reason="sessions of Linux"
)


@needs_proc
@pytest.mark.parametrize("how", WAYS)
async def test_what_a_tool_started_ends_with_its_time(
    bench: Bench, tmp_path: Path, how: str
) -> None:
    marker = tmp_path / "pid"
    call = asyncio.create_task(bench.run("leave", how=how, marker=str(marker), wait_s=600))
    await wait_for(lambda: marker.exists() and marker.read_text() != "")
    pid = int(marker.read_text())
    assert is_running(pid)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await wait_for(lambda: not is_running(pid), 5)


@needs_proc
@pytest.mark.parametrize("how", WAYS)
async def test_what_a_tool_left_running_ends_with_its_result(
    bench: Bench, tmp_path: Path, how: str
) -> None:
    marker = tmp_path / "pid"
    before = time.monotonic()
    outcome = await bench.run("leave", how=how, marker=str(marker), wait_s=0)
    assert (outcome.output, outcome.is_error) == ("left", False)
    assert time.monotonic() - before < 20  # not held up by who has its output open
    pid = int(marker.read_text())
    await wait_for(lambda: not is_running(pid), 5)


async def test_any_command_ends_when_its_process_does() -> None:
    before = time.monotonic()
    ended = await run_process(["sh", "-c", "echo done; sleep 600 & exit 3"])
    assert (ended.status, ended.output) == (3, b"done\n")
    assert time.monotonic() - before < 20


async def test_a_missing_program_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        await run_process(["/no/such/program"])


@pytest.mark.parametrize(("target", "most"), [(1, 1_000_000), (2, 1_000_000)])
async def test_output_is_bounded_in_bytes_and_in_time(target: int, most: int) -> None:
    command = ["sh", "-c", f"yes >&{target}"]

    async def run() -> Ended:
        async with asyncio.timeout(1):
            return await run_process(command, most_output=most)

    if target == 1:
        ended = await run_process(command, most_output=most)
        assert ended.is_flooding
        assert len(ended.output) <= most
        return
    with pytest.raises(TimeoutError):
        await run()


async def test_a_result_that_is_too_large_is_said_to_be(bench: Bench) -> None:
    outcome = await bench.run("answer", size=9_000_000)
    assert outcome.is_error
    assert "larger than 8 MB" in outcome.output


TRAPS = [
    "json.py",
    "pydantic.py",
    "pydantic_core.py",
    "replyscope.py",
    "base64.py",
    "asyncio.py",
    "site.py",
    "regex.py",
    "sitecustomize.py",
    "usercustomize.py",
    "httpx2.py",
    "mcp.py",
    "typing.py",
    "subprocess.py",
    "ctypes.py",
]


@pytest.mark.parametrize("name", ["environment", "current_time"])
async def test_no_file_of_the_working_folder_is_run(bench: Bench, name: str) -> None:
    trap = f"open({str(bench.folder / 'sprung')!r}, 'a').write(__name__ + '\\n')\n"
    for file in TRAPS:
        (bench.folder / file).write_text(trap)
    for folder in ("replyscope", "pydantic"):
        (bench.folder / folder).mkdir()
        (bench.folder / folder / "__init__.py").write_text(trap)
    outcome = await bench.run(name)
    assert not outcome.is_error, outcome.output
    assert not (bench.folder / "sprung").exists()


async def test_no_variable_of_an_interpreter_brings_a_folder_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "json.py").write_text("raise SystemExit('sprung')")
    for name, value in (
        ("PYTHONPATH", str(bench.folder)),
        ("PYTHONHOME", str(bench.folder)),
        ("PYTHONSTARTUP", str(bench.folder / "json.py")),
        ("PYTHONINSPECT", "1"),
    ):
        monkeypatch.setenv(name, value)
    outcome = await bench.run("paths")
    assert not outcome.is_error, outcome.output
    assert str(bench.folder) not in outcome.output


async def test_a_tool_gets_the_allowed_variables_and_those_that_are_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "MY_OWN", "LD_PRELOAD_X", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret-value")
    plain = await bench.run("environment")
    assert "secret-value" not in plain.output
    assert "PATH" in plain.output
    bench.settings = ToolSettings(environment=("MY_OWN",))
    named = await bench.run("environment")
    assert named.output.count("secret-value") == 1
    command = await bench.run("run_command", command=["env"])
    assert "secret-value" not in command.output
    assert "PATH=" in command.output


ENVIRONMENTS: list[tuple[Mapping[str, str], Mapping[str, str]]] = [
    ({"HOME": "/h", "LC_ALL": "C", "XDG_DATA_HOME": "/d"}, {"HOME": "/h", "LC_ALL": "C"}),
    ({"AWS_SECRET_ACCESS_KEY": "x", "SSH_AUTH_SOCK": "x", "PYTHONPATH": "x"}, {}),
    ({"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://u:pw@p:1"}, {"HTTPS_PROXY": "http://p:1"}),
    ({"NO_PROXY": "localhost"}, {"NO_PROXY": "localhost"}),
    ({"PATH": os.pathsep.join(("", ".", "bin", "/bin", "../x"))}, {"PATH": "/bin"}),
]


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
@pytest.mark.parametrize(("given", "kept"), ENVIRONMENTS)
def test_the_environment_of_a_child_is_an_allow_list(
    given: Mapping[str, str], kept: Mapping[str, str]
) -> None:
    assert {k: v for k, v in tool_environment(given).items() if k != "XDG_DATA_HOME"} == kept


def test_a_variable_that_is_named_is_given() -> None:
    assert tool_environment({"KEY": "k", "OTHER": "o"}, ["KEY"]) == {"KEY": "k"}


async def test_no_more_tools_run_at_once_than_the_settings_say(bench: Bench) -> None:
    bench.settings = ToolSettings(processes=3)
    await bench.tool("pid")
    outcomes = await asyncio.gather(*(bench.run("pid", seconds=0.1) for _ in range(12)))
    spans = [tuple(map(float, outcome.output.split())) for outcome in outcomes]
    most = max(sum(start <= at < end for start, end in spans) for at, _ in spans)
    assert len(spans) == 12
    assert 1 <= most <= 3


async def test_a_slot_of_a_call_that_was_cancelled_is_free_again() -> None:
    slots = Slots(lambda: 1)
    order: list[int] = []

    async def hold(number: int) -> None:
        async with slots:
            order.append(number)
            await asyncio.sleep(0)

    async with slots:
        tasks = [asyncio.create_task(hold(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[2].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [1, 3]


async def test_a_slot_that_comes_together_with_a_cancel_is_not_lost() -> None:
    slots = Slots(lambda: 1)
    await slots.__aenter__()

    async def hold() -> None:
        async with slots:
            await asyncio.sleep(0)

    first, second = asyncio.create_task(hold()), asyncio.create_task(hold())
    await asyncio.sleep(0)
    await slots.__aexit__(None, None, None)
    first.cancel()
    async with asyncio.timeout(5):
        await second


def test_descendants_are_found_over_any_generation() -> None:
    table = [ProcessEntry(pid, parent, 0) for pid, parent in ((2, 1), (3, 2), (4, 3), (5, 1))]
    assert descendants(table, 2) == {2, 3, 4}
    assert descendants([ProcessEntry(1, 1, 0)], 1) == {1}


def test_the_own_process_is_in_the_table() -> None:
    entry = read_table()[os.getpid()]
    assert (entry.parent, entry.is_zombie) == (os.getppid(), False)
