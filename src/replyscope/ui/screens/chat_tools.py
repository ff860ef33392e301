"""Tools: choosing them, deciding about calls, and what can be done with one call."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace

from textual import on

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import TurnEvent
from replyscope.domain.exchange import ToolCall
from replyscope.domain.glob import escaped
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import ConsentRule, Decision, ToolCallState
from replyscope.engine.calls import calls_of, results_under, with_result
from replyscope.engine.consent import CallToDecide
from replyscope.engine.live import Target
from replyscope.inspection.argument_check import as_texts, check_arguments
from replyscope.inspection.arguments import pretty_arguments
from replyscope.ui.consent_desk import ConsentDesk
from replyscope.ui.screens.chat_remote import RemoteActions
from replyscope.ui.screens.dialogs import LineDialog, PickDialog
from replyscope.ui.screens.edit_dialog import EditDialog, ReadDialog
from replyscope.ui.screens.tools import ToolsDialog
from replyscope.ui.widgets.consent_card import Answer, ConsentCard

_YOU = "you, once"


class ToolActions(RemoteActions):
    """What a person does with tools. Nothing runs that they did not allow."""

    _desk: ConsentDesk | None = None

    def open_desk(self) -> None:
        """Be asked about calls from now on."""
        if self.services.consent is not None:
            self._desk = ConsentDesk(self._on_desk_changed)
            self.services.consent.ask = self._desk.ask

    def asking(self) -> frozenset[str]:
        """The sessions in which a tool waits for the person's word."""
        return self._desk.sessions if self._desk is not None else frozenset()

    def _on_desk_changed(self) -> None:
        self.draw_consent()
        if self.is_attached and self.asking() - {self.conversation.session.id}:
            self.tell(
                "A tool in another session waits for your word (? in the list).", is_error=False
            )
        if self.is_attached:
            self.refresh_sidebar()

    def draw_consent(self) -> None:
        """Show the call of this session that waits longest."""
        if not self.is_attached or self._desk is None:
            return
        waiting = self._desk.waiting(self.conversation.session.id)
        card = self.query_one(ConsentCard)
        was_shown = card.display
        card.show(waiting[0] if waiting else None, len(waiting))
        if waiting and not was_shown and not self.composer.text and self.focused is self.composer:
            card.focus()
        elif not waiting and card.has_focus:
            self.composer.focus()

    @on(ConsentCard.Answered)
    def _on_answered(self, event: ConsentCard.Answered) -> None:
        self.start_work(self._answer, event.wanted, event.answer, group="consent")

    async def _answer(self, wanted: CallToDecide, answer: Answer) -> None:
        decision = await self._decision(wanted, answer)
        if decision is not None and self._desk is not None:
            self._desk.answer(wanted, decision)

    async def _decision(self, wanted: CallToDecide, answer: Answer) -> Decision | None:
        """What the person means; None when they went back to the card."""
        match answer:
            case Answer.ONCE:
                return Decision(True, _YOU)
            case Answer.SESSION:
                if self.services.consent is not None:
                    self.services.consent.grant(wanted.session_id, wanted.tool)
                return Decision(True, "you, for this session")
            case Answer.ALWAYS:
                return await self._allow_always(wanted)
            case Answer.NO:
                return Decision(False, "you")
            case Answer.BECAUSE:
                why = await self.app.push_screen_wait(
                    LineDialog("No, because … (the model is told)")
                )
                return None if why is None else Decision(False, "you", why)
            case Answer.EDIT:
                return await self._edit(wanted)

    async def _edit(self, wanted: CallToDecide) -> Decision | None:
        text = pretty_arguments(wanted.call.arguments)
        note = ""
        while True:
            title = f"Arguments of {printable_line(wanted.tool.own_name)}"
            edited = await self.app.push_screen_wait(EditDialog(title, text, note))
            if edited is None:
                return None
            problems = check_arguments(edited, wanted.tool.schema).problems
            if not problems:
                return Decision(True, "you, with changed arguments", arguments=edited)
            text, note = edited, problems[0]

    async def _allow_always(self, wanted: CallToDecide) -> Decision | None:
        """Save a rule with a pattern for every argument."""
        if self.archive.store_of(wanted.session_id).is_private:
            self.tell("A rule would be written, and this session is private; s allows it here.")
            return None
        consent = self.services.consent
        if consent is None:
            return None
        value = check_arguments(wanted.call.arguments, "{}").value
        given = as_texts(await asyncio.to_thread(consent.normal, wanted.tool, value))
        lines = "\n".join(f"{name} = {escaped(text)}" for name, text in given)
        note = "One pattern an argument: * matches all but /, ** all, ? one character, [ab] a or b."
        title = f"Always run {printable_line(wanted.tool.full_name)} when"
        edited = await self.app.push_screen_wait(EditDialog(title, lines, note))
        if edited is None:
            return None
        pairs = [line.partition("=") for line in edited.splitlines() if "=" in line]
        patterns = tuple((name.strip(), pattern.strip()) for name, _, pattern in pairs)
        try:
            rule = ConsentRule(escaped(wanted.tool.full_name), True, patterns)
        except ValueError as error:
            self.tell(f"A pattern is wrong: {error}. Nothing was saved.")
            return None
        if not await consent.would_cover(rule, wanted.tool, wanted.call.arguments):
            self.tell("The patterns do not match this call. Nothing was saved.")
            return None
        kept = [r for r in self.services.tool_settings().consent if r.allows]
        try:
            self.services.change_settings({("tools", "allow"): [_toml(r) for r in (*kept, rule)]})
        except ReplyscopeError as error:
            self.tell(error)
            return None
        return Decision(True, "you, always (saved in the settings)")

    def action_choose_tools(self) -> None:
        """Choose the tools of this session."""
        self.start_work(self._choose_tools, group="tools", exclusive=True)

    async def _choose_tools(self) -> None:
        toolbox = self.services.toolbox
        if toolbox is None:
            return
        sources = await toolbox.sources()
        functions = [s.name for s in sources if not s.name.startswith("mcp:")]
        tools = await toolbox.offer(functions)
        for source in sources:
            if source.fault and not source.name.startswith("mcp:"):
                self.tell(f"{source.name}: {source.fault}")
        conversation = self.conversation
        settings = conversation.session.settings
        chosen = settings.tools
        if chosen is None:
            chosen = self.services.tool_settings().enabled
        endpoint = self.targets.endpoint
        is_responses = endpoint is not None and endpoint.api.value == "responses"
        dialog = ToolsDialog(tools, sources, chosen, settings.hosted, offers_hosted=is_responses)
        result = await self.app.push_screen_wait(dialog)
        if result is None:
            return
        changed = replace(settings, tools=result[0], hosted=result[1])
        conversation.session = replace(conversation.session, settings=changed)
        if not conversation.is_new:
            await self.save_settings()
        count = len(result[0]) + len(result[1])
        self.tell(f"{count} tools are offered from the next message on", is_error=False)

    def action_add_server(self) -> None:
        """Add tool servers by pasting their entries, and offer their tools here."""
        self.start_work(self._add_server, group="tools", exclusive=True)

    async def _add_server(self) -> None:
        note = 'As in Claude Desktop, Cursor or VS Code: {"mcpServers": {"time": {…}}}'
        pasted = await self.app.push_screen_wait(
            EditDialog("Paste a tool server's entry", "", note)
        )
        if pasted is None:
            return
        try:
            added = [f"mcp:{server.name}" for server in self.services.add_servers(pasted)]
        except ReplyscopeError as error:
            self.tell(error)
            return
        conversation = self.conversation
        settings = conversation.session.settings
        chosen = settings.tools
        known = self.services.tool_settings().enabled if chosen is None else chosen
        tools = tuple(dict.fromkeys((*known, *added)))
        conversation.session = replace(
            conversation.session, settings=replace(settings, tools=tools)
        )
        if not conversation.is_new:
            await self.save_settings()
        self.tell(f"{', '.join(added)}: starting …", is_error=False)
        await self._tell_how_they_start(added)

    async def _tell_how_they_start(self, added: list[str]) -> None:
        if self.services.toolbox is None:
            return
        await self.services.toolbox.offer(added)
        for source in await self.services.toolbox.sources():
            if source.name in added:
                words = f"{source.name}: {source.fault or source.state}"
                self.tell(printable_line(words), is_error=bool(source.fault))

    def action_offer_hosted(self, wire: str = "") -> None:
        """Offer a tool that the provider runs, by the JSON that its API takes."""
        try:
            value = json.loads(wire or "null")
        except ValueError as error:
            self.tell(f"This is not JSON: {error}.")
            return
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            example = '{"type": "file_search", "vector_store_ids": ["vs_…"]}'
            self.tell(f"Give the tool as its API takes it: /hosted {example}", is_error=False)
            return
        conversation = self.conversation
        settings = conversation.session.settings
        hosted = tuple(dict.fromkeys((*settings.hosted, json.dumps(value))))
        conversation.session = replace(
            conversation.session, settings=replace(settings, hosted=hosted)
        )
        if not conversation.is_new:
            self.start_work(self.save_settings)
        self.tell(f"{value['type']} is offered from the next message on", is_error=False)

    def action_run_tools(self) -> None:
        """Run the calls that the branch waits with, or send their results."""
        conversation = self.conversation
        if self.turns.is_running(conversation.session.id):
            return
        if not conversation.waiting_calls():
            self.tell("No tool waits here.", is_error=False)
            return

        def start(target: Target) -> AsyncGenerator[TurnEvent, None]:
            return conversation.run_tools(target)

        self.composer.focus()  # the card that may come takes the keys from there
        self.start_turn(conversation, start, lambda: None)

    def action_open_call(self) -> None:
        """What can be done with a call of the reply under the cursor."""
        self.start_work(self._open_call, group="call", exclusive=True)

    async def _open_call(self) -> None:
        call = await self._pick_call()
        if call is None:
            return
        rows = [
            ("copy arguments", ""),
            ("copy result", "as the model got it"),
            ("try again", "with arguments you may change; the model is not told"),
        ]
        if call.state is ToolCallState.REQUESTED:
            rows.append(("answer by hand", "your text is its result, and nothing runs"))
        what = await self.app.push_screen_wait(PickDialog(printable_line(call.name), rows))
        match what:
            case "copy arguments":
                self.app.copy_to_clipboard(call.arguments)
                self.tell("Arguments copied", is_error=False)
            case "copy result":
                self.app.copy_to_clipboard(call.result or "")
                self.tell("Result copied", is_error=False)
            case "try again":
                await self._try_call(call)
            case "answer by hand":
                await self._answer_by_hand(call)

    async def _pick_call(self) -> ToolCall | None:
        reply = self.reply_at_cursor()
        calls = calls_of(reply, self.conversation.exchanges) if reply is not None else ()
        if reply is None or not calls:
            self.tell("This reply waits for no tool of yours.", is_error=False)
            return None
        results = results_under(reply, self.conversation.tree)
        calls = tuple(with_result(call, results) for call in calls)
        if len(calls) == 1:
            return calls[0]
        rows = [(f"{n}. {c.name}", c.state.value) for n, c in enumerate(calls, start=1)]
        picked = await self.app.push_screen_wait(PickDialog("Which call?", rows))
        return None if picked is None else calls[int(picked.partition(".")[0]) - 1]

    async def _try_call(self, call: ToolCall) -> None:
        note = "It runs at once when you accept; the model is not told."
        dialog = EditDialog(f"Try {call.name} with", pretty_arguments(call.arguments), note)
        arguments = await self.app.push_screen_wait(dialog)
        if arguments is None:
            return
        try:
            outcome = await self.conversation.try_call(call, arguments)
        except (ReplyscopeError, TimeoutError) as error:
            self.tell(str(error) or "The tool took too long and was stopped.")
            return
        title = f"{call.name}: {'failed' if outcome.is_error else 'done'}"
        await self.app.push_screen_wait(
            ReadDialog(title, f"{outcome.output}\n{outcome.detail}".strip() or "(nothing)")
        )

    async def _answer_by_hand(self, call: ToolCall) -> None:
        if self.turns.is_running(self.conversation.session.id):
            self.tell("Stop the reply first (Esc).", is_error=False)
            return
        words = await self.app.push_screen_wait(EditDialog(f"Result of {call.name}"))
        if words is None:
            return
        try:
            await self.conversation.answer_by_hand(call.id, words)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.transcript.renew_entries()
        self.draw_inspector()
        self.tell("t sends it", is_error=False)


def _toml(rule: ConsentRule) -> dict[str, object]:
    return {"tool": rule.tool, "arguments": dict(rule.patterns)}
