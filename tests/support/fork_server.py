"""A process that has imported the program, and runs each command line in a fork of itself.

Importing costs more than most commands do. A fork has its own memory, environment, folder and
standard streams; only what Python does before `main` (encodings, warnings) and after it is not
tested this way.
"""

import atexit
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any

IMPORTED = (
    "replyscope.cli.app",
    "replyscope.cli.command",
    "replyscope.cli.services",
    "replyscope.cli.wiring",
    "replyscope.provider.opening",
    "replyscope.ui.chat.screen",
)


class ForkServer:
    """The server as its client sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )

    def run(
        self, argv: list[str], environment: dict[str, str], folder: Path, stdin: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line to its end. `folder` is for files of its streams."""
        names = {name: folder / f".{name}" for name in ("stdin", "stdout", "stderr")}
        names["stdin"].write_text(stdin, encoding="utf-8")
        asked = {
            "argv": argv,
            "environment": environment,
            "folder": os.getcwd(),
            **{name: str(path) for name, path in names.items()},
        }
        status = self._ask(asked)
        out, err = (names[name].read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        for path in names.values():
            path.unlink()
        return subprocess.CompletedProcess(argv, status, out, err)

    def start(
        self,
        argv: list[str],
        environment: dict[str, str],
        terminal: str,
        status: Path,
        program: Sequence[str] = (),
    ) -> int:
        """Start a command line at a terminal, as the leader of its session; the process id.

        Its exit status will be in the file `status`, negative for a signal. The
        fork executes `program` if there is one.
        """
        return self._ask(
            {
                "argv": argv,
                "environment": environment,
                "folder": os.getcwd(),
                "terminal": terminal,
                "status": str(status),
                "program": list(program),
            }
        )

    def close(self) -> None:
        """End the server."""
        self._process.communicate()

    def _ask(self, asked: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@lru_cache(maxsize=1)
def fork_server() -> ForkServer:
    """The server of this process; it ends with it."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def serve() -> None:
    """Run what is asked for on stdin, line by line. Answers on stdout with the exit status, or
    with the process id of what was started at a terminal.
    """
    for name in IMPORTED:
        __import__(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0 and "terminal" in asked:
            _run_at_terminal(asked)
        elif child == 0:
            _run(asked)
        if "terminal" in asked:
            Thread(target=_write_status, args=(child, Path(asked["status"])), daemon=True).start()
            answer = child
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _write_status(child: int, file: Path) -> None:
    _, status = os.waitpid(child, 0)
    new = file.with_suffix(".new")
    new.write_text(str(os.waitstatus_to_exitcode(status)))
    new.rename(file)


def _run_at_terminal(asked: dict[str, Any]) -> None:
    """Become the process that was asked for, and end as Python ends. Never returns."""
    os.setsid()
    for number in (0, 1, 2):  # the first terminal that the leader opens is that of its session
        _connect(number, asked["terminal"], os.O_RDWR)
    if asked["program"]:
        program = [*asked["program"], *asked["argv"]]
        os.chdir(asked["folder"])
        os.execvpe(program[0], program, asked["environment"])
    _begin(asked)
    from replyscope.cli.main import run

    run()


def _begin(asked: dict[str, Any]) -> None:
    sys.stdin = open(0)  # noqa: SIM115
    sys.stdout = open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w")  # noqa: SIM115
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["replyscope", *asked["argv"]]


def _run(asked: dict[str, Any]) -> None:
    """Become the process that was asked for. Never returns."""
    status = 1
    try:
        _connect(0, asked["stdin"], os.O_RDONLY)
        for number, name in ((1, "stdout"), (2, "stderr")):
            _connect(number, asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        _begin(asked)
        from replyscope.cli.main import main

        status = main(asked["argv"])
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - a fork must not go on as the server
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def _connect(number: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, number)
    os.close(opened)


if __name__ == "__main__":
    serve()
