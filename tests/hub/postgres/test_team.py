"""What a role of the team can read and change on a PostgreSQL hub."""

from dataclasses import replace

import psycopg
import pytest

from replyscope.domain.errors import HubError, HubRefused
from replyscope.domain.exchange import ToolCall
from replyscope.domain.hub import START
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.schema import VERSIONS
from replyscope.hub.postgres.search import PostgresSearchIndex
from tests.hub.postgres.conftest import OpenHub
from tests.hub.postgres.test_search import NOW
from tests.support.hub_entries import Log
from tests.support.postgres import ADMIN, PostgresServer
from tests.support.queries import answer

SECRET = "xylophone"
_TABLES = ("entry", "session", "session_field", "message", "reply", "words", "machine", "change")

_LEAK = """
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
$$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
"""

READS = {
    "entries": "SELECT * FROM replyscope.entry",
    "entries of the owner": "SELECT * FROM replyscope.entry WHERE owner = 'anna'",
    "replies": "SELECT * FROM replyscope.reply",
    "sessions": "SELECT * FROM replyscope.session",
    "messages": "SELECT * FROM replyscope.message",
    "fields of sessions": "SELECT * FROM replyscope.session_field",
    "machines": "SELECT * FROM replyscope.machine",
    "words": "SELECT * FROM replyscope.words",
    "a month of replies": "SELECT * FROM replyscope.reply_202611",
    "a month of words": "SELECT * FROM replyscope.words_202611",
    "the early partition": "SELECT * FROM replyscope.words_early",
    "only the parent": "SELECT * FROM ONLY replyscope.reply",
    "a sample": "SELECT * FROM replyscope.reply TABLESAMPLE SYSTEM (100)",
    "system columns": "SELECT ctid, tableoid, * FROM replyscope.entry",
    "row security off": "SET row_security = off; SELECT * FROM replyscope.entry",
    "copy of the table": "COPY replyscope.entry TO STDOUT",
    "copy of a query": "COPY (SELECT * FROM replyscope.session) TO STDOUT",
    "copy of words": "COPY replyscope.words TO STDOUT",
    "every word": "SELECT * FROM replyscope.found('x:*', '{}', '{}', '{}', NULL, false)",
    "every cut text": "SELECT * FROM replyscope.found("
    "'''<cut>'' | x:*', '{%}', '{ABCD}', '{t}', 9, true)",
    "a negated word": "SELECT * FROM replyscope.found('!nothing', '{}', '{}', '{}', NULL, false)",
    "no query": "SELECT * FROM replyscope.found(NULL, NULL, NULL, NULL, NULL, NULL)",
    "a phrase": "SELECT * FROM replyscope.found('x:*', '{%xyl%}', '{ABCD}', '{t}', NULL, true)",
    "a view": "CREATE TEMP VIEW v AS SELECT * FROM replyscope.entry; SELECT * FROM v",
    "a leaky function": _LEAK + "SELECT count(*) FROM replyscope.session WHERE pg_temp.leak(title)",
    "a leaky function on a join": _LEAK
    + "SELECT 1 FROM replyscope.reply r JOIN replyscope.session s ON s.id = r.session_id "
    "WHERE pg_temp.leak(r.model) AND pg_temp.leak(s.id)",
    "an error that quotes": "SELECT title::int FROM replyscope.session WHERE title LIKE '%xyl%'",
    "a function of the own": "CREATE FUNCTION pg_temp.mine() RETURNS SETOF replyscope.entry "
    "LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM replyscope.entry'; "
    "SELECT * FROM pg_temp.mine()",
    "the other role": "SET ROLE anna; SELECT * FROM replyscope.entry",
    "the view of replies": "SELECT * FROM replyscope.replies",
    "the view of messages": "SELECT * FROM replyscope.messages",
    "the view of tool calls": "SELECT * FROM replyscope.tool_calls",
    "the view of usage": "SELECT * FROM replyscope.usage_by_day",
    "a leaky function on a view": _LEAK
    + "SELECT count(*) FROM replyscope.replies WHERE pg_temp.leak(model || text)",
    "the owner's role": "SET ROLE founder; SELECT * FROM replyscope.entry",
    "another login": "SET SESSION AUTHORIZATION anna; SELECT * FROM replyscope.entry",
    "another name": "SET LOCAL role TO anna; SELECT session_user, * FROM replyscope.session",
    "the path of the functions": "CREATE TEMP TABLE words (LIKE replyscope.reply); "
    "CREATE FUNCTION pg_temp.strpos(text, text) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
    "SET search_path = pg_temp, replyscope; "
    "SELECT * FROM replyscope.found('x:*', '{%}', '{ABCD}', '{t}', NULL, true)",
    "a shadowed operator": "CREATE FUNCTION pg_temp.yes(text, name) RETURNS boolean "
    "LANGUAGE sql AS 'SELECT true'; "
    "CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = name, FUNCTION = pg_temp.yes); "
    "SET search_path = pg_temp, pg_catalog; SELECT * FROM replyscope.entry",
    "statistics": "SELECT * FROM pg_stats WHERE schemaname = 'replyscope'",
    "raw statistics": "SELECT * FROM pg_statistic",
    "queries of others": "SELECT query FROM pg_stat_activity",
    "a plan": "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM replyscope.session WHERE title > 'x'",
    "sequences": "SELECT * FROM pg_sequences",
    "files": "SELECT pg_read_file('PG_VERSION')",
    "locked rows": "SELECT * FROM replyscope.session FOR UPDATE",
    "returned rows": "UPDATE replyscope.entry SET number = number RETURNING *",
    "deleted rows": "DELETE FROM replyscope.session WHERE owner = 'anna' RETURNING *",
    "conflicting rows": "INSERT INTO replyscope.session (owner, id, is_shared) "
    "VALUES ('anna', 'xylophone', true) ON CONFLICT (owner, id) DO UPDATE SET is_shared = true "
    "RETURNING *",
    "a child table": "CREATE TEMP TABLE child () INHERITS (replyscope.entry)",
    "a reference": "CREATE TEMP TABLE r (owner text, id text, "
    "FOREIGN KEY (owner, id) REFERENCES replyscope.session)",
}  # fmt: skip

