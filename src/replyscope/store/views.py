"""The SQL of the views for other programs; `domain/sql_views.py` explains the columns.

Exchanges are compressed, so the texts of replies and their tool calls have tables of their own
here, which the index fills.
"""

_AT = "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000.0, 'unixepoch')"
_PARTS = "json_each(CASE WHEN json_valid(m.parts) THEN m.parts ELSE '[]' END) part"
_SURROGATE = " OR ".join(f"instr(bytes, x'ED{byte:02X}')" for byte in range(0xA0, 0xC0))
"""Whether bytes have a lone surrogate, which is not valid UTF-8."""


def _valid(query: str) -> str:
    """The text that a query selects; NULL if it has a lone surrogate: JSON can have one, and other
    programs reject it.
    """
    return f"""
        SELECT CASE WHEN {_SURROGATE} THEN NULL ELSE text END
        FROM (SELECT text, CAST(text AS BLOB) AS bytes FROM ({query}))
    """


_RESULT = _valid(
    "SELECT json_extract(part.value, '$.output') AS text "
    "FROM source JOIN message m ON m.parent_id = source.message_id AND m.role = 'tool' "
    f"JOIN {_PARTS} WHERE source.exchange_id = f.exchange_id "
    "AND json_extract(part.value, '$.call_id') = c.call_id "
    "LIMIT 1"
)
_WRITTEN = _valid(
    "SELECT group_concat(coalesce(json_extract(part.value, '$.text'), "
    f"json_extract(part.value, '$.output')), char(10)) AS text FROM {_PARTS}"
)
_SAID = """
    SELECT group_concat(text, char(10)) FROM (
        SELECT t.text AS text FROM source JOIN fact f ON f.exchange_id = source.exchange_id
        JOIN choice_text t ON t.fact_id = f.id AND t.choice = source.choice_index
        WHERE source.message_id = m.id ORDER BY source.position
    )
"""


def _usage(input_tokens: str, output_tokens: str, cost: str) -> str:
    """The view of the sums, of these figures of a reply."""
    return f"""
CREATE VIEW usage_by_day AS SELECT
    strftime('%Y-%m-%d', f.started_at / 1000.0, 'unixepoch') AS day,
    f.model AS model,
    count(*) AS replies,
    sum(f.marks LIKE '% error %') AS errors,
    sum({input_tokens}) AS input_tokens,
    sum({output_tokens}) AS output_tokens,
    sum({cost}) AS cost_usd,
    sum(f.output IS NULL) AS without_usage,
    sum(f.cost IS NULL) AS without_cost
FROM fact f JOIN session s ON s.id = f.session_id WHERE s.deleted_at IS NULL GROUP BY 1, 2;
"""


VIEW_SCRIPT = f"""
CREATE TABLE choice_text (
    fact_id INTEGER NOT NULL REFERENCES fact (id) ON DELETE CASCADE,
    choice INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (fact_id, choice)
) STRICT;
CREATE TABLE tool_call (
    fact_id INTEGER NOT NULL REFERENCES fact (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    result TEXT,
    duration_ms REAL,
    PRIMARY KEY (fact_id, position)
) STRICT, WITHOUT ROWID;

CREATE VIEW replies AS SELECT
    e.id AS id,
    e.session_id AS session_id,
    s.title AS session_title,
    e.message_id AS message_id,
    {_AT.format("e.started_at")} AS started_at,
    e.model AS model,
    f.answered AS answered_model,
    f.api AS api,
    e.finish_reason AS finish_reason,
    e.state AS state,
    (SELECT group_concat(text, char(10)) FROM choice_text WHERE fact_id = f.id) AS text,
    f.input AS input_tokens,
    f.output AS output_tokens,
    f.tokens AS total_tokens,
    e.cost_usd AS cost_usd,
    CASE WHEN e.cost_usd IS NOT NULL THEN f.is_reported END AS is_cost_reported,
    f.ttft AS first_token_s,
    f.duration AS duration_s,
    f.tps AS tokens_per_second,
    f.marks LIKE '% error %' AS has_error,
    f.marks LIKE '% partial %' AS is_partial,
    coalesce(nullif(s.source, ''), 'replyscope') AS source,
    nullif(s.client, '') AS client
FROM exchange e JOIN session s ON s.id = e.session_id LEFT JOIN fact f ON f.exchange_id = e.id
WHERE s.deleted_at IS NULL;

CREATE VIEW messages AS SELECT
    m.id AS id,
    m.session_id AS session_id,
    m.parent_id AS parent_id,
    m.role AS role,
    {_AT.format("m.created_at")} AS created_at,
    CASE m.role WHEN 'assistant' THEN ({_SAID}) ELSE ({_WRITTEN}) END AS text,
    (SELECT exchange_id FROM source WHERE message_id = m.id ORDER BY position LIMIT 1) AS reply_id
FROM message m JOIN session s ON s.id = m.session_id WHERE s.deleted_at IS NULL;

CREATE VIEW tool_calls AS SELECT
    c.call_id AS id,
    f.exchange_id AS reply_id,
    f.session_id AS session_id,
    c.position AS position,
    {_AT.format("f.started_at")} AS started_at,
    c.name AS name,
    c.kind AS kind,
    c.arguments AS arguments,
    c.state AS state,
    coalesce(c.result, ({_RESULT})) AS result,
    c.duration_ms AS duration_ms
FROM tool_call c JOIN fact f ON f.id = c.fact_id JOIN session s ON s.id = f.session_id
WHERE s.deleted_at IS NULL;

{_usage("f.input", "f.output", "f.cost")}
"""


def _counted(column: str) -> str:
    return f"CASE WHEN {column} > -1e12 AND {column} < 1e12 THEN {column} END"


BOUNDED_USAGE = f"""
DROP VIEW usage_by_day;
{_usage(*map(_counted, ("f.input", "f.output", "f.cost")))}
"""
"""The sums without figures of 10^12 and more, which no reply has: SQLite stops a query whose sum
overflows.
"""
