"""Builds the request for a branch, and the exchange that starts with it. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from replyscope.domain.endpoint import keeps_responses
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.message import Message, PromptPart, Role
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import Tool
from replyscope.engine.branch import for_server, what_conversation_knows, what_server_knows
from replyscope.engine.live_reply import Target


def make_request(
    settings: SessionSettings,
    messages: Sequence[Message],
    exchanges: Mapping[str, Exchange],
    target: Target,
    tools: tuple[Tool, ...] = (),
    *,
    continues: bool,
    is_private: bool = False,
) -> ModelRequest:
    """The request for a branch. It refers to messages that the server already stores."""
    sent = messages[target.leaves_out :]
    parameters = target.parameters(settings)
    conversation = parameters.given().get("conversation")
    chains = parameters.store is True or keeps_responses(target.endpoint.base_url)
    known = None
    if conversation is not None and target.endpoint.api is Api.RESPONSES:
        known = what_conversation_knows(sent, exchanges, conversation)
    elif chains and not target.leaves_out:
        known = what_server_knows(sent, exchanges, target.endpoint)
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


def make_opening(
    exchange_id: str,
    now: datetime,
    settings: SessionSettings,
    target: Target,
    messages: Sequence[Message] = (),
) -> Exchange:
    """An exchange before its first event. `messages` are its branch."""
    left_out = target.leaves_out
    parameters = target.parameters(settings)
    oldest = "message was" if left_out == 1 else f"{left_out:,} messages were"
    note = f"the oldest {oldest} left out to fit the context"
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
        adaptations=(note,) if left_out else (),
        think_tags=target.endpoint.think_tags,
        prompts=_prompts_of(messages),
    )


def _prompts_of(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The prompts of the library that made the last message of the person."""
    asked = next((one for one in reversed(messages) if one.role is Role.USER), None)
    parts = asked.parts if asked is not None else ()
    used = ((part.name, part.version) for part in parts if isinstance(part, PromptPart))
    return tuple(dict.fromkeys(used))
