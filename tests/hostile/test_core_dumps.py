"""A crash leaves no core file: neither in the working folder nor with a collector."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import PROGRAM, environment
from tests.hostile.bad_server import STREAMS, BadServer

if sys.platform == "win32":
    pytest.skip("Windows has no core files", allow_module_level=True)

import resource

_MOST = resource.getrlimit(resource.RLIMIT_CORE)[1]


@pytest.mark.skipif(_MOST == 0, reason="no process here can dump core")
def test_a_crash_in_mid_reply_dumps_no_core(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    slow = STREAMS["comments after it began, slowly"]
    with BadServer(slow, slow) as server:
        process = subprocess.Popen(
            [*PROGRAM, "ask", "hi", "--base-url", server.base_url, "--model", "m"],
            cwd=work,
            env=environment(tmp_path, OPENAI_API_KEY="sk-in-memory"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (_MOST, _MOST)),
        )
        assert process.stdout is not None
        assert process.stdout.read(4) == b"half"
        process.send_signal(signal.SIGSEGV)
        process.stdout.close()
        _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert not list(work.iterdir())
