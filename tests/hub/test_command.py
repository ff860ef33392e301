"""`replyscope hub` as a person runs it, on two data folders."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY, EXIT_REFUSED, EXIT_USAGE
from tests.cli.run import PROGRAM, environment, run_command

REPLY = (
    'data: {"model":"scripted","choices":[{"index":0,"delta":{"content":"Hello."},'
    '"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reply.sse").write_text(REPLY)
    run(tmp_path, "sessions", "import", str(tmp_path / "reply.sse"), at="a")
    return tmp_path


def run(folder: Path, *arguments: str, at: str, status: int = EXIT_OK) -> str:
    """Run a command of the machine `at`, with settings of its own."""
    return "".join(outputs(folder, *arguments, at=at, status=status))


def outputs(folder: Path, *arguments: str, at: str, status: int = EXIT_OK) -> tuple[str, str]:
    done = run_command(
        folder,
        *arguments,
        REPLYSCOPE_DATA_DIR=str(folder / at),
        REPLYSCOPE_CONFIG_DIR=str(folder / f"{at}-config"),
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


def url(folder: Path, name: str = "shared") -> str:
    return f"folder:{folder / name}"


def run_json(folder: Path, *arguments: str, at: str) -> Any:
    return json.loads(outputs(folder, *arguments, "--json", at=at)[0])


def settings(folder: Path, at: str, text: str) -> None:
    (folder / f"{at}-config").mkdir(exist_ok=True)
    (folder / f"{at}-config" / "settings.toml").write_text(text)


def test_one_archive_on_two_machines(folder: Path) -> None:
    dry = run(folder, "hub", "init", url(folder), "--dry-run", at="a")
    assert "1 reply of 1 session" in dry
    assert not (folder / "shared").exists()
    assert "takes part in no hub" in run(folder, "hub", "status", at="a")
    run(folder, "hub", "init", url(folder), at="a")
    assert list((folder / "shared" / "machines").iterdir()) == []  # nothing was sent yet
    run(folder, "hub", "init", url(folder), at="b")
    assert run_json(folder, "hub", "sync", at="a")["sent"] == 3
    assert run_json(folder, "hub", "sync", at="b")["replies"] == 1
    listed = run_json(folder, "sessions", "list", at="b")
    assert [one["title"] for one in listed] == ["reply.sse"]
    found = run_json(folder, "sessions", "search", "hello", at="b")
    assert len(found) == 1
    status = run_json(folder, "hub", "status", at="a")
    assert len(status["machines"]) == 1
    assert status["waiting"]["replies"] == 0
    assert "has left" in run(folder, "hub", "leave", at="b")
    assert "no hub" in run(folder, "hub", "sync", at="b", status=EXIT_USAGE)


def test_the_url_of_the_settings_is_used(folder: Path) -> None:
    settings(folder, "a", '[hub]\nurl = "folder:~/shared"\nname = "desk"\n')
    run(folder, "hub", "init", at="a")
    run(folder, "hub", "sync", at="a")
    assert "desk" in run(folder, "hub", "status", at="a")
    run(folder, "hub", "init", url(folder), at="b")
    status = run_json(folder, "hub", "status", at="b")
    assert [one["name"] for one in status["machines"].values()] == ["desk"]


def test_faults_of_the_hub_are_named(folder: Path) -> None:
    assert "no URL" in run(folder, "hub", "init", at="a", status=EXIT_USAGE)
    assert "folder:PATH" in run(folder, "hub", "init", "ftp://x", at="a", status=EXIT_USAGE)
    secret = "postgresql://team:pa55word@db.example.org/x"
    told = run(folder, "hub", "init", secret, at="a", status=EXIT_USAGE)
    assert "password" in told
    assert "pa55word" not in told
    (folder / "full").mkdir()
    (folder / "full" / "a.txt").write_text("x")
    assert "a.txt" in run(folder, "hub", "init", url(folder, "full"), at="a", status=EXIT_USAGE)
    run(folder, "hub", "init", url(folder), at="a")
    assert "takes part in" in run(
        folder, "hub", "init", url(folder, "o"), at="a", status=EXIT_USAGE
    )
    (folder / "shared").rename(folder / "away")
    assert "does not exist" in run(folder, "hub", "sync", at="a", status=EXIT_USAGE)
    assert "does not exist" in run(folder, "hub", "status", at="a", status=EXIT_PARTLY)


def test_what_is_shared_and_unshared(folder: Path) -> None:
    settings(folder, "a", '[hub]\nshare = "tag:sse"\n')
    run(folder, "hub", "init", url(folder), at="a")
    dry = run_json(folder, "hub", "sync", "--dry-run", at="a")
    assert (dry["sessions"], dry["listed"][0]["title"]) == (1, "reply.sse")
    assert run_json(folder, "hub", "sync", at="a")["sent"] == 3
    assert run_json(folder, "hub", "unshare", "tag:sse", "--yes", at="a")["unshared"] == 1
    run(folder, "hub", "init", url(folder), at="b")
    run(folder, "hub", "sync", at="b")
    assert run_json(folder, "sessions", "list", at="b") == []
    assert len(run_json(folder, "sessions", "list", at="a")) == 1


def test_unsharing_asks_first_and_says_that_there_is_no_undo(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    told = run(folder, "hub", "unshare", "tag:sse", at="a", status=EXIT_REFUSED)
    assert told == (
        "Nothing was changed. --yes removes 1 session from the hub; there is no undo.\n"
    )
    assert "There is no undo" in at_terminal(folder, "no\n", status=EXIT_REFUSED)
    run(folder, "hub", "init", url(folder), at="b")
    run(folder, "hub", "sync", at="b")
    assert len(run_json(folder, "sessions", "list", at="b")) == 1
    assert "1 session will not leave any more" in at_terminal(folder, "y\n", status=EXIT_OK)
    run(folder, "hub", "init", url(folder), at="c")
    run(folder, "hub", "sync", at="c")
    assert run_json(folder, "sessions", "list", at="c") == []


def test_unsharing_what_nothing_matches_asks_nothing(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    assert "0 sessions" in run(folder, "hub", "unshare", "tag:none", at="a")


def at_terminal(folder: Path, answer: str, *, status: int) -> str:
    """Unshare at a terminal with an answer typed ahead. Returns all that the terminal shows."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    os.write(leader, answer.encode())
    done = subprocess.run(
        [*PROGRAM, "hub", "unshare", "tag:sse"],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(
            folder,
            REPLYSCOPE_DATA_DIR=str(folder / "a"),
            REPLYSCOPE_CONFIG_DIR=str(folder / "a-config"),
        ),
        timeout=60,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == status, done.stdout
    return done.stdout.decode()


def test_an_encrypted_hub_needs_its_key(folder: Path) -> None:
    for at in ("a", "b"):
        settings(folder, at, "[hub]\nencrypt = true\n")
    assert "hub.key" in run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    assert "hub.key" in run(folder, "hub", "init", url(folder), at="b", status=EXIT_USAGE)
    key = (folder / "a-config" / "hub.key").read_text()
    (folder / "b-config" / "hub.key").write_text(key)
    run(folder, "hub", "init", url(folder), at="b")
    run(folder, "hub", "sync", at="b")
    assert len(run_json(folder, "sessions", "list", at="b")) == 1
    whole = b"".join(file.read_bytes() for file in (folder / "shared").rglob("*.bundle"))
    assert key.strip().encode() not in whole


def test_a_missing_key_is_named_in_the_status(folder: Path) -> None:
    settings(folder, "a", "[hub]\nencrypt = true\n")
    run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    (folder / "a-config" / "hub.key").unlink()
    assert "there is no key" in run(folder, "hub", "status", at="a", status=EXIT_PARTLY)
    told = run(folder, "hub", "init", at="a", status=EXIT_USAGE)  # the hub that is known
    assert "hub leave" in told


def test_init_again_counts_the_other_machines(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    assert "with 0 other machines. Nothing" not in run(folder, "hub", "init", at="a")
    assert run_json(folder, "hub", "init", at="a")["machines"] == 0
    assert run_json(folder, "hub", "init", url(folder), at="b")["machines"] == 1
    assert "folder:PATH" in run(folder, "hub", "init", "folder:", at="c", status=EXIT_USAGE)


def test_the_name_of_the_settings_is_used_from_then_on(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    settings(folder, "a", '[hub]\nname = "desk"\n')
    run(folder, "hub", "sync", at="a")
    assert run_json(folder, "hub", "status", at="a")["name"] == "desk"
    run(folder, "hub", "init", url(folder), at="b")
    status = run_json(folder, "hub", "status", at="b")
    assert [one["name"] for one in status["machines"].values()] == ["desk"]


def test_sessions_are_unshared_while_the_hub_is_away(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    (folder / "shared").rename(folder / "away")
    told = run(folder, "hub", "unshare", "tag:sse", "--yes", at="a", status=EXIT_PARTLY)
    assert "1 session will not leave any more" in told
    assert "does not exist" in told
    (folder / "away").rename(folder / "shared")
    run(folder, "hub", "sync", at="a")
    run(folder, "hub", "init", url(folder), at="b")
    run(folder, "hub", "sync", at="b")
    assert run_json(folder, "sessions", "list", at="b") == []


def test_a_machine_whose_log_is_damaged_is_not_up_to_date(folder: Path) -> None:
    run(folder, "hub", "init", url(folder), at="a")
    run(folder, "hub", "sync", at="a")
    bundle = next((folder / "shared").rglob("*.bundle"))
    bundle.write_bytes(bundle.read_bytes()[:-40])
    run(folder, "hub", "init", url(folder), at="b")
    run(folder, "hub", "sync", at="b", status=EXIT_PARTLY)
    told = run(folder, "hub", "status", at="b")
    assert "3 entries can't be read yet" in told
    assert "up to date" not in told
