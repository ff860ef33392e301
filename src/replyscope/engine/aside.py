"""A side question: answered with the context of a session, and no part of its later requests.

Question and reply are saved as a separate branch, which never becomes the current one. Cost,
search and deletion are the same as for other messages of the session.
"""

from collections.abc import Sequence
from dataclasses import replace

from replyscope.domain.event import Listen, ignore
from replyscope.domain.exchange import Exchange
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Part, ReplySource, Role
from replyscope.domain.session import SessionSettings
from replyscope.engine.branch import check_readable, read_in_all
from replyscope.engine.live_reply import LiveReply, Target
from replyscope.engine.open_session import OpenSession
from replyscope.engine.request_builder import make_opening, make_request
from replyscope.engine.runner import Runner
from replyscope.engine.spending import Planned, Spending

_NOT_ASKED = ("n", "background", "conversation")
"""The parameters that an aside does not send: it has one reply, which is read at once, and a
conversation that the server keeps must not contain it.
"""


async def ask_aside(
    session: OpenSession,
    parts: Sequence[Part],
    target: Target,
    spending: Spending | None,
    listen: Listen = ignore,
) -> Exchange:
    """Ask a side question, also while a reply streams. Returns the ended exchange.

    Raises StoreError when it can't be saved, OverLimit, and ReplyscopeError if the model cannot
    read the context.
    """
    context = _complete(session)
    parent_id = context[-1].id if context else None
    now = session.clock.now()
    question = Message(session.new_id(), Role.ASIDE, tuple(parts), now, parent_id)
    settings = _aside_settings(session.session.settings, target)
    messages = [*context, question]
    check_readable(messages, session.exchanges, target.endpoint, target.model)
    planned = _planned(session, settings, target, messages)
    needs_check = spending is not None and spending.limits(target)
    reserved = await spending.allow(planned) if spending is not None and needs_check else None
    try:
        return await _run(session, question, settings, target, messages, listen)
    finally:
        if reserved is not None:
            await reserved.release()


def _planned(
    session: OpenSession, settings: SessionSettings, target: Target, messages: Sequence[Message]
) -> Planned:
    return Planned(
        session.session.id,
        session.session.title,
        settings,
        session.exchanges.spent.cost_usd,
        target,
        read_in_all(messages, session.exchanges),
        session.exchanges,
        is_single=True,
        is_private=session.is_private,
    )


async def _run(
    session: OpenSession,
    question: Message,
    settings: SessionSettings,
    target: Target,
    messages: Sequence[Message],
    listen: Listen,
) -> Exchange:
    opening = make_opening(session.new_id(), session.clock.now(), settings, target)
    source = (ReplySource(opening.id),)
    reply = Message(session.new_id(), Role.ASSISTANT, (), opening.started_at, question.id, source)
    request = make_request(
        settings,
        messages,
        session.exchanges,
        target,
        continues=False,
        is_private=session.is_private,
    )
    writer = await session.begin_aside(question, reply, opening)
    live = LiveReply([reply], ExchangeFold(opening), writer, session.clock)
    # Rules and tools are of the turns of the branch.
    runner = Runner(session.exchanges, session.clock, session.endings, None)
    await runner.run(live, request, target.provider, listen)
    return session.exchanges[opening.id]


def _complete(session: OpenSession) -> list[Message]:
    """The branch up to its last complete reply, without a reply that streams or waits for tools."""
    branch = list(session.messages)
    if session.is_streaming or session.waiting_calls():
        while branch and branch[-1].role is not Role.USER:
            branch.pop()
        branch = branch[:-1]
    return branch


def _aside_settings(settings: SessionSettings, target: Target) -> SessionSettings:
    """The settings without tools and schema, and without parameters of several replies."""
    parameters = settings.parameters
    for name in _NOT_ASKED:
        if name in target.parameters(settings).given():
            parameters = parameters.unsetting(name)
    return replace(settings, parameters=parameters, tools=(), hosted=(), schema=None)
