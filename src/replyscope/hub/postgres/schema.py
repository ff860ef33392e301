"""The numbered versions of a hub's tables, in one PostgreSQL schema for each hub.

Invariants: every row has an owner, the role that logged in; row-level security also binds the
owner of the tables; the table of words, which security cannot index, is read through functions
that compare owners themselves.
"""

from replyscope.domain.search import MOST_RANKED
from replyscope.domain.sql_views import VIEWS
from replyscope.hub.postgres.views import BOUNDED_USAGE, VIEW_SCRIPT

_TABLES = """
CREATE TABLE {schema}.hub (
    program text PRIMARY KEY CHECK (program = 'replyscope'),
    version integer NOT NULL
);

CREATE TABLE {schema}.machine (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    number bigint NOT NULL,
    digest text NOT NULL,
    PRIMARY KEY (owner, id)
);

CREATE TABLE {schema}.change (
    owner text COLLATE "C" PRIMARY KEY DEFAULT session_user,
    number bigint NOT NULL
);

CREATE TABLE {schema}.entry (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    machine text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    at_ms bigint NOT NULL,
    counter bigint NOT NULL,
    stamped_by text NOT NULL,
    is_shared boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (owner, machine, kind, id)
);
ALTER TABLE {schema}.entry ALTER body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX entry_by_number ON {schema}.entry (owner, machine, number);
CREATE INDEX entry_by_session ON {schema}.entry (session_id, owner);
CREATE INDEX entry_by_id ON {schema}.entry (owner, kind, id);
CREATE INDEX entry_shared ON {schema}.entry (owner, session_id) WHERE is_shared;

CREATE TABLE {schema}.session_field (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    session_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text NOT NULL,
    at_ms bigint NOT NULL,
    counter bigint NOT NULL,
    stamped_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, session_id, name)
);

CREATE TABLE {schema}.session (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    id text COLLATE "C" NOT NULL,
    title text NOT NULL DEFAULT '',
    title_words text NOT NULL DEFAULT '  ',
    source text NOT NULL DEFAULT '',
    client text NOT NULL DEFAULT '',
    head_id text,
    created_at bigint,
    updated_at bigint,
    pinned_at bigint,
    archived_at bigint,
    deleted_at bigint,
    tags text[] NOT NULL DEFAULT '{}',
    is_shared boolean NOT NULL,
    PRIMARY KEY (owner, id)
);

CREATE TABLE {schema}.message (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    id text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C",
    role text NOT NULL,
    exchange_ids text[] NOT NULL,
    is_shared boolean NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX message_by_parent ON {schema}.message (owner, parent_id);
CREATE INDEX message_by_session ON {schema}.message (session_id, owner);

CREATE TABLE {schema}.reply (
    owner text COLLATE "C" NOT NULL DEFAULT session_user,
    exchange_id text COLLATE "C" NOT NULL,
    started_at bigint NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    machine text NOT NULL,
    state text NOT NULL,
    model text NOT NULL,
    answered text NOT NULL,
    api text NOT NULL,
    finish text NOT NULL,
    tokens double precision,
    input double precision,
    output double precision,
    cost double precision,
    ttft double precision,
    duration double precision,
    tps double precision,
    marks text NOT NULL,
    is_reported boolean NOT NULL,
    named text[] NOT NULL,
    texts bytea NOT NULL,
    is_shared boolean NOT NULL,
    PRIMARY KEY (owner, exchange_id, started_at)
) PARTITION BY RANGE (started_at);
ALTER TABLE {schema}.reply ALTER texts SET STORAGE EXTERNAL;
CREATE INDEX reply_by_time ON {schema}.reply (started_at, exchange_id);
CREATE INDEX reply_by_session ON {schema}.reply (session_id, owner);
CREATE INDEX reply_by_message ON {schema}.reply (owner, message_id);

CREATE TABLE {schema}.words (
    owner text COLLATE "C" NOT NULL,
    exchange_id text COLLATE "C" NOT NULL,
    started_at bigint NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    is_shared boolean NOT NULL,
    is_cut boolean NOT NULL,
    lexemes tsvector NOT NULL,
    said text NOT NULL,
    prompt text NOT NULL,
    calls text NOT NULL,
    reasoning text NOT NULL,
    PRIMARY KEY (owner, exchange_id, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX words_by_lexeme ON {schema}.words USING gin (lexemes);
CREATE INDEX words_by_time ON {schema}.words (started_at, exchange_id);
CREATE INDEX words_by_session ON {schema}.words (session_id, owner);
"""