WRITES = {
    "change": "UPDATE replyscope.entry SET body = 'x'",
    "take over": "UPDATE replyscope.session SET owner = 'ben' WHERE owner = 'anna'",
    "give away": "UPDATE replyscope.machine SET owner = 'anna'",
    "share": "UPDATE replyscope.entry SET is_shared = true WHERE owner = 'anna'",
    "hide words": "SELECT replyscope.hide_words('{xylophone,shared}')",
    "drop words": "SELECT replyscope.drop_words('{xylophone,shared}')",
    "put words": "SELECT replyscope.put_words('{xylophone-x}', '{1793534400000}', '{xylophone}', "
    "'{true}', '{false}', '{''x'':1A}', '{ x }', '{ }', '{ }', '{ }')",
    "delete": "DELETE FROM replyscope.message",
    "delete fields": "DELETE FROM replyscope.session_field WHERE owner <> 'ben'",
    "insert for another": "INSERT INTO replyscope.machine VALUES ('anna', 'm', 'm', 1, '')",
    "truncate": "TRUNCATE replyscope.entry",
    "merge": "MERGE INTO replyscope.session s USING (SELECT 1) AS n ON s.owner = 'anna' "
    "WHEN MATCHED THEN UPDATE SET title = 'x'",
    "copy in": "COPY replyscope.machine FROM STDIN",
    "security off": "ALTER TABLE replyscope.entry DISABLE ROW LEVEL SECURITY",
    "drop a policy": "DROP POLICY own ON replyscope.entry",
    "another policy": "CREATE POLICY mine ON replyscope.entry USING (true)",
    "a trigger": "CREATE TRIGGER t BEFORE INSERT ON replyscope.entry "
    "EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    "a rule": "CREATE RULE r AS ON SELECT TO replyscope.entry DO INSTEAD SELECT 1",
    "another function": "CREATE OR REPLACE FUNCTION replyscope.drop_words(text[]) "
    "RETURNS void LANGUAGE sql AS 'SELECT'",
    "a new table": "CREATE TABLE replyscope.mine (id int)",
    "rights": "GRANT ALL ON ALL TABLES IN SCHEMA replyscope TO ben",
    "a month with code": "SELECT replyscope.make_months('{\"202611; DROP TABLE x\"}')",
    "through a view": "UPDATE replyscope.messages SET text = 'x'",
    "a view of its own": "CREATE OR REPLACE VIEW replyscope.messages AS SELECT 1 AS id",
    "the version": "UPDATE replyscope.hub SET version = 9",
}


