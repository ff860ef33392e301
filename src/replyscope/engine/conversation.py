"""A conversation: an open session, and the turns that are run in it.

Each turn is one awaitable. Its events flow one way: from the provider through the fold and
the journal to the turn's listener.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from replyscope.domain.event import Listen, ignore
from replyscope.domain.exchange import ToolCall
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Part, Role, ToolResultPart
from replyscope.domain.ports import Clock, NewId, PriceList, Store, TranslateFrames
from replyscope.domain.request import ModelRequest, Resumption
from replyscope.domain.session import SessionSettings, StoredSession, title_from
from replyscope.domain.tool import Tool, ToolCallState, ToolOutcome
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.live_reply import LiveReply, Target
from replyscope.engine.open_session import OpenSession
from replyscope.engine.spending import Spending
from replyscope.engine.tool_runner import Tooling
from replyscope.engine.turn import Turn
from replyscope.inspection.argument_check import check_arguments


class Conversation(OpenSession):
    """An open session that can run turns, one at a time. Conversations run concurrently."""

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
        spending: Spending | None = None,
    ) -> None:
        rules = tooling.rule_book() if tooling is not None else None
        if rules is not None:
            rules.source, rules.client = stored.session.source, stored.session.client
        keep_file = tooling.keep_file if tooling is not None and tooling.keeps_files else None
        super().__init__(stored, store, clock, new_id, prices, rules, keep_file, is_new=is_new)
        self.is_starting_tools = False
        """Whether a request waits for the servers of its tools."""
        self._translate = translate
        self._tooling = tooling
        self._spending = spending

    def hold_in_memory(self, store: Store) -> None:
        """Make this session, of which nothing is saved yet, a private one in a store in memory."""
        assert self.is_new
        self._store = store
        self.endings.keep_no_files()
        if self.rules is not None:
            self.rules.is_private = True
        if self._tooling is not None:
            self._tooling = self._tooling.for_private()

    async def send(
        self,
        parts: Sequence[Part],
        target: Target,
        listen: Listen = ignore,
        *,
        instead_of: Message | None = None,
    ) -> str | None:
        """Add a user message, clear the draft, and run the turn that answers the message.

        `instead_of` makes it a sibling of an earlier message, whose branch is kept. Returns the
        reason why the turn stopped early; None when it is complete. Raises StoreError when the
        message can't be saved, and OverLimit when the person does not pass a spending limit;
        then nothing was sent and the conversation has not changed. A failing server is an event,
        not an error.
        """
        await self._check_alone()
        now = self.clock.now()
        parent_id = self.session.head_id if instead_of is None else instead_of.parent_id
        message = Message(self.new_id(), Role.USER, tuple(parts), now, parent_id=parent_id)
        turn = self._begin_turn(target, listen)
        before = self.messages if instead_of is None else self._before(instead_of)
        try:
            await turn.allow([*before, message])
            if not self.messages and not self.session.is_title_given:
                self.session = replace(self.session, title=title_from(message.text))
            await self.save_head()
            await self.add_message(message)
            return await turn.answer()
        finally:
            await turn.release()

    def _before(self, message: Message) -> list[Message]:
        """The messages of the branch before a message."""
        ids = [one.id for one in self.messages]
        return self.messages[: ids.index(message.id)] if message.id in ids else self.messages

    async def send_plain(
        self,
        parts: Sequence[Part],
        target: Target,
        settings: SessionSettings,
        listen: Listen = ignore,
    ) -> Message:
        """Run a turn without tools that answers a prompt after the branch, and return its reply.
        The turn has other settings than the session. Its messages are not part of the branch
        when it has ended, and the draft is kept. Raises StoreError, OverLimit.
        """
        await self._check_alone()
        tip = self.messages[-1].id
        prompt = Message(self.new_id(), Role.USER, tuple(parts), self.clock.now(), parent_id=tip)
        turn = self._plain_turn(target, settings, listen)
        try:
            await turn.allow([*self.messages, prompt])
            await self.save_head()
            async with self._apart():
                await self.add_message(prompt, keeps_draft=True)
                await turn.answer()
                return self.messages[-1]
        finally:
            await turn.release()

    async def compact_at_server(
        self, target: Target, settings: SessionSettings, listen: Listen = ignore
    ) -> Message:
        """Run an exchange in which the server compacts the branch, and return its reply, which is
        not part of the branch. Raises StoreError, OverLimit.
        """
        await self._check_alone()
        await self.save_head()
        async with self._apart():
            await self._plain_turn(target, settings, listen).compact()
            return self.messages[-1]

    def _plain_turn(self, target: Target, settings: SessionSettings, listen: Listen) -> Turn:
        self.turn = ()
        if self.rules is not None:
            self.rules.begin_turn()
        return Turn(self, target, listen, None, _no_tools, self._spending, settings)

    async def retry(
        self, target: Target, listen: Listen = ignore, *, reply: Message | None = None
    ) -> str | None:
        """Request a reply again, by default the last. The new reply becomes its sibling."""
        asked = self._asked(reply)
        turn = self._begin_turn(target, listen)
        try:
            await turn.allow(asked)
            self.tree.go_to(asked[-1].id)
            return await turn.answer()
        finally:
            await turn.release()

    def _asked(self, reply: Message | None) -> list[Message]:
        """The messages that a reply answers; by default, and for a reply that is not on the
        branch, the messages of the last reply.
        """
        messages = self.messages
        ids = [message.id for message in messages]
        at = ids.index(reply.id) if reply is not None and reply.id in ids else len(ids) - 1
        while at > 0 and messages[at].role is Role.ASSISTANT:
            at -= 1
        return messages[: at + 1]

    async def retry_each(
        self, targets: Sequence[Target], listen: Listen = ignore, *, reply: Message | None = None
    ) -> str | None:
        """Request a reply again from several targets at once. The new replies become siblings, and
        the last one is shown. Tool calls are run after all replies have ended.

        A request that fails or is not allowed stops no other; its error is raised at the end.
        """
        from replyscope.engine.turns_at_once import answer_side_by_side  # loaded on first use

        asked = self._asked(reply)
        turns = [self._begin_turn(target, listen) for target in targets]
        return await answer_side_by_side(turns, asked, lambda: self.tree.go_to(asked[-1].id))

    async def continue_reply(self, target: Target, listen: Listen = ignore) -> str | None:
        """Continue the last reply with another exchange."""
        turn = self._begin_turn(target, listen)
        return await turn.continue_reply()

    async def run_tools(self, target: Target, listen: Listen = ignore) -> str | None:
        """Run the waiting calls of the branch, and request the replies to their results.

        Raises StoreError.
        """
        turn = self._begin_turn(target, listen)
        return await turn.go_on()

    def _begin_turn(self, target: Target, listen: Listen) -> Turn:
        self.turn = ()
        if self.rules is not None:
            self.rules.begin_turn()
        return Turn(self, target, listen, self._tooling, self.offered_tools, self._spending)

    async def offered_tools(self) -> tuple[Tool, ...]:
        """The tools that this session offers to the model. Starts their servers."""
        if self._tooling is None:
            return ()
        wanted = self.session.settings.tools
        wanted = self._tooling.settings().enabled if wanted is None else wanted
        if not wanted:
            return ()
        self.is_starting_tools = True
        try:
            return await self._tooling.box.offer(wanted)
        finally:
            self.is_starting_tools = False

    async def answer_by_hand(self, call_id: str, output: str) -> None:
        """Save a text of the person as the result of a call. Raises StoreError."""
        message = await self.results_message()
        parts = tuple(
            replace(part, output=output, state=ToolCallState.COMPLETED, allowed_by="you, by hand")
            if isinstance(part, ToolResultPart) and part.call_id == call_id
            else part
            for part in message.parts
        )
        await self.update_message(replace(message, parts=parts))

    async def try_call(self, call: ToolCall, arguments: str) -> ToolOutcome:
        """Run a call again for the person; its result is not sent to the model."""
        assert self._tooling is not None
        offered = await self.offered_tools()
        tool = next((tool for tool in offered if tool.name == call.name), None)
        if tool is None:
            return ToolOutcome(f"{call.name} is not among this session's tools.", is_error=True)
        checked = check_arguments(arguments, tool.schema)
        if checked.problems:
            return ToolOutcome("; ".join(checked.problems), is_error=True)
        timeout_s = self._tooling.settings().timeout_s
        async with self._tooling.box.place(tool), asyncio.timeout(timeout_s):
            return await self._tooling.run(tool, checked.value)

    async def resume(self, target: Target, listen: Listen = ignore) -> None:
        """Read the rest of a detached background reply into its exchange.

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
        writer = JournalWriter(await self._store.reopen_exchange(left.id))
        live = LiveReply([last], fold, writer, self.clock, is_resumed=True)
        live.frames.extend(frames)
        self.turn = (left.id,)
        rest = Resumption(left.response_id, frames)
        request = ModelRequest(left.model, (), resumes=rest, is_private=self.is_private)
        await self.run_exchange(live, request, target.provider, listen)


async def _no_tools() -> tuple[Tool, ...]:
    return ()
