"""`replyscope hub` and `--hub` as people run them, on a PostgreSQL hub."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli.parser import EXIT_OK, EXIT_USAGE
from tests.cli.run import run_command
from tests.hub.postgres.conftest import FOUNDER
from tests.support.postgres import PostgresServer

EXIT_STORE = 5
_FRAME = (
    'data: {{"model":"{model}","choices":[{{"index":0,"delta":{{"content":"Hello {model}."}},'
    '"finish_reason":"stop"}}]}}\n\ndata: [DONE]\n\n'
)


class Machines:
    """The commands of several machines, each with an archive of its own."""

    def __init__(self, folder: Path, server: PostgresServer, database: str) -> None:
        self.folder = folder
        self._server, self._database = server, database
        passwords = folder / "pgpass"
        passwords.write_text(f"127.0.0.1:{server.port}:*:*:{server.password}\n")
        passwords.chmod(0o600)

    def run(self, at: str, *arguments: str, status: int = EXIT_OK) -> str:
        done = run_command(
            self.folder,
            *arguments,
            REPLYSCOPE_DATA_DIR=str(self.folder / at),
            REPLYSCOPE_CONFIG_DIR=str(self.folder / f"{at}-config"),
            PGPASSFILE=str(self.folder / "pgpass"),
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == EXIT_OK else done.stderr

    def json(self, at: str, *arguments: str) -> Any:
        return json.loads(self.run(at, *arguments, "--json"))

    def join(self, at: str, role: str, status: int = EXIT_OK) -> str:
        return self.run(at, "hub", "init", self._server.url(self._database, role), status=status)

    def record(self, at: str, model: str) -> str:
        """Import a reply of a model. Returns the id of its session."""
        file = self.folder / f"{model}.sse"
        file.write_text(_FRAME.format(model=model))
        self.run(at, "sessions", "import", str(file))
        found = self.json(at, "sessions", "search", f"model:{model}")
        return str(found[0]["session_id"])


@pytest.fixture
def machines(tmp_path: Path, server: PostgresServer, database: str) -> Machines:
    return Machines(tmp_path, server, database)


def test_one_archive_on_two_machines_and_the_hub_in_a_query(machines: Machines) -> None:
    session_id = machines.record("a", "first")
    assert "takes part in no hub" in machines.run(
        "a", "sessions", "search", "--hub", "hello", status=EXIT_USAGE
    )
    machines.join("a", FOUNDER)
    assert machines.json("a", "sessions", "search", "--hub", "hello") == []
    machines.run("a", "hub", "sync")
    machines.join("b", FOUNDER)
    machines.run("b", "hub", "sync")
    here = machines.json("b", "sessions", "search", "hello")
    there = machines.json("b", "sessions", "search", "--hub", "hello by:me")
    assert [one["session_id"] for one in here] == [session_id]
    assert [(one.pop("by"), bool(one.pop("machine"))) for one in there] == [("me", True)]
    assert there == here
    machines.run("b", "sessions", "tag", session_id, "--add", "kept")
    machines.run("b", "hub", "sync")
    machines.run("a", "hub", "sync")
    assert "kept" in machines.json("a", "sessions", "list")[0]["tags"]
    assert "kept" in machines.json("a", "sessions", "list", "--hub")[0]["tags"]


def test_what_the_hub_has_is_shown_counted_and_exported(machines: Machines) -> None:
    session_id = machines.record("a", "first")
    machines.join("a", FOUNDER)
    machines.run("a", "hub", "sync")
    local = machines.json("a", "sessions", "show", session_id)
    hub = machines.json("a", "sessions", "show", "--hub", session_id)
    assert hub == local
    for form in ("sse", "json", "md"):
        export = ("sessions", "export", session_id, "--format", form)
        assert machines.run("a", *export, "--hub") == machines.run("a", *export)
    assert machines.json("a", "stats", "--hub") == machines.json("a", "stats")
    wrong = machines.run("a", "sessions", "show", "--hub", "gone", status=EXIT_USAGE)
    assert "The hub has no session gone" in wrong


def test_a_team_reads_what_is_shared(machines: Machines) -> None:
    machines.record("a", "secret")
    session_id = machines.record("a", "open")
    machines.run("a", "sessions", "tag", session_id, "--add", "team")
    config = machines.folder / "a-config"
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text('[hub]\nshare = "tag:team"\n')
    machines.join("a", FOUNDER)
    assert "not open to your role" in machines.join("b", "ben", status=EXIT_USAGE)
    machines.run("a", "hub", "grant", "ben")
    machines.run("a", "hub", "sync")
    machines.join("b", "ben")
    machines.run("b", "hub", "sync")
    assert machines.json("b", "sessions", "list") == []
    found = machines.json("b", "sessions", "search", "--hub", "hello")
    assert [(one["session_id"], one["by"]) for one in found] == [(session_id, FOUNDER)]
    assert f"{FOUNDER} on " in machines.run("b", "sessions", "search", "--hub", "hello")
    assert machines.json("b", "sessions", "search", "--hub", f"by:{FOUNDER}") == found
    assert "open" in machines.run("b", "sessions", "show", "--hub", session_id)
    for entry in machines.json("a", "sessions", "search", "model:secret"):
        machines.run("a", "sessions", "tag", entry["session_id"], "--add", "team")
    machines.run("a", "hub", "sync")
    assert len(machines.json("b", "sessions", "search", "--hub", "hello")) == 2
    (config / "settings.toml").write_text("")
    machines.run("a", "hub", "sync")
    assert machines.json("b", "sessions", "search", "--hub", "hello") == []
    told = machines.run("b", "hub", "grant", "anna", status=EXIT_USAGE)
    assert "belongs to another role" in told
    assert machines.json("a", "hub", "revoke", "ben")["team"] == []
    machines.run("b", "sessions", "search", "--hub", "hello", status=EXIT_STORE)


def test_a_dry_run_names_what_the_team_would_read(machines: Machines) -> None:
    machines.record("a", "secret")
    session_id = machines.record("a", "open")
    machines.run("a", "sessions", "tag", session_id, "--add", "team")
    machines.join("a", FOUNDER)
    machines.run("a", "hub", "sync")
    assert "The team reads 0 sessions, as before." in machines.run("a", "hub", "sync", "--dry-run")
    config = machines.folder / "a-config"
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text('[hub]\nshare = "tag:team"\n')
    told = machines.run("a", "hub", "sync", "--dry-run")
    assert "Would send 0 messages and 0 replies of 0 sessions.\n" in told
    assert f"Would let the team read 1 session more.\n  {session_id}  open" in told
    assert "0 sessions; after the next sync 1 more" in machines.run("a", "hub", "status")
    dry = machines.json("a", "hub", "sync", "--dry-run")["team"]
    assert dry == {"reads": 0, "would_read": [session_id], "would_not_read": []}
    machines.run("a", "hub", "sync")
    machines.join("b", FOUNDER)  # of the same person, and without the query
    machines.run("b", "hub", "sync")
    assert machines.json("b", "hub", "status")["team"]["reads"] == 1
    other = machines.folder / "b-config"
    other.mkdir(exist_ok=True)
    (other / "settings.toml").write_text('[hub]\nshare = "tag:none"\n')
    told = machines.run("b", "hub", "sync", "--dry-run")
    assert f"Would hide 1 session from the team.\n  {session_id}  open" in told
    (config / "settings.toml").write_text("")
    told = machines.run("a", "hub", "sync", "--dry-run")
    assert f"Would hide 1 session from the team.\n  {session_id}  open" in told
    machines.run("a", "hub", "sync")
    assert machines.json("a", "hub", "status")["team"]["reads"] == 0


def test_an_unshared_session_is_gone_from_every_list(machines: Machines) -> None:
    session_id = machines.record("a", "open")
    machines.run("a", "sessions", "tag", session_id, "--add", "team")
    config = machines.folder / "a-config"
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text('[hub]\nshare = "tag:team"\n')
    machines.join("a", FOUNDER)
    machines.run("a", "hub", "sync")
    machines.run("a", "hub", "grant", "ben")
    machines.join("b", "ben")
    assert len(machines.json("b", "sessions", "list", "--hub")) == 1
    machines.run("a", "hub", "unshare", "tag:team", "--yes")
    for at in ("a", "b"):
        assert machines.json(at, "sessions", "list", "--hub") == []
    machines.run("a", "hub", "sync")
    assert machines.json("b", "sessions", "list", "--hub") == []
