"""`ask -a`: files, folders and stdin as attachments of a prompt."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import PROGRAM, environment
from tests.cli.test_commands import ask
from tests.support.attached import LINE, pdf, png, wav
from tests.support.server import LoopbackServer


def content(server: LoopbackServer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = server.requests[-1]["messages"][-1]["content"]
    return parts


def test_files_are_sent_before_the_prompt_in_the_order_of_the_options(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("the tide turns")
    (tmp_path / "i.png").write_bytes(png())
    (tmp_path / "r.pdf").write_bytes(pdf([LINE, ""]))
    (tmp_path / "s.wav").write_bytes(wav())
    names = ("notes.txt", "i.png", "r.pdf", "s.wav")
    files = [word for name in names for word in ("-a", str(tmp_path / name))]
    done = ask(tmp_path, server, "when?", *files)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello world\n", "")
    kinds = [part["type"] for part in content(server)]
    assert kinds == ["text", "image_url", "text", "image_url", "input_audio", "text"]
    assert "the tide turns" in content(server)[0]["text"]
    assert LINE in content(server)[2]["text"]
    assert content(server)[-1]["text"] == "when?"


def test_the_session_keeps_the_attachments(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(pdf([LINE]))
    ask(tmp_path, server, "when?", "-a", str(tmp_path / "r.pdf"))
    ask(tmp_path, server, "and then?", "--continue")
    assert LINE in json.dumps(server.requests[-1]["messages"][0])


@pytest.mark.parametrize("data", [b"piped text", png()])
def test_stdin_is_a_file_with_a_dash(server: LoopbackServer, tmp_path: Path, data: bytes) -> None:
    command = [*PROGRAM, "ask", "what?", "--attach", "-", "--base-url", server.base_url]
    done = subprocess.run(
        command, env=environment(tmp_path), input=data, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, prompt = content(server)
    assert prompt["text"] == "what?"
    assert "piped text" in json.dumps(first) or first["type"] == "image_url"


def test_a_folder_is_its_files(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "src" / name).write_text(name)
    assert ask(tmp_path, server, "review", "-a", str(tmp_path / "src")).returncode == 0
    names = [part["text"].partition("\n")[0] for part in content(server)[:2]]
    assert names == ['<file name="src/a.py">', '<file name="src/b.py">']


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hi", "-a", "absent"), "does not exist"),
        (("hi", "-a", "{folder}/empty"), "is empty: 0 bytes"),
        (("-", "-a", "-"), "stdin can be used once"),
        (("hi", "-a", "-", "-a", "-"), "stdin can be used once"),
    ],
)
def test_what_cannot_be_attached_is_an_error_before_anything_is_sent(
    server: LoopbackServer, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").touch()
    given = [word.format(folder=tmp_path) for word in arguments]
    done = ask(tmp_path, server, *given, stdin="x")
    assert done.returncode == 2
    assert said in done.stderr
    assert not server.requests


def test_what_the_api_does_not_accept_is_said_before_the_send(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "s.wav").write_bytes(wav())
    done = ask(tmp_path, server, "hi", "-a", str(tmp_path / "s.wav"), "--api", "responses")
    assert "s.wav: the Responses API accepts no audio." in done.stderr


def test_a_path_in_the_home_of_nobody_does_not_exist(
    server: LoopbackServer, tmp_path: Path
) -> None:
    done = ask(tmp_path, server, "what?", "-a", "~nobodyx/f")
    assert "~nobodyx/f does not exist" in done.stderr
    assert "Traceback" not in done.stderr
    assert not server.requests


@pytest.mark.skipif(os.name == "nt", reason="needs a pipe that does not block")
def test_a_pipe_with_nothing_to_read_yet_is_a_sentence(
    server: LoopbackServer, tmp_path: Path
) -> None:
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    command = [*PROGRAM, "ask", "what?", "-a", "-", "--base-url", server.base_url]
    done = subprocess.run(
        command, env=environment(tmp_path), stdin=reads, capture_output=True, text=True, check=False
    )
    os.close(reads)
    os.close(writes)
    assert "stdin is empty: 0 bytes" in done.stderr
    assert "Traceback" not in done.stderr
