"""The SQL views for other programs, on the tables of a hub; `domain/sql_views.py` has the columns.

Invariants: a view reads with the rights of the role that queries it, so row-level security holds.
A member can write any value into its own rows; none of them makes a query of others fail.
"""

import json
from collections.abc import Iterable, Mapping

from replyscope.domain.facts import Facts
from replyscope.domain.json_values import parts_to_json
from replyscope.domain.message import Part, ToolResultPart
from replyscope.hub.postgres.sessions import storable

_MOST_CHARACTERS = 50_000_000
"""The longest text of a view. JSON of PostgreSQL has at most 256 MB."""


def _time(column: str) -> str:
    return (
        f"CASE WHEN {column} BETWEEN 0 AND 253402300799999 THEN to_char("
        f"timestamp 'epoch' + {column} * interval '1 millisecond', "
        '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') END'
    )


def _whole(column: str) -> str:
    return f"CASE WHEN abs({column}) < 1e12 THEN {column}::bigint END"


def _elements(column: str, name: str) -> str:
    return (
        f"jsonb_array_elements(CASE jsonb_typeof({column}) WHEN 'array' THEN {column} "
        f"ELSE '[]' END) WITH ORDINALITY AS {name} (value, number)"
    )


_VIEW = "CREATE VIEW {schema}.%s WITH (security_invoker = true) AS "
_SESSION = (
    "JOIN {schema}.session s ON s.owner = %(table)s.owner AND s.id = %(table)s.session_id "
    "WHERE s.deleted_at IS NULL"
)
_OF_REPLY, _OF_MESSAGE = (_SESSION % {"table": table} for table in ("r", "m"))


def _usage(bound: str) -> str:
    """The view of the sums. `bound` has the sum of tokens at each `{}`."""
    input_sum, output_sum = (
        bound.replace("{}", f"sum({_whole(column)})") for column in ("r.input", "r.output")
    )
    return f"""
{_VIEW % "usage_by_day"} SELECT
    left({_time("r.started_at")}, 10) AS day,
    r.model AS model,
    count(*) AS replies,
    count(*) FILTER (WHERE strpos(r.marks, ' error ') > 0) AS errors,
    ({input_sum})::bigint AS input_tokens,
    ({output_sum})::bigint AS output_tokens,
    sum(r.cost) FILTER (WHERE abs(r.cost) < 1e12) AS cost_usd,
    count(*) FILTER (WHERE r.output IS NULL) AS without_usage,
    count(*) FILTER (WHERE r.cost IS NULL) AS without_cost
FROM {{schema}}.reply r {_OF_REPLY} GROUP BY 1, 2;
"""


