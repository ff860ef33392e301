"""Addresses of PostgreSQL hubs: what they may have, and when TLS is needed."""

from pathlib import Path

import pytest

from replyscope.domain.errors import HubRefused, HubUnreachable, SettingsError
from replyscope.hub.postgres.address import read_address
from replyscope.hub.postgres.connecting import connect


def test_an_address_names_role_host_database_and_schema() -> None:
    address = read_address("postgresql://anna@db.example.org:5433/team?schema=chats", {})
    assert (address.role, address.host, address.schema) == ("anna", "db.example.org", "chats")
    assert address.shown == "db.example.org/team"
    assert address.keyring_name == "anna@db.example.org"
    assert address.conninfo() == {
        "host": "db.example.org",
        "port": "5433",
        "user": "anna",
        "dbname": "team",
        "sslmode": "verify-full",
        "sslrootcert": "system",
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", ""])
def test_this_machine_needs_no_certificate(host: str) -> None:
    assert "sslmode" not in read_address(f"postgresql://a@{host}/d", {}).conninfo()


def test_the_host_of_the_environment_counts() -> None:
    address = read_address("postgresql:///team", {"PGHOST": "db.example.org"})
    assert address.conninfo()["sslmode"] == "verify-full"


@pytest.mark.parametrize("hosts", ["localhost,db.example.org", "db.example.org,127.0.0.1"])
def test_one_remote_host_among_several_needs_a_certificate(hosts: str) -> None:
    address = read_address("postgresql:///team", {"PGHOST": hosts})
    assert address.conninfo()["sslmode"] == "verify-full"


def test_a_service_is_looked_up_for_its_host(tmp_path: Path) -> None:
    (tmp_path / ".pg_service.conf").write_text(
        "[far]\nhost=db.example.org\npassword=secret\n[near]\nhost=127.0.0.1\n[socket]\nuser=a\n"
    )
    home = {"HOME": str(tmp_path)}
    far = read_address("postgresql:///?service=far", home)
    assert far.conninfo()["sslmode"] == "verify-full"
    assert "secret" not in f"{far.shown}{far}"
    assert "sslmode" not in read_address("postgresql:///?service=near", home).conninfo()
    assert "sslmode" not in read_address("postgresql:///?service=socket", home).conninfo()
    with pytest.raises(SettingsError, match="no service gone"):
        read_address("postgresql:///?service=gone", home)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://a@h/d", "postgresql://"),
        ("postgresql://a@h:port/d", "not a URL"),
        ("postgresql://anna:hunter2@h/d", "has a password"),
        ("postgresql://anna@h/d?password=hunter2", "has a password"),
        ("postgresql://anna@h/d?sslmode=disable", "unknown parameter, sslmode"),
        ("postgresql://anna@h/d?options=-crow_security=off", "unknown parameter, options"),
        ("postgresql://anna@h/d?schema=a%22;DROP", "not a name"),
    ],
)
def test_what_an_address_may_not_have_is_named(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as error:
        read_address(url, {})
    assert "hunter2" not in str(error.value)


def test_a_password_file_that_others_can_read_is_named(tmp_path: Path) -> None:
    """libpq would warn on the screen of the app, and ignore the file."""
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:secret\n")
    file.chmod(0o644)
    url = "postgresql://anna@127.0.0.1:1/team"
    for environment in ({"HOME": str(tmp_path)}, {"PGPASSFILE": str(file)}):
        address = read_address(url, environment)
        with pytest.raises(HubRefused, match="chmod 600"):
            connect(address, lambda _name: None)
        with pytest.raises(HubUnreachable):
            connect(address, lambda _name: "from the keyring")
    given = read_address(url, {"HOME": str(tmp_path), "PGPASSWORD": "x"})
    assert given.password_file is None
    file.chmod(0o600)
    with pytest.raises(HubUnreachable):
        connect(read_address(url, {"HOME": str(tmp_path)}), lambda _name: None)