_RIGHTS = """
ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON {schema}.{table}
    USING (owner = session_user) WITH CHECK (owner = session_user);
"""
_SHARED = "CREATE POLICY shared ON {schema}.{table} FOR SELECT USING (is_shared);\n"
_PRIVATE_TABLES = ("machine", "session_field")
_SHARED_TABLES = ("entry", "session", "message", "reply")
MEMBER_TABLES = (*_PRIVATE_TABLES, *_SHARED_TABLES, "change")
"""The tables whose rows a member reads and writes, as far as row-level security lets it."""

_SECURITY = (
    "".join(
        _RIGHTS.replace("{table}", table) for table in (*_PRIVATE_TABLES, *_SHARED_TABLES, "change")
    )
    + "".join(_SHARED.replace("{table}", table) for table in _SHARED_TABLES)
    + "CREATE POLICY shared ON {schema}.change FOR SELECT USING (true);\n"
)

_GUARDED = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
"""The attributes of the functions that act for the owner of the tables."""

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION {schema}.make_months(months text[]) RETURNS void
LANGUAGE plpgsql GUARDED AS $$
DECLARE
    month text;
    base text;
    first timestamptz;
    next timestamptz;
BEGIN
    FOREACH month IN ARRAY months LOOP
        IF month !~ '^20[1-7][0-9](0[1-9]|1[0-2])$' THEN
            RAISE EXCEPTION 'not a month';
        END IF;
        IF to_regclass('{schema}.words_' || month) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('{schema} months', 0));
            first := make_timestamptz(left(month, 4)::int, right(month, 2)::int, 1, 0, 0, 0, 'UTC');
            next := (first AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
            FOREACH base IN ARRAY ARRAY['reply', 'words'] LOOP
                EXECUTE format(
                    'CREATE TABLE IF NOT EXISTS {schema}.%I PARTITION OF {schema}.%I '
                    'FOR VALUES FROM (%s) TO (%s)',
                    base || '_' || month, base,
                    (extract(epoch FROM first) * 1000)::bigint,
                    (extract(epoch FROM next) * 1000)::bigint
                );
            END LOOP;
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION {schema}.put_words(
    exchange_ids text[], times bigint[], sessions text[], shared boolean[], cut boolean[],
    lexemes text[], said text[], prompts text[], calls text[], reasonings text[]
) RETURNS void
LANGUAGE sql GUARDED AS $$
    INSERT INTO {schema}.words
    SELECT session_user, n.id, n.at, n.session, n.is_shared, n.is_cut, n.lexemes::tsvector,
        n.said, n.prompt, n.calls, n.reasoning
    FROM unnest(
        exchange_ids, times, sessions, shared, cut, lexemes, said, prompts, calls, reasonings
    ) AS n (id, at, session, is_shared, is_cut, lexemes, said, prompt, calls, reasoning)
    ON CONFLICT (owner, exchange_id, started_at) DO UPDATE SET
        session_id = excluded.session_id, is_shared = excluded.is_shared,
        is_cut = excluded.is_cut, lexemes = excluded.lexemes, said = excluded.said,
        prompt = excluded.prompt, calls = excluded.calls, reasoning = excluded.reasoning
$$;

CREATE OR REPLACE FUNCTION {schema}.drop_words(sessions text[]) RETURNS void
LANGUAGE sql GUARDED AS $$
    DELETE FROM {schema}.words WHERE owner = session_user AND session_id = ANY (sessions)
$$;

CREATE OR REPLACE FUNCTION {schema}.hide_words(sessions text[]) RETURNS void
LANGUAGE sql GUARDED AS $$
    UPDATE {schema}.words SET is_shared = false
    WHERE owner = session_user AND session_id = ANY (sessions) AND is_shared
$$;

CREATE OR REPLACE FUNCTION {schema}.found(
    wanted tsquery, phrases text[], places text[], checked boolean[], most bigint, ranked boolean
) RETURNS TABLE (owner text, exchange_id text, started_at bigint, place bigint)
LANGUAGE plpgsql STABLE GUARDED AS $$
#variable_conflict use_column
BEGIN
    -- EXECUTE plans with the values, so that rare and common words get different plans.
    RETURN QUERY EXECUTE format($q$
        WITH near AS (
        SELECT w.owner, w.exchange_id, w.started_at, %s AS score
        FROM {schema}.words w
        WHERE w.lexemes @@ $1 AND (w.owner = session_user OR w.is_shared)
        AND (
            (NOT w.is_cut AND NOT $5)
            OR NOT EXISTS (
                SELECT 1 FROM unnest($2, $3, $4) AS p (phrase, places, is_checked)
                WHERE (p.is_checked OR w.is_cut) AND NOT (
                    strpos(p.places, 'A') > 0 AND w.said LIKE p.phrase
                    OR strpos(p.places, 'B') > 0 AND w.prompt LIKE p.phrase
                    OR strpos(p.places, 'C') > 0 AND w.calls LIKE p.phrase
                    OR strpos(p.places, 'D') > 0 AND w.reasoning LIKE p.phrase
                )
            )
        )
        %s
        )
        SELECT owner, exchange_id, started_at, %s FROM near
        $q$,
        CASE WHEN ranked THEN 'ts_rank(w.lexemes, $1, 1)' ELSE '0::real' END,
        CASE WHEN most IS NOT NULL
            THEN 'ORDER BY w.started_at DESC, w.exchange_id DESC LIMIT $6' END,
        CASE WHEN most IS NULL THEN '0::bigint' ELSE 'row_number() OVER (ORDER BY '
            'CASE WHEN (SELECT count(*) FROM near) <= MOST_RANKED THEN score END DESC, '
            'started_at DESC, exchange_id DESC)' END
    ) USING wanted, phrases, places, checked, true = ANY (checked), most;
END $$;
"""

_EDGES = """
CREATE TABLE {schema}.BASE_early PARTITION OF {schema}.BASE FOR VALUES FROM (MINVALUE) TO (FIRST);
CREATE TABLE {schema}.BASE_late PARTITION OF {schema}.BASE FOR VALUES FROM (LAST) TO (MAXVALUE);
"""
FIRST_MS, LAST_MS = 1_262_304_000_000, 3_471_292_800_000
"""2010 and 2080: replies of other times are in the partitions `early` and `late`."""
_EDGES = _EDGES.replace("FIRST", str(FIRST_MS)).replace("LAST", str(LAST_MS))

VERSIONS: tuple[str, ...] = (
    _TABLES + _EDGES.replace("BASE", "reply") + _EDGES.replace("BASE", "words") + _SECURITY,
    VIEW_SCRIPT,
    "",
    BOUNDED_USAGE,
    "DROP FUNCTION IF EXISTS {schema}.found(tsquery, text[], text[], boolean[], bigint);",
)
"""Script n migrates a hub from version n to n + 1. After the last one the functions are replaced:
a change of a function is a version of its own, perhaps with an empty script.
"""
FUNCTIONS = _FUNCTIONS.replace("GUARDED", _GUARDED).replace("MOST_RANKED", str(MOST_RANKED))
"""Creates the functions of the last version, or replaces those of an older one."""

MEMBER_VIEWS = tuple(view.name for view in VIEWS)
"""The views that a member reads, with its own rights."""
MEMBER_FUNCTIONS = (
    "make_months(text[])",
    "put_words(text[], bigint[], text[], boolean[], boolean[], text[], text[], text[], "
    "text[], text[])",
    "drop_words(text[])",
    "hide_words(text[])",
    "found(tsquery, text[], text[], boolean[], bigint, boolean)",
)
