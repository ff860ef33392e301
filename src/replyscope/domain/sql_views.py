"""The SQL views for other programs. Stable: columns may be added, never changed.

The store creates them; the guide's tables are generated from here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view; NULL is an unknown value."""

    name: str
    type: str
    help: str


@dataclass(frozen=True, slots=True)
class View:
    """A view with its columns, in order."""

    name: str
    help: str
    columns: tuple[Column, ...]


def _text(name: str, help: str) -> Column:
    return Column(name, "text", help)


def _whole(name: str, help: str) -> Column:
    return Column(name, "integer", help)


def _real(name: str, help: str) -> Column:
    return Column(name, "real", help)


_AT = "in ISO 8601, UTC: 2026-11-02T08:15:00.000Z"

VIEWS: tuple[View, ...] = (
    View(
        "replies",
        "each reply, one request with its whole response",
        (
            _text("id", "the id of the reply"),
            _text("session_id", "its session"),
            _text("session_title", "the title of the session"),
            _text("message_id", "its message, in `messages`"),
            _text("started_at", f"when the request was sent, {_AT}"),
            _text("model", "the requested model"),
            _text("answered_model", "the model that the server names"),
            _text("api", "`chat`, `responses` or `messages`"),
            _text("finish_reason", "of the first choice: `stop`, `length`, `tool_calls` …"),
            _text("state", "`completed`, `incomplete`, `failed`, `cancelled`, `truncated` …"),
            _text("text", "the text of all choices"),
            _whole("input_tokens", "tokens of the request, as reported"),
            _whole("output_tokens", "tokens of the response, as reported"),
            _whole("total_tokens", "both"),
            _real("cost_usd", "US dollars, reported or estimated"),
            _whole("is_cost_reported", "1 if the server reported the cost"),
            _real("first_token_s", "seconds to the first token"),
            _real("duration_s", "seconds to the end"),
            _real("tokens_per_second", "output tokens, from the first to the last"),
            _whole("has_error", "1 if the reply failed"),
            _whole("is_partial", "1 if it broke off or was cancelled"),
            _text("source", "`replyscope`, `watch`, or the import format of the session"),
            _text("client", "the watched program"),
        ),
    ),
    View(
        "messages",
        "each message of each branch",
        (
            _text("id", "the id of the message"),
            _text("session_id", "its session"),
            _text("parent_id", "the message before it; NULL for the first"),
            _text("role", "`user`, `assistant`, `tool`, `system` or `aside`"),
            _text("created_at", f"when it was saved, {_AT}"),
            _text("text", "its text, of attached files too; of a tool its result"),
            _text("reply_id", "of an assistant's message: the reply, in `replies`"),
        ),
    ),
    View(
        "tool_calls",
        "each tool call of each reply",
        (
            _text("id", "the id of the call, as the model gave it"),
            _text("reply_id", "the reply, in `replies`"),
            _text("session_id", "its session"),
            _whole("position", "its place among the calls of the reply, from 0"),
            _text("started_at", f"when the request of the reply was sent, {_AT}"),
            _text("name", "the name of the tool"),
            _text("kind", "`function`, `custom`, or the type of the provider's tool"),
            _text("arguments", "the arguments as the model wrote them, usually JSON"),
            _text("state", "`completed`, `failed`, `refused`, `requested` …"),
            _text("result", "what the model got"),
            _real("duration_ms", "milliseconds of the call"),
        ),
    ),
    View(
        "usage_by_day",
        "sums for each day and requested model",
        (
            _text("day", "the day in UTC: 2026-11-02"),
            _text("model", "the requested model"),
            _whole("replies", "the number of replies"),
            _whole("errors", "the number of failed replies"),
            _whole("input_tokens", "their sum, of replies with usage"),
            _whole("output_tokens", "their sum, of replies with usage"),
            _real("cost_usd", "their sum, of replies with a known cost"),
            _whole("without_usage", "replies without output tokens"),
            _whole("without_cost", "replies without a known cost"),
        ),
    ),
)
"""The views, without deleted sessions. A reply has its figures a moment after its end."""
