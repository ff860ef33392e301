"""The logs of machines on a PostgreSQL hub."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from replyscope.domain.errors import HubConflict, HubError, HubTooNew, NotAHub
from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.hub import START, HubEntry, LogHead, next_head
from replyscope.hub.postgres.hub import PostgresHub
from tests.hub.postgres.conftest import OpenHub
from tests.support.build import make_exchange
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer

ANSWER = make_exchange(state=ExchangeState.COMPLETED, choices=(Choice(0, "Hello there"),))


def pulled(hub: PostgresHub, machine: str = "laptop", limit: int = 10**6) -> list[HubEntry]:
    found: list[HubEntry] = []
    while some := hub.pull(machine, found[-1].number if found else 0, limit):
        found += some
    return found


def test_what_was_pushed_is_pulled_in_order(hub: PostgresHub) -> None:
    log = Log()
    entries = [entry for n in range(20) for entry in log.turn(f"s{n}", "Hi", ANSWER, n)]
    head = hub.push("laptop", "Laptop", entries[:30], START)
    head = hub.push("laptop", "Laptop", entries[30:], head)
    assert head == next_head(next_head(START, entries[:30]), entries[30:])
    assert pulled(hub) == entries
    assert pulled(hub, limit=1) == entries
    status = hub.status()
    assert (status.kind, status.machines, status.heads) == (
        "postgresql",
        {"laptop": "Laptop"},
        {"laptop": head},
    )


def test_a_repeated_push_changes_nothing_and_another_is_a_conflict(hub: PostgresHub) -> None:
    log = Log()
    entries = log.turn("one", "Hi", ANSWER)
    head = hub.push("laptop", "Laptop", entries, START)
    assert hub.push("laptop", "Laptop", entries, START) == head
    with pytest.raises(HubConflict):
        hub.push("laptop", "Laptop", [log.session("two", title="x")], START)
    with pytest.raises(HubConflict):
        hub.push("laptop", "Laptop", [log.session("two", title="x")], LogHead(4, "other"))
    with pytest.raises(HubError, match="order"):
        hub.push("laptop", "Laptop", entries, head)
    assert pulled(hub) == entries


def test_a_newer_entry_replaces_the_older_one(hub: PostgresHub) -> None:
    log = Log()
    first, second = log.session("one", title="Old"), log.session("one", 2, title="New")
    head = hub.push("laptop", "Laptop", [first], START)
    hub.push("laptop", "Laptop", [second], head)
    assert pulled(hub) == [second]


def test_a_purge_removes_the_session_from_the_logs_of_all_machines(hub: PostgresHub) -> None:
    laptop, desk = Log("laptop"), Log("desk")
    hub.push(
        "laptop", "L", [*laptop.turn("one", "Hi", ANSWER), *laptop.turn("two", "Hi", ANSWER)], START
    )
    head = hub.push("desk", "D", desk.turn("one", "Hi", ANSWER), START)
    purge = desk.purge("one")
    head = hub.push("desk", "D", [purge], head)
    assert pulled(hub, "desk") == [purge]
    assert {entry.session_id for entry in pulled(hub)} == {"two"}
    late = desk.turn("one", "Again", ANSWER)
    hub.push("desk", "D", late, head)
    assert pulled(hub, "desk") == [purge]
    with hub.connection().cursor() as cursor:
        for table, count in (("session", 1), ("message", 2), ("reply", 1), ("words", 1)):
            row = cursor.execute(f"SELECT count(*) FROM replyscope.{table}".encode()).fetchone()
            assert row == (count,)


def test_withdrawn_sessions_leave_the_log_and_the_review(hub: PostgresHub) -> None:
    log = Log()
    entries = [*log.turn("one", "Hi", ANSWER), *log.turn("two", "Hi", ANSWER)]
    hub.push("laptop", "L", entries, START)
    hub.withdraw("laptop", ["one"])
    assert pulled(hub) == entries[4:]
    row = hub.connection().execute("SELECT count(*) FROM replyscope.reply").fetchone()
    assert row == (1,)


def test_a_damaged_or_encrypted_body_is_kept_and_not_indexed(hub: PostgresHub) -> None:
    log = Log()
    entries = [replace(entry, body=b'{"age": "x"}') for entry in log.turn("one", "Hi", ANSWER)]
    entries.append(replace(log.session("two"), body=b"\xff\x00 no JSON"))
    hub.push("laptop", "L", entries, START)
    assert pulled(hub) == entries
    assert hub.connection().execute("SELECT count(*) FROM replyscope.reply").fetchone() == (0,)


def test_a_hub_is_created_once(hub: PostgresHub, open_hub: OpenHub) -> None:
    hub.initialise()
    other = open_hub()
    other.initialise()
    assert other.status().machines == {}


def test_what_is_no_hub_is_named(open_hub: OpenHub, server: PostgresServer, database: str) -> None:
    with pytest.raises(NotAHub, match="no hub"):
        open_hub().status()
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE public.customer (id int)")
    with pytest.raises(NotAHub, match="another program"):
        open_hub(more="?schema=public").initialise()
    with pytest.raises(NotAHub):
        open_hub(more="?schema=public").status()


def test_newer_and_older_hubs_are_named(hub: PostgresHub, open_hub: OpenHub) -> None:
    hub.connection().execute("UPDATE replyscope.hub SET version = 99")
    for call in (open_hub().status, open_hub().initialise):
        with pytest.raises(HubTooNew, match="newer"):
            call()
    hub.connection().execute("UPDATE replyscope.hub SET version = 0")
    with pytest.raises(HubTooNew, match="old format"):
        open_hub().status()


@pytest.mark.parametrize("bad", ["\ud800", "a\0b", "", "x" * 200], ids=repr)
def test_an_id_that_is_not_valid_is_refused_before_anything_is_written(
    hub: PostgresHub, bad: str
) -> None:
    entries = Log().turn("one", "Hi", ANSWER)
    with pytest.raises(HubError, match="id that is not valid"):
        hub.push("laptop", "L", [*entries[:3], replace(entries[3], id=bad)], START)
    with pytest.raises(HubError, match="id that is not valid"):
        hub.push(bad, "L", entries, START)
    assert hub.status().machines == {}


@pytest.mark.parametrize("bad", ["\ud800", "a\0b"], ids=repr)
def test_an_id_inside_of_a_body_is_stored_and_not_indexed(hub: PostgresHub, bad: str) -> None:
    entries = Log().turn("one", "Hi", ANSWER)
    body = {**json.loads(entries[3].body), "message_id": bad}
    entries[3] = replace(entries[3], body=json.dumps(body).encode())
    hub.push("laptop", "L", entries, START)
    assert pulled(hub) == entries
    assert hub.connection().execute("SELECT count(*) FROM replyscope.reply").fetchone() == (0,)


def test_times_far_ahead_do_not_put_a_session_before_all_others(hub: PostgresHub) -> None:
    log, year_ms = Log(), 366 * 86_400_000
    now_ms = round(datetime.now(UTC).timestamp() * 1000)

    def push(number: int, head: LogHead, updated_at: int) -> LogHead:
        entry = log.session("one", number)
        fields = json.loads(entry.body)
        fields["fields"]["updated_at"][0] = updated_at
        entry = replace(entry, body=json.dumps(fields).encode())
        return hub.push("laptop", "L", [entry], head)

    def updated_at() -> int:
        row: Any = hub.connection().execute("SELECT updated_at FROM replyscope.session").fetchone()
        return int(row[0])

    head = push(1, START, now_ms + year_ms)
    assert abs(updated_at() - now_ms) < 60_000
    head = push(2, head, now_ms - 1_000)
    assert updated_at() == now_ms - 1_000
    push(3, head, now_ms + year_ms)
    assert updated_at() == now_ms - 1_000
