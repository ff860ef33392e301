"""One turn: a reply, and the actions of rules and the tool calls that follow it.

A turn is a coroutine that ends when its last reply is saved. Its methods return the reason
why it stopped early, as a sentence; None when it is complete.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from replyscope.domain.errors import OverLimit
from replyscope.domain.event import Listen
from replyscope.domain.exchange import APPROVAL, Api, Exchange
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, ReplySource, Role, ToolResultPart
from replyscope.domain.request import ModelRequest
from replyscope.domain.rule import Action, Rule
from replyscope.domain.session import SessionSettings
from replyscope.domain.tool import Tool, ToolSettings
from replyscope.engine.branch import check_readable, read_in_all
from replyscope.engine.live_reply import LiveReply, Target
from replyscope.engine.message_marks import check_choices
from replyscope.engine.open_session import OpenSession
from replyscope.engine.request_builder import make_opening, make_request
from replyscope.engine.rounds import Rounds
from replyscope.engine.side_by_side import side_by_side
from replyscope.engine.spending import Planned, Reserved, Spending
from replyscope.engine.tool_runner import Tooling, ToolRunner

_log = logging.getLogger(__name__)


class Turn:
    """Requests replies from a target in an open session. `listen` gets every event once;
    `offer` returns the tools that are offered, and is called once.
    """

    def __init__(
        self,
        session: OpenSession,
        target: Target,
        listen: Listen,
        tooling: Tooling | None,
        offer: Callable[[], Awaitable[tuple[Tool, ...]]],
        spending: Spending | None = None,
        settings: SessionSettings | None = None,
    ) -> None:
        self._session = session
        self._target = target
        self._listen = listen
        self._tooling = tooling
        self._offer = offer
        self._offered: tuple[Tool, ...] = ()
        self._is_prepared = False
        self._spending = spending
        self._reserved: Reserved | None = None
        self._is_allowed = False
        self._own_settings = settings
        self._exchange_ids: list[str] = []
        self._rounds = Rounds(tooling.settings() if tooling is not None else ToolSettings())

    async def allow(
        self, messages: Sequence[Message], target: Target | None = None, *, is_single: bool = False
    ) -> None:
        """Check the next request, of these messages to the target: whether the model can read
        them, the number of replies, and the spending limits. `is_single`: it asks for one reply.
        Raises ReplyscopeError, OverLimit. Call `release` when it was not sent.
        """
        spending, target = self._spending, target or self._target
        check_readable(messages, self._session.exchanges, target.endpoint, target.model)
        if not is_single:
            check_choices(target.parameters(self._settings), target.endpoint.api)
        if self._is_allowed or spending is None or not spending.limits(target):
            return
        await self._prepare()
        session = self._session
        planned = Planned(
            session.session.id,
            session.session.title,
            self._settings,
            session.exchanges.spent.cost_usd,
            target,
            read_in_all(messages, session.exchanges),
            session.exchanges,
            self._offered,
            is_single,
            session.is_private,
        )
        self._reserved = await spending.allow(planned)
        self._is_allowed = True

    async def release(self) -> None:
        """End the reservation of a request that has ended, or was not sent."""
        self._is_allowed = False
        if self._reserved is not None:
            reserved, self._reserved = self._reserved, None
            await reserved.release()

    async def _prepare(self) -> None:
        """Load the tools; servers may start."""
        if not self._is_prepared:
            self._offered = await self._offer()
            self._is_prepared = True

    async def answer(self) -> str | None:
        """Request a reply to the branch, then run `go_on`."""
        await self._prepare()
        await self._reply(self._target)
        session = self._session
        if len(session.tree.siblings(session.messages[-1])) == 1 or self._wanted_choices == 1:
            return await self.go_on()
        return None

    async def request(self, messages: Sequence[Message]) -> Message:
        """Request a reply to the last of these messages, while other turns of the session may do
        the same. Returns the first choice. `allow` was called before.
        """
        await self._prepare()
        try:
            return await self._request_choices(self._target, messages)
        finally:
            await self.release()

    async def follow_up(self, reply: Message) -> str | None:
        """Show a requested reply, and run `go_on` if it is the only choice."""
        await self._session.go_to(reply.id)
        return await self.go_on() if self._wanted_choices == 1 else None

    async def compact(self) -> None:
        """Let the server compact the branch. Raises OverLimit."""
        messages = self._session.messages
        await self.allow(messages, is_single=True)
        try:
            request = replace(self._request(self._target, messages), compacts=True)
            await self._choices(self._target, request, messages, 1)
        finally:
            await self.release()

    @property
    def _settings(self) -> SessionSettings:
        """The settings of the requests: its own, else the settings of the session."""
        return self._own_settings or self._session.session.settings

    async def continue_reply(self) -> str | None:
        """Continue the last reply with another exchange, then run `go_on`."""
        await self._prepare()
        await self._continue()
        return await self.go_on()

    async def go_on(self) -> str | None:
        """Run the actions of rules and the tool calls that follow a reply."""
        await self._prepare()
        try:
            while True:
                rules = self._session.rules
                rule = await rules.act(self._exchange_ids) if rules is not None else None
                if rule is not None and rule.action is Action.STOP:
                    return f"A rule stopped the turn: {rule.when}."
                if rule is not None:
                    await self._once_more(rule)
                elif self._tooling is None or not self._can_answer():
                    return None
                elif why := await self._run_tools(self._tooling):
                    return why
        except OverLimit as error:  # the replies and results so far are kept
            return str(error)

    async def _once_more(self, rule: Rule) -> None:
        """Continue or retry the last reply as a rule says, perhaps with another model."""
        if rule.action is Action.CONTINUE:
            await self._continue()
            return
        *before, last = self._session.messages
        target = replace(self._target, model=rule.model or self._target.model)
        await self.allow(before, target)
        self._session.tree.go_to(last.parent_id)
        await self._reply(target)

    async def _continue(self) -> None:
        last = self._session.messages[-1]
        await self.allow(self._session.messages, is_single=True)
        messages = self._session.messages
        request = self._request(self._target, messages, continues=True)
        opening = self._opening(self._target, messages)
        joined = replace(last, sources=(*last.sources, ReplySource(opening.id)))
        try:
            await self._exchange(self._target, request, opening, [joined])
        finally:
            await self.release()

    def _can_answer(self) -> bool:
        """Whether calls wait and tools were offered. Calls without an offer keep waiting."""
        calls = self._session.waiting_calls()
        return any(self._offered or call.kind == APPROVAL for call in calls)

    async def _run_tools(self, tooling: Tooling) -> str | None:
        """Run a reply's calls and request the reply to their results, within the limits."""
        session = self._session
        if why := self._rounds.why_over([session.exchanges[key] for key in self._exchange_ids]):
            return why
        if await self._answer_calls(tooling):
            return "A tool call needs consent, and no person could be asked."
        await self._reply(self._target)
        return None

    async def _answer_calls(self, tooling: Tooling) -> bool:
        """Run the waiting calls. Returns whether a call still waits."""
        session = self._session
        calls = session.waiting_calls()
        message = await session.results_message()

        async def save(parts: tuple[ToolResultPart, ...]) -> None:
            nonlocal message
            message = await session.update_message(replace(message, parts=parts))

        parts = [part for part in message.parts if isinstance(part, ToolResultPart)]
        about = (session.session.id, calls, parts, self._offered)
        calling = session.calling = ToolRunner(
            *about, tooling, session.clock, save, session.writer_id
        )
        try:
            await calling.run()
        finally:
            session.calling = None
        return calling.is_stopped

    async def _reply(self, target: Target) -> None:
        """Request the session's number of choices, in one request where the API supports it."""
        messages = self._session.messages
        await self.allow(messages, target)
        try:
            await self._request_choices(target, messages)
        finally:
            await self.release()

    async def _request_choices(self, target: Target, messages: Sequence[Message]) -> Message:
        request = self._request(target, messages)
        wanted = self._wanted_choices
        if wanted == 1 or target.provider.api is Api.CHAT:
            return await self._choices(target, request, messages, wanted)
        runs = [self._choices(target, request, messages, 1) for _ in range(wanted)]
        first, *_ = await side_by_side(runs)
        return first

    async def _choices(
        self, target: Target, request: ModelRequest, messages: Sequence[Message], count: int
    ) -> Message:
        """Run an exchange that answers these messages by a number of choices. Returns the first."""
        opening = self._opening(target, messages)
        new_id, at = self._session.new_id, opening.started_at
        under = messages[-1].id if messages else None
        replies = [
            Message(new_id(), Role.ASSISTANT, (), at, under, (ReplySource(opening.id, index),))
            for index in range(count)
        ]
        await self._exchange(target, request, opening, replies)
        return replies[0]

    async def _exchange(
        self, target: Target, request: ModelRequest, opening: Exchange, messages: Sequence[Message]
    ) -> None:
        self._exchange_ids.append(opening.id)
        writer = await self._session.begin_exchange(messages, opening)
        _log.info(
            "exchange %s in session %s: %s at %s",
            opening.id,
            self._session.session.id,
            target.model,
            opening.base_url,
        )
        live = LiveReply(messages, ExchangeFold(opening), writer, self._session.clock)
        await self._session.run_exchange(live, request, target.provider, self._listen)

    @property
    def _wanted_choices(self) -> int:
        return max(1, self._target.parameters(self._settings).n or 1)

    def _request(
        self, target: Target, messages: Sequence[Message], *, continues: bool = False
    ) -> ModelRequest:
        session = self._session
        return make_request(
            self._settings,
            messages,
            session.exchanges,
            target,
            self._offered,
            continues=continues,
            is_private=session.is_private,
        )

    def _opening(self, target: Target, messages: Sequence[Message]) -> Exchange:
        session = self._session
        now = session.clock.now()
        return make_opening(session.new_id(), now, self._settings, target, messages)
