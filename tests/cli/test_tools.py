"""Tools from the command line: nobody is there to ask, so nothing runs by itself."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import run_command
from tests.cli.test_commands import ask
from tests.engine.test_tools import asks, in_turn
from tests.support.server import LoopbackServer, reply
from tests.toolbox.test_servers import FAULTY

CALL = ("calculate", '{"expression": "6 * 7"}')


def test_a_call_without_leave_waits_and_the_status_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    in_turn(server, asks(CALL), reply("It is 42."))
    done = ask(tmp_path, server, "how much?", "--tools", "calculate", "--json")
    assert done.returncode == 4
    assert "--yes" in done.stderr
    (exchange,) = json.loads(done.stdout)["exchanges"]
    (call,) = exchange["choices"][0]["tool_calls"]
    assert (call["state"], call["result"]) == ("requested", None)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["--yes", "a rule"])
def test_with_leave_it_runs_and_the_json_has_all_of_it(
    server: LoopbackServer, tmp_path: Path, way: str
) -> None:
    in_turn(server, asks(CALL), reply("It is 42."))
    if way == "a rule":
        config = tmp_path / "config"
        config.mkdir()
        (config / "settings.toml").write_text(
            '[[tools.allow]]\ntool = "shipped/calculate"\narguments = { expression = "*" }\n'
        )
    more = ["--yes"] if way == "--yes" else []
    done = ask(tmp_path, server, "how much?", "--tools", "calculate", "--json", *more)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["exchanges"]
    (call,) = first["choices"][0]["tool_calls"]
    assert (call["state"], call["result"]) == ("completed", "42")
    assert call["duration_ms"] > 0
    assert second["choices"][0]["text"] == "It is 42."
    assert done.stderr == ""


def test_a_file_of_functions_is_offered_and_a_broken_one_is_told(
    server: LoopbackServer, tmp_path: Path
) -> None:
    good, broken = tmp_path / "good.py", tmp_path / "broken.py"
    good.write_text('def shout(text: str) -> str:\n    """Shout."""\n    return text.upper()\n')
    broken.write_text("import no_such_module_anywhere\n")
    files = ["--tools-file", str(good), "--tools-file", str(broken)]
    in_turn(server, asks(("shout", '{"text": "hi"}')), reply("HI"))
    done = ask(tmp_path, server, "shout", "--tools", "tools:good.py", "--yes", *files)
    assert (done.returncode, done.stdout) == (0, "HI\n")
    assert server.requests[1]["messages"][-1]["content"] == "HI"
    doctor = run_command(tmp_path, "doctor", *files)
    assert "no_such_module_anywhere" in doctor.stdout
    assert "tools:good.py: 1 tool: shout" in doctor.stdout


def test_doctor_lists_servers_and_says_why_one_fails(tmp_path: Path) -> None:
    pytest.importorskip("mcp_server_time")
    config = tmp_path / "config"
    config.mkdir()
    servers = {
        "time": {"command": sys.executable, "args": ["-m", "mcp_server_time"]},
        "gone": {"command": "no-such-program"},
    }
    (config / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    said = run_command(tmp_path, "doctor").stdout
    assert "mcp:time: mcp-time" in said
    assert "get_current_time, convert_time" in said
    assert "mcp:gone: FAILED there is no program 'no-such-program'" in said


def with_server(folder: Path, script: dict[str, Any], settings: str = "") -> None:
    """Settings that name the scripted tool server `odd`."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    entry = {"command": sys.executable, "args": [FAULTY, "scripted", json.dumps(script)]}
    (config / "mcp.json").write_text(json.dumps({"mcpServers": {"odd": entry}}))
    (config / "settings.toml").write_text(settings)


def test_what_is_left_out_of_a_tool_server_is_named_and_its_noise_is_not(
    server: LoopbackServer, tmp_path: Path
) -> None:
    tools = [{"name": "ping"}, {"name": "bad", "inputSchema": {"type": "string"}}]
    script = {
        "answers": {"tools/list": {"result": {"tools": tools}}},
        "lines": {"": ["Welcome!"], "tools/call": ["{noise"]},
    }
    with_server(tmp_path, script)
    in_turn(server, asks(("ping", "{}")), reply("Done."))
    done = ask(tmp_path, server, "ping", "--tools", "mcp:odd", "--yes")
    assert (done.returncode, done.stdout) == (0, "Done.\n")
    assert done.stderr == (
        "replyscope: mcp:odd: bad: its input schema does not describe an object; it is skipped\n"
    )
    assert server.requests[1]["messages"][-1]["content"] == "pong"


def test_a_tool_server_that_hangs_is_named_in_time_and_holds_up_no_exit(
    server: LoopbackServer, tmp_path: Path
) -> None:
    script = {"deaf": ["server/discover", "initialize"], "lines": {"": ["waiting for a database"]}}
    with_server(tmp_path, script, "[tools]\ntimeout_s = 2\n")
    in_turn(server, reply("Without tools."))
    before = time.monotonic()
    done = ask(tmp_path, server, "hi", "--tools", "mcp:odd")
    assert time.monotonic() - before < 30
    assert done.stdout == "Without tools.\n"
    assert "mcp:odd: it did not answer within 2 s" in done.stderr
    assert "waiting for a database" in done.stderr
