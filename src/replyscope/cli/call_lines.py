"""The lines that `replyscope watch` prints about calls: a row of text or an object of JSON.

Pure functions.
"""

from datetime import datetime
from typing import Any

from replyscope.domain.exchange import Exchange, Usage
from replyscope.domain.printable import printable_line
from replyscope.domain.watched import WatchedRequest
from replyscope.engine.watching.listed_call import ListedCall
from replyscope.inspection.explain import ending_word
from replyscope.inspection.figures import count, dollars, seconds, size
from replyscope.inspection.json_view import exchange_object, iso

_CLIENT, _MODEL = 20, 24


def call_line(request: WatchedRequest, exchange: Exchange) -> str:
    """A row about an ended call: time, client, model, ending, tokens, cost, times."""
    usage = exchange.usage or Usage()
    tokens = f"{count(usage.input_tokens)} → {count(usage.output_tokens)}"
    cells = [
        _clock(request.at),
        (request.client.name or "—").ljust(_CLIENT),
        exchange.model.ljust(_MODEL),
        ending_word(exchange).ljust(12),
        f"{tokens} tokens",
        dollars(exchange.cost_usd),
        f"first {seconds(exchange.timing.first_token_ms)}",
        seconds(exchange.timing.duration_ms),
        *_decided(request),
    ]
    return printable_line("  ".join(cells))


def listed_line(call: ListedCall) -> str:
    """A row about another call, such as a list of models."""
    request = call.request
    cells = [
        _clock(request.at),
        (request.client.name or "—").ljust(_CLIENT),
        f"{request.method} {request.path}".ljust(_MODEL),
        str(call.status or call.fault or "—").ljust(12),
        size(call.received),
        seconds(call.duration_ms),
        *_decided(request),
    ]
    return printable_line("  ".join(cells))


def call_object(
    request: WatchedRequest, exchange: Exchange, session_id: str | None
) -> dict[str, Any]:
    """The object of an ended call: that of its exchange, with the client and the path."""
    return {**_request_object(request), **exchange_object(exchange), "session_id": session_id}


def listed_object(call: ListedCall) -> dict[str, Any]:
    """The object of another call."""
    return {
        **_request_object(call.request),
        "id": call.request.id,
        "status": call.status,
        "bytes": call.received,
        "timing": {
            "first_byte_ms": _rounded(call.first_byte_ms),
            "duration_ms": _rounded(call.duration_ms),
        },
        "error": call.fault,
    }


def _request_object(request: WatchedRequest) -> dict[str, Any]:
    client = request.client
    return {
        "at": iso(request.at),
        "client": {"name": client.name, "pid": client.pid, "command": client.command},
        "upstream": request.upstream,
        "method": request.method,
        "path": request.path,
        "fault": request.fault or None,
        "intervention": request.intervention or None,
    }


def _decided(request: WatchedRequest) -> list[str]:
    """Cells that name what replyscope did to a call: it must not look like the server's doing."""
    decided = [request.intervention.partition(";")[0]] if request.intervention else []
    return [*decided, f"fault: {request.fault}"] if request.fault else decided


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 1)


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")