VIEW_SCRIPT = f"""
ALTER TABLE {{schema}}.message
    ADD COLUMN created_at bigint, ADD COLUMN said text,
    ADD COLUMN choices integer[] NOT NULL DEFAULT '{{{{}}}}';
ALTER TABLE {{schema}}.reply ADD COLUMN said jsonb, ADD COLUMN tool_calls jsonb;

{_VIEW % "replies"} SELECT
    r.exchange_id AS id,
    r.session_id AS session_id,
    s.title AS session_title,
    r.message_id AS message_id,
    {_time("r.started_at")} AS started_at,
    r.model AS model,
    r.answered AS answered_model,
    r.api AS api,
    nullif(r.finish, '') AS finish_reason,
    r.state AS state,
    (SELECT string_agg(t.value ->> 1, chr(10) ORDER BY t.number)
        FROM {_elements("r.said", "t")}) AS text,
    {_whole("r.input")} AS input_tokens,
    {_whole("r.output")} AS output_tokens,
    {_whole("r.tokens")} AS total_tokens,
    r.cost AS cost_usd,
    CASE WHEN r.cost IS NOT NULL THEN r.is_reported::integer END AS is_cost_reported,
    r.ttft AS first_token_s,
    r.duration AS duration_s,
    r.tps AS tokens_per_second,
    (strpos(r.marks, ' error ') > 0)::integer AS has_error,
    (strpos(r.marks, ' partial ') > 0)::integer AS is_partial,
    coalesce(nullif(s.source, ''), 'replyscope') AS source,
    nullif(s.client, '') AS client,
    r.owner AS owner,
    r.machine AS machine
FROM {{schema}}.reply r {_OF_REPLY};

{_VIEW % "messages"} SELECT
    m.id AS id,
    m.session_id AS session_id,
    m.parent_id AS parent_id,
    m.role AS role,
    {_time("m.created_at")} AS created_at,
    CASE m.role WHEN 'assistant' THEN (
        SELECT string_agg(t.value ->> 1, chr(10) ORDER BY n.number)
        FROM unnest(m.exchange_ids, m.choices) WITH ORDINALITY AS n (exchange_id, choice, number)
        JOIN {{schema}}.reply r ON r.owner = m.owner AND r.exchange_id = n.exchange_id
        CROSS JOIN {_elements("r.said", "t")}
        WHERE t.value ->> 0 = n.choice::text
    ) ELSE m.said END AS text,
    m.exchange_ids[1] AS reply_id,
    m.owner AS owner
FROM {{schema}}.message m {_OF_MESSAGE};

{_VIEW % "tool_calls"} SELECT
    c.value ->> 'id' AS id,
    r.exchange_id AS reply_id,
    r.session_id AS session_id,
    (c.number - 1)::integer AS position,
    {_time("r.started_at")} AS started_at,
    c.value ->> 'name' AS name,
    c.value ->> 'kind' AS kind,
    c.value ->> 'arguments' AS arguments,
    c.value ->> 'state' AS state,
    c.value ->> 'result' AS result,
    CASE WHEN jsonb_typeof(c.value -> 'ms') = 'number' THEN
        CASE WHEN abs((c.value ->> 'ms')::numeric) < 1e15
            THEN (c.value ->> 'ms')::numeric::double precision END
    END AS duration_ms,
    r.owner AS owner
FROM {{schema}}.reply r CROSS JOIN {_elements("r.tool_calls", "c")} {_OF_REPLY};

{_usage("{}")}
""".replace("{{}}", "{}")

BOUNDED_USAGE = f"""
DROP VIEW {{schema}}.usage_by_day;
{_usage("CASE WHEN abs({}) < 9e18 THEN {} END")}
"""
"""The sums of tokens; NULL for one that is no bigint, which would stop every query of the view."""


def choices_json(facts: Facts) -> str | None:
    """The texts of the choices, as a JSON list of pairs; None when they are too long for it."""
    if sum(len(text) for _, text in facts.choices) > _MOST_CHARACTERS:
        return None
    return _bounded([[index, storable(text)] for index, text in sorted(facts.choices)])


def calls_json(facts: Facts, results: Mapping[str, ToolResultPart]) -> str | None:
    """The tool calls, as a JSON list of objects."""
    calls = []
    for call in facts.tool_calls:
        told = results.get(call.call_id)
        result = call.result if call.result is not None or told is None else told.output
        texts = {
            "id": call.call_id,
            "name": call.name,
            "kind": call.kind,
            "arguments": call.arguments,
            "state": call.state,
            "result": result,
        }
        given = {name: storable(text) for name, text in texts.items() if text is not None}
        calls.append({**given, "ms": call.duration_ms})
    return _bounded(calls)


def written_text(parts: Iterable[Part]) -> str | None:
    """The text of a message that a person or a tool wrote; None without one."""
    values = (one.get("text", one.get("output")) for one in parts_to_json(tuple(parts)))
    texts = [one for one in values if isinstance(one, str)]
    return storable("\n".join(texts)) if texts else None


def _bounded(value: object) -> str | None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if len(text) <= _MOST_CHARACTERS else None
