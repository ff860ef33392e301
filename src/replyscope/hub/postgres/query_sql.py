"""The SQL of PostgreSQL for queries, over `reply f JOIN session s`; see `domain.query_sql`."""

from replyscope.domain.fact_columns import NAMES, NUMBERS
from replyscope.domain.facts import Mark
from replyscope.domain.query import Term
from replyscope.domain.query_fields import ME, PART, OfSession
from replyscope.domain.query_sql import Condition
from replyscope.hub.postgres.lexemes import text_query
from replyscope.hub.postgres.replies import SEPARATOR
from replyscope.hub.postgres.sessions import storable

_TRUTHS = {
    "is_cost_reported": "f.is_reported",
    "is_pinned": "s.pinned_at IS NOT NULL",
    "is_archived": "s.archived_at IS NOT NULL",
    "is_deleted": "s.deleted_at IS NOT NULL",
}
OWNER = f"CASE WHEN f.owner = session_user THEN '{ME}{PART}' || f.owner ELSE f.owner END"
_TEXTS = {"source": "s.source", "client": "s.client", "owner": OWNER, "machine": "f.machine"}
_LIKE = 'lower({} COLLATE "C") LIKE %s'
"""Like SQLite, lower case is that of ASCII."""
ARGUMENTS = "%s::tsquery, %s::text[], %s::text[], %s::boolean[]"


class PostgresDialect:
    """Implements SqlDialect for PostgreSQL, with LIKE for patterns and tsvector for texts."""

    always = Condition("true")

    def text(self, term: Term) -> Condition:
        """See SqlDialect."""
        found = (
            f"SELECT w.owner, w.exchange_id FROM {{schema}}.found({ARGUMENTS}, NULL, false) AS w"
        )
        return Condition(f"((f.owner, f.exchange_id) IN ({found}))", text_query([term]).values)

    def title(self, words: str, *, is_open: bool) -> Condition:
        """See SqlDialect."""
        if not words:
            return self.always
        end = "" if is_open else " "
        return Condition("(s.title_words LIKE %s)", (f"% {words}{end}%",))

    def number(self, field: str, sign: str, bound: float) -> Condition:
        """See SqlDialect."""
        if field in NUMBERS:
            return Condition(f"coalesce(f.{NUMBERS[field]} {sign} %s, false)", (bound,))
        start = field + SEPARATOR
        test = (
            f"CASE WHEN starts_with(n, %s) THEN substr(n, %s)::double precision {sign} %s "
            "ELSE false END"
        )
        return _named(test, (start, len(start) + 1, bound))

    def names(self, field: str, pattern: str) -> Condition:
        """See SqlDialect."""
        if field in NAMES:
            columns = [_LIKE.format(f"f.{column}") for column in NAMES[field]]
            return Condition(f"({' OR '.join(columns)})", (like_of(pattern),) * len(columns))
        return _named(_LIKE.format("n"), (like_of(field + SEPARATOR) + like_of(pattern),))

    def tag(self, pattern: str) -> Condition:
        """See SqlDialect."""
        test = f"SELECT 1 FROM unnest(s.tags) AS t WHERE {_LIKE.format('t')}"
        return Condition(f"(EXISTS ({test}))", (like_of(pattern),))

    def of_session(self, kind: OfSession, pattern: str) -> Condition:
        """See SqlDialect."""
        column, like = _TEXTS[kind.fact], like_of(pattern)
        if kind.has_parts:
            return Condition(f"({_LIKE.format(f'(%s || {column})')})", (PART, like))
        text = f"coalesce(nullif({column}, ''), %s)"
        return Condition(f"({_LIKE.format(text)})", (kind.unnamed, like))

    def started(self, start_ms: int, end_ms: int) -> Condition:
        """See SqlDialect."""
        return Condition("(f.started_at >= %s AND f.started_at < %s)", (start_ms, end_ms))

    def mark(self, mark: Mark) -> Condition:
        """See SqlDialect."""
        return Condition("(f.marks LIKE %s)", (f"% {mark} %",))

    def is_known(self, field: str) -> Condition:
        """See SqlDialect."""
        if field in NUMBERS:
            return Condition(f"(f.{NUMBERS[field]} IS NOT NULL)")
        return _named("starts_with(n, %s)", (field + SEPARATOR,))

    def is_true(self, fact: str) -> Condition:
        """See SqlDialect."""
        return Condition(f"({_TRUTHS[fact]})")


def like_of(pattern: str) -> str:
    """The pattern for LIKE of a pattern whose only wildcards are * and ?."""
    lower = storable(pattern.lower()).replace("\\", "\\\\")
    return lower.replace("%", "\\%").replace("_", "\\_").replace("*", "%").replace("?", "_")


def _named(test: str, values: tuple[object, ...]) -> Condition:
    """Whether the reply has a name that fits a test."""
    return Condition(f"(EXISTS (SELECT 1 FROM unnest(f.named) AS n WHERE {test}))", values)
