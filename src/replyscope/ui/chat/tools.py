"""Tools: choosing them, and what can be done with one call."""

import json
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import ToolCall
from replyscope.domain.printable import exact_line, printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.engine.tool_calls import calls_of, results_under, with_result
from replyscope.inspection.arguments import editable_arguments
from replyscope.ui.chat.consent import ConsentActions
from replyscope.ui.chat.tools_dialog import ToolsDialog
from replyscope.ui.dialogs.edit_dialog import EditDialog, ReadDialog
from replyscope.ui.dialogs.small import PickDialog


class ToolActions(ConsentActions):
    """What a person does with tools."""

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
        self.apply_settings(conversation, changed)
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
        self.apply_settings(conversation, replace(settings, tools=tools))
        self.tell(f"{', '.join(added)}: starting …", is_error=False)
        await self._tell_how_they_start(added)

    async def _tell_how_they_start(self, added: list[str]) -> None:
        if self.services.toolbox is None:
            return
        await self.services.toolbox.offer(added)
        for source in await self.services.toolbox.sources():
            if source.name in added:
                words = "; ".join((f"{source.name}: {source.fault or source.state}", *source.notes))
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
        self.apply_settings(conversation, replace(settings, hosted=hosted))
        self.tell(f"{value['type']} is offered from the next message on", is_error=False)

    def action_run_tools(self) -> None:
        """Run the calls that the branch waits with, or send their results."""
        conversation = self.conversation
        if self.turns.is_running(conversation.session.id):
            return
        if not conversation.waiting_calls():
            self.tell("No tool waits here.", is_error=False)
            return

        self.composer.focus()  # the card that may come takes the keys from there
        self.start_turn(conversation, conversation.run_tools, lambda: None)

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
        title = f"Try {exact_line(call.name)} with"
        dialog = EditDialog(title, editable_arguments(call.arguments), note)
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