@pytest.fixture
def team(hub: PostgresHub, open_hub: OpenHub) -> PostgresHub:
    """Anna's hub, with a private and a shared session; Ben belongs to the team."""
    hub.grant("anna")
    hub.grant("ben")
    anna, ben = open_hub("anna"), open_hub("ben")
    call = ToolCall("c", "function", SECRET, f'{{"a": "{SECRET}"}}')
    reply = replace(answer(f"the {SECRET} sounds", call), model=SECRET)
    private = Log("anna-1").turn(SECRET, f"hear the {SECRET}", reply, tags=(SECRET,))
    log = Log("anna-1", is_shared=True)
    log.number = len(private)
    shared = log.turn("shared", "what all may read", answer("a common reply"))
    anna.push("anna-1", "laptop", [*private, *shared], START)
    ben.push("ben-1", "desk", Log("ben-1").turn("bens", "his own", answer("a common reply")), START)
    return anna


def _attempt(server: PostgresServer, database: str, statement: str) -> str:
    """Everything that Ben sees of a statement: rows, notices, errors."""
    seen: list[str] = []
    with server.connect(database, "ben") as connection:
        connection.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
        try:
            with connection.cursor() as cursor:
                if statement.startswith("COPY") and "STDOUT" in statement:
                    with cursor.copy(statement.encode()) as copy:
                        seen += [str(bytes(row)) for row in copy]
                    return "\n".join(seen)
                cursor.execute(statement.encode())
                while True:
                    if cursor.description is not None:
                        seen += map(str, cursor.fetchall())
                    if not cursor.nextset():
                        break
        except psycopg.Error as error:
            seen += [str(error), str(error.diag.message_detail), str(error.diag.message_hint)]
    return "\n".join(seen)


def _rows(server: PostgresServer, database: str, owner: str) -> list[object]:
    """All rows of an owner, as the administrator of the database sees them."""
    found: list[object] = []
    with server.connect(database) as connection:
        for table in _TABLES:
            rows = connection.execute(
                f"SELECT * FROM replyscope.{table} WHERE owner = %s ORDER BY 1, 2, 3".encode()
                if table != "change"
                else b"SELECT * FROM replyscope.change WHERE owner = %s",
                (owner,),
            ).fetchall()
            assert rows or table == "change", table
            found += rows
    return found


def test_no_statement_reads_what_is_not_shared(
    team: PostgresHub, server: PostgresServer, database: str
) -> None:
    before = _rows(server, database, "anna")
    for name, statement in READS.items():
        seen = _attempt(server, database, statement)
        own_words = statement.count(SECRET)
        assert seen.count(SECRET) <= own_words, (name, seen)
        assert not (seen.count(SECRET) and "anna" in seen and not own_words), (name, seen)
    assert _rows(server, database, "anna") == before
    assert "shared" in _attempt(server, database, READS["sessions"])
    assert "a common reply" not in _attempt(server, database, READS["words"])
    everything = _attempt(
        server, database, "SELECT * FROM replyscope.found('common', '{}', '{}', '{}', NULL, false)"
    )
    assert "shared-x" in everything
    assert "bens-x" in everything


def test_no_statement_changes_what_belongs_to_another(
    team: PostgresHub, server: PostgresServer, database: str
) -> None:
    before = _rows(server, database, "anna")
    for name, statement in WRITES.items():
        _attempt(server, database, statement)
        assert _rows(server, database, "anna") == before, name
    with server.connect(database) as connection:
        row = connection.execute("SELECT version FROM replyscope.hub").fetchone()
        assert row == (len(VERSIONS),)
        row = connection.execute(
            "SELECT count(*) FROM pg_class c, pg_policies p "
            "WHERE c.oid = 'replyscope.entry'::regclass AND c.relrowsecurity "
            "AND p.tablename = 'entry'"
        ).fetchone()
        assert row == (2,)


