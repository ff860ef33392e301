"""Builds the request for a branch, and its exchange before the first event. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from replyscope.domain.endpoint import keeps_responses
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.message import Message, PromptPart, Role
from replyscope.domain.plural import plural
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import Tool
from replyscope.engine.branch import (
    Known,
    for_server,
    what_conversation_knows,
    what_server_knows,
)
from replyscope.engine.live_reply import Destination, Target
from replyscope.engine.message_marks import sent_messages, unsent_ids


def make_request(
    settings: SessionSettings,
    messages: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    target: Destination,
    tools: tuple[Tool, ...] = (),
    *,
    continues: bool,
    is_private: bool = False,
) -> ModelRequest:
    """The request for a branch. It refers to messages that the server already stores."""
    sent = sent_messages(messages, settings, target.leaves_out)
    parameters = target.parameters(settings)
    conversation = parameters.given().get("conversation")
    chains = parameters.store is True or keeps_responses(target.endpoint.base_url)
    known = None
    if conversation is not None and target.endpoint.api is Api.RESPONSES:
        known = what_conversation_knows(sent, exchanges, conversation)
    elif chains and not target.leaves_out:
        known = what_server_knows(sent, exchanges, target.endpoint)
        if known is not None and not _has_left_out_the_same(known, messages, sent, exchanges):
            known = None
    told = for_server(sent, exchanges, target.endpoint, target.model)
    ids = [message.id for message in told]
    return ModelRequest(
        model=target.model,
        messages=told,
        system=settings.system,
        parameters=replace(parameters, n=None) if continues else parameters,
        continues=continues,
        schema=settings.schema,
        previous_response_id=known.response_id if known and conversation is None else None,
        answered=ids.index(known.message_id) + 1 if known else 0,
        tools=tools,
        hosted=settings.hosted,
        is_private=is_private,
    )


def _has_left_out_the_same(
    known: Known,
    messages: Sequence[Message],
    sent: Sequence[Message],
    exchanges: Mapping[str, Exchange],
) -> bool:
    """Whether the server's context of a response lacks exactly what this request leaves out."""
    at = next(n for n, message in enumerate(messages) if message.id == known.message_id)
    exchange = exchanges[messages[at].sources[-1].exchange_id]
    return set(exchange.left_out) == set(unsent_ids(messages[:at], sent))


def make_opening(
    exchange_id: str,
    now: datetime,
    settings: SessionSettings,
    target: Target,
    messages: Sequence[Message] = (),
) -> Exchange:
    """An exchange before its first event. `messages` is the branch."""
    parameters = target.parameters(settings)
    left_out = unsent_ids(messages, sent_messages(messages, settings, target.leaves_out))
    marked = len(unsent_ids(messages, sent_messages(messages, settings)))
    notes = []
    if oldest := len(left_out) - marked:
        phrase = "message was" if oldest == 1 else f"{oldest:,} messages were"
        notes.append(f"the oldest {phrase} left out to fit the context")
    if marked:
        notes.append(f"{plural(marked, 'message')} left out, as marked")
    return Exchange(
        id=exchange_id,
        api=target.provider.api,
        endpoint=target.endpoint.name,
        base_url=target.endpoint.public_url,
        model=target.model,
        started_at=now,
        state=ExchangeState.IN_PROGRESS,
        schema=settings.schema.text if settings.schema is not None else None,
        max_tokens=parameters.max_tokens,
        is_background=bool(parameters.background),
        adaptations=tuple(notes),
        think_tags=target.endpoint.think_tags,
        prompts=_prompts_of(messages),
        left_out=left_out,
    )


def _prompts_of(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The prompts of the library that made the last message of the person."""
    asked = next((one for one in reversed(messages) if one.role is Role.USER), None)
    parts = asked.parts if asked is not None else ()
    used = ((part.name, part.version) for part in parts if isinstance(part, PromptPart))
    return tuple(dict.fromkeys(used))
