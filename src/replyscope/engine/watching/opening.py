"""The facts of a watched call that are known once its request is read."""

from collections.abc import Iterator, Sequence

from replyscope.domain.asked import AskedCall
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.query_fields import PART
from replyscope.domain.secret_shapes import without_keys
from replyscope.domain.session import SessionSettings
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.watched import Client, WatchedRequest
from replyscope.engine.watching.placing import Caller

_LONGEST_CLIENT = 300
_CUT = "The request was too large to record; it was forwarded whole."

_FAULT = "replyscope watch applied a fault to this call, which is not the server's:"


def caller_of(
    request: WatchedRequest,
    asked: AskedCall,
    sent: RequestSent,
    endpoint: Endpoint | None,
    exchange_id: str,
) -> Caller:
    """The caller of a request. `endpoint` is the provider with the upstream's name, if any."""
    opening = Exchange(
        exchange_id,
        asked.api,
        request.upstream,
        request.base_url,
        asked.model or "unknown",
        request.at,
        ExchangeState.IN_PROGRESS,
        schema=asked.schema,
        max_tokens=asked.max_tokens,
        is_background=asked.is_background,
        think_tags=think_tags_of(endpoint),
        adaptations=tuple(_notes(request)),
    )
    title = f"{request.method} {request.path}"
    client = client_text(request.client, request.secrets)
    return Caller(client, opening, _settings(asked, endpoint), title, sent)


def _notes(request: WatchedRequest) -> Iterator[str]:
    """Sentences about what replyscope did to a call, shown as findings."""
    if request.is_cut:
        yield _CUT
    if request.intervention:
        yield request.intervention
    if request.fault:
        yield fault_note(request)


def fault_note(request: WatchedRequest) -> str:
    """The sentence about the fault of a call."""
    return f"{_FAULT} {request.fault}."


def think_tags_of(endpoint: Endpoint | None) -> ThinkTags:
    """The setting for think tags in the replies of a server."""
    return endpoint.think_tags if endpoint is not None else ThinkTags.AUTO


def client_text(client: Client, secrets: Sequence[str]) -> str:
    """The program of a call: its name, its command and its process, without keys."""
    pid = f"pid {client.pid}" if client.pid is not None else ""
    named = PART.join(filter(None, (client.name, client.command, pid)))
    return without_keys(named, secrets)[:_LONGEST_CLIENT]


def _settings(asked: AskedCall, endpoint: Endpoint | None) -> SessionSettings:
    """The settings to continue a session by hand; empty if the server is not a provider."""
    if endpoint is None:
        return SessionSettings()
    return SessionSettings(endpoint=endpoint.name, model=asked.model or None)
