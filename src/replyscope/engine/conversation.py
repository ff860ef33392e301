"""One open session: its branch, and the reply that streams into it.

Events flow one way: from the provider through the fold and the journal to whoever
iterates `send`. An ending is yielded only after it was committed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from replyscope.domain.event import ToolsStopped, TurnEvent
from replyscope.domain.exchange import APPROVAL, Api, Exchange, ToolCall
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Part, ReplySource, Role, ToolResultPart
from replyscope.domain.ports import (
    Clock,
    NewId,
    PriceList,
    Store,
    TranslateFrames,
)
from replyscope.domain.request import ModelRequest, Resumption
from replyscope.domain.rule import Action, Rule
from replyscope.domain.session import Draft, StoredSession, title_from
from replyscope.domain.tool import Tool, ToolCallState, ToolOutcome, ToolSettings
from replyscope.engine.asking import make_opening, make_request
from replyscope.engine.calling import Calling, Tooling
from replyscope.engine.calls import asked, calls_of
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.live import LiveReply, Target
from replyscope.engine.open_session import OpenSession
from replyscope.engine.rounds import Rounds
from replyscope.engine.side_by_side import side_by_side
from replyscope.inspection.argument_check import check_arguments

TurnEvents = AsyncGenerator[TurnEvent, None]
_log = logging.getLogger(__name__)


class Conversation(OpenSession):
    """A session that is open. One turn at a time; other conversations run beside it."""

    def __init__(
        self,
        stored: StoredSession,
        store: Store,
        clock: Clock,
        new_id: NewId,
        *,
        is_new: bool,
        prices: PriceList | None = None,
        translate: TranslateFrames | None = None,
        tooling: Tooling | None = None,
    ) -> None:
        rules = tooling.rule_book() if tooling is not None else None
        keep_file = tooling.keep_file if tooling is not None and tooling.keeps_files else None
        super().__init__(stored, store, clock, prices, rules, keep_file, is_new=is_new)
        self._rules = rules
        self.turn: tuple[str, ...] = ()
        """The ids of the exchanges that the newest turn made."""
        self._clock = clock
        self._new_id = new_id
        self._translate = translate
        self._tooling = tooling
        self._offered: tuple[Tool, ...] = ()
        self._rounds = Rounds(ToolSettings())

    async def send(
        self, parts: Sequence[Part], target: Target, *, instead_of: Message | None = None
    ) -> TurnEvents:
        """Add a user message and stream the reply to it; the draft is then spent.

        `instead_of` makes it a sibling of an earlier message, whose branch stays as it is.
        Raises StoreError when the message can't be saved; then nothing was sent and
        the conversation is as it was. A failing server is an event, not an error.
        """
        await self._check_alone()
        now = self._clock.now()
        parent_id = self.session.head_id if instead_of is None else instead_of.parent_id
        message = Message(self._new_id(), Role.USER, tuple(parts), now, parent_id=parent_id)
        if not self.messages and not self.session.is_title_given:
            self.session = replace(self.session, title=title_from(message.text))
        await self.save_head()
        await asyncio.shield(self._add(message))
        async with aclosing(self._answer(target, under=message.id)) as events:
            async for event in events:
                yield event

    async def _add(self, message: Message, *, keeps_draft: bool = False) -> None:
        await self._store.add_message(self.session.id, message)
        self.tree.add(message)
        self.tree.go_to(message.id)
        draft = self.session.whole_draft if keeps_draft else Draft()
        self.session = replace(
            self.session, head_id=message.id, updated_at=message.created_at
        ).with_draft(draft)
        await self.save_head()

    async def retry(self, target: Target, reply: Message | None = None) -> TurnEvents:
        """Ask again for a reply, the last one unless told. It stays, with the new one beside it."""
        ids = [message.id for message in self.messages]
        at = ids.index(reply.id) if reply is not None and reply.id in ids else len(ids) - 1
        while at > 0 and self.messages[at].role is Role.ASSISTANT:
            at -= 1
        asked = self.messages[at]
        self.tree.go_to(asked.id)
        async with aclosing(self._answer(target, under=asked.id)) as events:
            async for event in events:
                yield event

    async def continue_reply(self, target: Target) -> TurnEvents:
        """Ask for more of the last reply; what comes joins it as another exchange."""
        last = self.messages[-1]
        await self._begin_turn()
        request = self._request(target, continues=True)
        opening = self._opening(target)
        joined = replace(last, sources=(*last.sources, ReplySource(opening.id)))
        async with aclosing(self._exchange(target, request, opening, [joined])) as events:
            async for event in events:
                yield event
        async with aclosing(self._go_on(target)) as events:
            async for event in events:
                yield event

    async def run_tools(self, target: Target) -> TurnEvents:
        """Run the calls that the branch waits with, and stream the replies to their results.

        Raises StoreError.
        """
        await self._begin_turn()
        async with aclosing(self._go_on(target)) as events:
            async for event in events:
                yield event

    async def _begin_turn(self) -> None:
        self.turn = ()
        if self._rules is not None:
            self._rules.begin_turn()
        if self._tooling is not None:
            settings = self._tooling.settings()
            self._rounds = Rounds(settings)
            wanted = self.session.settings.tools
            wanted = settings.enabled if wanted is None else wanted
            self._offered = await self._tooling.box.offer(wanted) if wanted else ()

    async def _answer(self, target: Target, *, under: str | None) -> TurnEvents:
        """A reply, and after it, as long as it asks for tools, their results and the next."""
        await self._begin_turn()
        async with aclosing(self._reply(target, under=under)) as events:
            async for event in events:
                yield event
        if len(self.tree.siblings(self.messages[-1])) == 1 or self._wanted_choices == 1:
            async with aclosing(self._go_on(target)) as events:
                async for event in events:
                    yield event

    async def _go_on(self, target: Target) -> TurnEvents:
        """What follows a reply by itself: what rules say, and the tools it asked for."""
        while True:
            rule = await self._rules.act() if self._rules is not None else None
            if rule is not None and rule.action is Action.STOP:
                yield ToolsStopped(f"A rule stopped here: {rule.when}.")
                return
            if rule is not None:
                again = self._once_more(rule, target)
            elif self._can_answer():
                again = self._run_tools(target)
            else:
                return
            is_over = False
            async with aclosing(again) as events:
                async for event in events:
                    is_over |= isinstance(event, ToolsStopped)
                    yield event
            if is_over:
                return

    def _once_more(self, rule: Rule, target: Target) -> TurnEvents:
        """Continue the last reply, or ask again, perhaps another model."""
        last = self.messages[-1]
        if rule.action is Action.CONTINUE:
            request = self._request(target, continues=True)
            opening = self._opening(target)
            joined = replace(last, sources=(*last.sources, ReplySource(opening.id)))
            return self._exchange(target, request, opening, [joined])
        self.tree.go_to(last.parent_id)
        chosen = replace(target, model=rule.model) if rule.model else target
        return self._reply(chosen, under=last.parent_id)

    async def _run_tools(self, target: Target) -> TurnEvents:
        """The results of a reply's calls, and the reply to them; unless a limit is reached."""
        if self._tooling is not None:
            why = self._rounds.why_over([self.exchanges[key] for key in self.turn])
            if why:
                yield ToolsStopped(why)
                return
            answered, is_stopped = await self._answer_calls(self._tooling)
            if is_stopped:
                yield ToolsStopped("A tool was asked for, and nobody was there to allow it.")
                return
            async with aclosing(self._reply(target, under=answered.id)) as events:
                async for event in events:
                    yield event

    async def _results_message(self) -> Message:
        """The message with what became of the calls; made when nothing has become of them."""
        last = self.messages[-1]
        if last.role is Role.TOOL:
            return last
        now, parts = self._clock.now(), asked(self.waiting_calls())
        message = Message(self._new_id(), Role.TOOL, parts, now, parent_id=last.id)
        await asyncio.shield(self._add(message, keeps_draft=True))
        return message

    async def answer_by_hand(self, call_id: str, output: str) -> None:
        """Put a person's own words where a tool's result would be. Raises StoreError."""
        message = await self._results_message()
        parts = tuple(
            replace(part, output=output, state=ToolCallState.COMPLETED, allowed_by="you, by hand")
            if isinstance(part, ToolResultPart) and part.call_id == call_id
            else part
            for part in message.parts
        )
        message = replace(message, parts=parts)
        self.tree.add(message)
        await self._store.update_message(message)

    async def try_call(self, call: ToolCall, arguments: str) -> ToolOutcome:
        """Run a call once more for the person alone; the model is not told."""
        assert self._tooling is not None
        settings = self._tooling.settings()
        wanted = self.session.settings.tools
        offered = await self._tooling.box.offer(settings.enabled if wanted is None else wanted)
        tool = next((tool for tool in offered if tool.name == call.name), None)
        if tool is None:
            return ToolOutcome(f"{call.name} is not among this session's tools.", is_error=True)
        checked = check_arguments(arguments, tool.schema)
        if checked.problems:
            return ToolOutcome("; ".join(checked.problems), is_error=True)
        async with self._tooling.box.place(tool), asyncio.timeout(settings.timeout_s):
            return await self._tooling.run(tool, checked.value)

    def _can_answer(self) -> bool:
        """Whether calls wait. A model that was offered nothing and asks all the same waits."""
        calls = self.waiting_calls()
        return any(self._offered or call.kind == APPROVAL for call in calls)

    def waiting_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the branch ends with and that have no reply to their results."""
        if not self.messages:
            return ()
        last = self.messages[-1]
        if last.role is Role.TOOL:
            last = self.tree.get(last.parent_id or "") or last
        return calls_of(last, self.exchanges)

    async def _answer_calls(self, tooling: Tooling) -> tuple[Message, bool]:
        """Run what waits; the message with the results, and whether a call still waits."""
        calls = self.waiting_calls()
        message = last = await self._results_message()

        async def save(parts: tuple[ToolResultPart, ...]) -> None:
            nonlocal message
            message = replace(message, parts=parts)
            self.tree.add(message)
            await self._store.update_message(message)

        parts = [part for part in last.parts if isinstance(part, ToolResultPart)]
        about = (self.session.id, calls, parts, self._offered)
        calling = self.calling = Calling(*about, tooling, self._clock, save, self._store.writer)
        try:
            await calling.run()
        finally:
            self.calling = None
        return message, calling.is_stopped

    async def resume(self, target: Target) -> TurnEvents:
        """Read the rest of a background reply that was left; what comes joins what came.

        Raises StoreError.
        """
        last = self.messages[-1]
        left = self.exchanges[last.sources[-1].exchange_id]
        assert left.response_id is not None
        assert self._translate is not None
        frames = tuple((await self._store.load_wire(left.id)).frames)
        fold = ExchangeFold(replace(left, is_detached=False, failure=None))
        for known in self._translate(left.api, frames, left.think_tags):
            fold.apply(known)
        journal = await self._store.reopen_exchange(left.id)
        live = LiveReply([last], fold, self._clock)
        live.frames.extend(frames)
        self.turn = (left.id,)
        rest = Resumption(left.response_id, frames)
        request = ModelRequest(left.model, (), resumes=rest, is_private=self.is_private)
        async with aclosing(
            self._run(live, request, target, JournalWriter(journal), keeps_request=True)
        ) as events:
            async for event in events:
                yield event

    async def _reply(self, target: Target, *, under: str | None) -> TurnEvents:
        """Ask for as many choices as the session wants, in one request where the API can."""
        request = self._request(target)
        wanted = self._wanted_choices
        if wanted == 1 or target.provider.api is Api.CHAT:
            async with aclosing(self._choices(target, request, under, wanted)) as events:
                async for event in events:
                    yield event
            return
        runs = [self._choices(target, request, under, 1) for _ in range(wanted)]
        async with aclosing(side_by_side(runs)) as events:
            async for event in events:
                yield event

    async def _choices(
        self, target: Target, request: ModelRequest, under: str | None, count: int
    ) -> TurnEvents:
        opening = self._opening(target)
        messages = [
            Message(
                self._new_id(),
                Role.ASSISTANT,
                (),
                opening.started_at,
                under,
                (ReplySource(opening.id, index),),
            )
            for index in range(count)
        ]
        async with aclosing(self._exchange(target, request, opening, messages)) as events:
            async for event in events:
                yield event

    async def _exchange(
        self, target: Target, request: ModelRequest, opening: Exchange, messages: Sequence[Message]
    ) -> TurnEvents:
        # Of choices that are asked for one by one, the first is the one that is shown.
        tip = self.messages[-1].id if self.messages else None
        is_first = tip in (messages[0].parent_id, messages[0].id)
        self.turn = (*self.turn, opening.id)
        journal = await self._store.begin_exchange(
            self.session.id, messages, opening, is_head=is_first
        )
        for message in messages:
            self.tree.add(message)
        if is_first:
            self.tree.go_to(messages[0].id)
            self._point_at_tip()
            self._saved = replace(self._saved, head_id=messages[0].id)
        live = LiveReply(messages, ExchangeFold(opening), self._clock)
        _log.info(
            "exchange %s in session %s: %s at %s",
            opening.id,
            self.session.id,
            target.model,
            opening.base_url,
        )
        run = self._run(live, request, target, JournalWriter(journal))
        async with aclosing(run) as events:
            async for event in events:
                yield event

    async def _run(
        self,
        live: LiveReply,
        request: ModelRequest,
        target: Target,
        writer: JournalWriter,
        *,
        keeps_request: bool = False,
    ) -> TurnEvents:
        run = self._runner.run(live, request, target.provider, writer, keeps_request=keeps_request)
        try:
            async with aclosing(run) as events:
                async for event in events:
                    yield event
        finally:
            self._stamp = None  # what this process did is no news

    @property
    def _wanted_choices(self) -> int:
        return max(1, self.session.settings.parameters.n or 1)

    def _request(self, target: Target, *, continues: bool = False) -> ModelRequest:
        return make_request(
            self.session.settings,
            self.messages,
            self.exchanges,
            target,
            self._offered,
            continues=continues,
            is_private=self.is_private,
        )

    def _opening(self, target: Target) -> Exchange:
        return make_opening(self._new_id(), self._clock.now(), self.session.settings, target)
