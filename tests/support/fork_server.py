"""A process that has imported the program, and runs each command line in a fork of itself.

Importing costs more than most commands do. A fork has its own memory, environment, folder and
standard streams; only what Python does before `main` (encodings, warnings) and after it is not
tested this way.
"""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

IMPORTED = ("replyscope.cli.command", "replyscope.cli.wiring", "replyscope.provider.opening")


class ForkServer:
    """The server as its client sees it. Runs one command at a time."""

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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = (names[name].read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        for path in names.values():
            path.unlink()
        return subprocess.CompletedProcess(argv, status, out, err)

    def close(self) -> None:
        """End the server."""
        self._process.communicate()


def serve() -> None:
    """Run what is asked for on stdin, line by line; each exit status on stdout."""
    for name in IMPORTED:
        __import__(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(asked: dict[str, Any]) -> None:
    """Become the process that was asked for. Never returns."""
    status = 1
    try:
        _connect(0, asked["stdin"], os.O_RDONLY)
        for number, name in ((1, "stdout"), (2, "stderr")):
            _connect(number, asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["replyscope", *asked["argv"]]
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