async def _found(hub: PostgresHub, server: PostgresServer, text: str) -> list[str]:
    reader = HubReader(hub.address, lambda _name: server.password)
    try:
        hits = await PostgresSearchIndex(reader).find(Search(parse_query(text), NOW))
        return sorted(hit.session_id for hit in hits)
    finally:
        await reader.close()


async def test_a_team_finds_what_is_shared_and_who_shared_it(
    team: PostgresHub, open_hub: OpenHub, server: PostgresServer
) -> None:
    ben = open_hub("ben")
    assert await _found(ben, server, "common") == ["bens", "shared"]
    assert await _found(ben, server, "") == ["bens", "shared"]
    assert await _found(ben, server, "by:anna") == ["shared"]
    assert await _found(ben, server, "by:me") == ["bens"]
    assert await _found(ben, server, SECRET) == []
    assert await _found(team, server, "") == ["shared", SECRET]
    assert await _found(open_hub(), server, "") == ["shared"]
    assert await _found(open_hub(ADMIN), server, "") == ["shared"]
    assert team.hide(["shared"]) == 1
    assert team.shared(None) == set()
    assert await _found(ben, server, "") == ["bens"]


async def test_only_what_was_pushed_as_shared_is_shown(
    team: PostgresHub, open_hub: OpenHub, server: PostgresServer
) -> None:
    """A session that is shared later is pushed again, redacted; nothing of the first push shows."""
    ben = open_hub("ben")
    log = Log("anna-1", is_shared=True)
    log.number = 8
    head = team.status().heads["anna-1"]
    part = log.turn(SECRET, "[redacted]", answer("ok"))
    head = team.push("anna-1", "laptop", part[3:], head)  # the reply, without its prompt
    assert await _found(ben, server, "ok") == []
    log.number = 12
    head = team.push("anna-1", "laptop", log.turn(SECRET, "[redacted]", answer("ok")), head)
    assert team.shared(None) == team.shared("anna-1") == {SECRET, "shared"}
    assert team.shared("anna-2") == set()
    assert await _found(ben, server, "redacted") == [SECRET]
    other = Log("anna-2").turn(SECRET, "unredacted", answer("ok"))
    team.push("anna-2", "desk", other, START)
    assert await _found(ben, server, "unredacted") == []
    assert await _found(ben, server, "ok") == []


def test_logs_of_others_are_not_pulled(team: PostgresHub, open_hub: OpenHub) -> None:
    ben = open_hub("ben")
    assert set(ben.status().machines) == {"ben-1"}
    assert ben.pull("anna-1", 0, 10**6) == ()
    assert len(team.pull("anna-1", 0, 10**6)) == 8


def test_a_role_uses_the_hub_between_grant_and_revoke(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    with pytest.raises(HubRefused, match="not open to your role"):
        open_hub("ben").status()
    with pytest.raises(HubError, match="no role nobody"):
        hub.grant("nobody")
    hub.grant("ben")
    hub.grant("ben")
    assert hub.members() == ["ben"]
    ben = open_hub("ben")
    entries = Log("b").turn("bens", "Hi", answer("ok"))
    ben.push("b", "B", entries, START)
    for call in (ben.grant, ben.revoke):
        with pytest.raises(HubRefused, match="belongs to another role"):
            call("anna")
    hub.revoke("ben")
    assert hub.members() == []
    with pytest.raises(HubRefused):
        ben.pull("b", 0, 10)
    for statement in (*READS.values(), *WRITES.values()):
        assert "bens" not in _attempt(server, database, statement)
    with pytest.raises(HubError, match="does not use"):
        hub.revoke("ben")
    hub.grant("ben")
    assert len(open_hub("ben").pull("b", 0, 10**6)) == 4


def test_a_role_without_the_right_to_create_is_told_so(open_hub: OpenHub) -> None:
    with pytest.raises(HubRefused, match="may not create a schema"):
        open_hub("ben").initialise()
