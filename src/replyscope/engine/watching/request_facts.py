"""The facts of a watched call that a query is compared with, before and after its reply."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import Exchange
from replyscope.domain.facts import Facts
from replyscope.domain.json_text import bounded_object_in
from replyscope.domain.message import TextPart, ToolResultPart
from replyscope.domain.session import WATCHED
from replyscope.domain.watched import WatchedRequest
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.watching.opening import client_text
from replyscope.inspection.facts import facts_of


def reply_facts(request: WatchedRequest, exchange: Exchange) -> Facts:
    """The facts of a call for a reply, with its source and its client."""
    client = client_text(request.client, request.secrets)
    return replace(facts_of(exchange), source=WATCHED, client=client)


def request_facts(wire: WireReading, request: WatchedRequest) -> Facts:
    """The model, the API, the client, the offered tools and the words of a request. Slow for a
    large one.
    """
    body = bounded_object_in(request.body) or {}
    model = body.get("model")
    names: dict[str, tuple[str, ...]] = {"tool": tuple(_tools(body))}
    if isinstance(model, str):
        names |= {"model": (model,), "asked": (model,)}
    words: list[str] = []
    api = wire.api_of(request)
    if api is not None:
        names["api"] = (api.value,)
        asked = wire.asked(request, api)
        words += [asked.system or ""]
        for part in (part for message in asked.messages for part in message.parts):
            if isinstance(part, TextPart):
                words.append(part.text)
            elif isinstance(part, ToolResultPart):
                words.append(part.output)
    return Facts(
        names=names,
        prompt="\n".join(words),
        started_at=request.at,
        client=client_text(request.client, request.secrets),
    )


def _tools(body: dict[str, Any]) -> Iterator[str]:
    """The names of the tools that the request offers; of a server's tool its type."""
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        function = tool.get("function")
        inner = function if isinstance(function, dict) else {}
        name = inner.get("name") or tool.get("name") or tool.get("type")
        if isinstance(name, str):
            yield name
