"""The commands of tools: offer them, run them, and handle single calls."""

import json
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import ToolCall
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.engine.tool_calls import calls_of, results_under, with_result
from replyscope.inspection.arguments import editable_arguments
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.terminal.type_ahead import release_keys


class Tools:
    """Commands of tools and tool calls."""

    def __init__(self, desk: Desk, view: ChatView, sending: Sending) -> None:
        self._desk = desk
        self._view = view
        self._sending = sending

    def choose_tools(self) -> None:
        """Choose the tools of this session."""
        self._desk.start_work(self._choose_tools, group="tools", exclusive=True, holds_keys=True)

    async def _choose_tools(self) -> None:
        from replyscope.ui.chat.tools_dialog import ToolsDialog  # loaded on first use

        toolbox = self._desk.services.toolbox
        if toolbox is None:
            return
        sources = await toolbox.sources()
        functions = [s.name for s in sources if not s.name.startswith("mcp:")]
        tools = await toolbox.offer(functions)
        for source in sources:
            if source.fault and not source.name.startswith("mcp:"):
                self._desk.tell(f"{source.name}: {source.fault}")
        conversation = self._desk.conversation
        settings = conversation.session.settings
        chosen = settings.tools
        if chosen is None:
            chosen = self._desk.services.tool_settings().enabled
        endpoint = self._desk.targets.endpoint
        is_responses = endpoint is not None and endpoint.api.value == "responses"
        dialog = ToolsDialog(tools, sources, chosen, settings.hosted, offers_hosted=is_responses)
        result = await self._desk.ask(dialog)
        if result is None:
            return
        changed = replace(settings, tools=result[0], hosted=result[1])
        self._desk.apply_settings(conversation, changed)
        count = len(result[0]) + len(result[1])
        self._desk.tell(f"{plural(count, 'tool')} available from the next message.", is_error=False)

    def add_server(self, entry: str = "") -> None:
        """Add tool servers from settings entries, by default from a dialog, and offer their tools
        in this session.
        """
        self._desk.start_work(
            self._add_server, entry, group="tools", exclusive=True, holds_keys=True
        )

    async def _add_server(self, entry: str) -> None:
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        note = 'Paste its entry, as in Claude Desktop or VS Code: {"mcpServers": {"time": {…}}}'
        pasted: str | None = entry
        if not entry:
            pasted = await self._desk.ask(EditDialog("Add a tool server", "", note))
        if pasted is None:
            return
        release_keys()  # a server may start slowly
        try:
            added = [f"mcp:{server.name}" for server in self._desk.services.add_servers(pasted)]
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        conversation = self._desk.conversation
        settings = conversation.session.settings
        chosen = settings.tools
        known = self._desk.services.tool_settings().enabled if chosen is None else chosen
        tools = tuple(dict.fromkeys((*known, *added)))
        self._desk.apply_settings(conversation, replace(settings, tools=tools))
        self._desk.tell(f"{', '.join(added)}: starting …", is_error=False)
        await self._tell_how_they_start(added)

    async def _tell_how_they_start(self, added: list[str]) -> None:
        if self._desk.services.toolbox is None:
            return
        await self._desk.services.toolbox.offer(added)
        for source in await self._desk.services.toolbox.sources():
            if source.name in added:
                words = "; ".join((f"{source.name}: {source.fault or source.state}", *source.notes))
                self._desk.tell(printable_line(words), is_error=bool(source.fault))

    def offer_hosted(self, wire: str = "") -> None:
        """Offer a hosted tool, by the JSON of the provider's API."""
        try:
            value = json.loads(wire or "null")
        except ValueError as error:
            self._desk.tell(f"This is not JSON: {error}.")
            return
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            example = '{"type": "file_search", "vector_store_ids": ["vs_…"]}'
            self._desk.tell(f"Give the tool as its API takes it: /hosted {example}", is_error=False)
            return
        conversation = self._desk.conversation
        settings = conversation.session.settings
        hosted = tuple(dict.fromkeys((*settings.hosted, json.dumps(value))))
        self._desk.apply_settings(conversation, replace(settings, hosted=hosted))
        self._desk.tell(f"{value['type']} is available from the next message.", is_error=False)

    def run_tools(self) -> None:
        """Run the waiting calls of the branch, or send their results."""
        conversation = self._desk.conversation
        if self._desk.turns.is_running(conversation.session.id):
            return
        if not conversation.waiting_calls():
            self._desk.tell("No tool call waits in this session.", is_error=False)
            return

        self._view.composer.focus()  # a consent card gets the focus only from the composer
        self._sending.start_turn(conversation, conversation.run_tools, lambda: None)

    def open_call(self) -> None:
        """Choose a command on a tool call of the reply under the cursor."""
        self._desk.start_work(self._open_call, group="call", exclusive=True, holds_keys=True)

    async def _open_call(self) -> None:
        call = await self._pick_call()
        if call is None:
            return
        rows = [
            ("copy arguments", ""),
            ("copy result", "the text that the model received"),
            ("try again", "edit the arguments; the result is not sent to the model"),
        ]
        if call.state is ToolCallState.REQUESTED:
            rows.append(("answer by hand", "write the result yourself; the tool does not run"))
        what = await self._desk.ask(PickDialog(printable_line(call.name), rows))
        match what:
            case "copy arguments":
                self._desk.app.copy_to_clipboard(call.arguments)
                self._desk.tell("Arguments copied", is_error=False)
            case "copy result":
                self._desk.app.copy_to_clipboard(call.result or "")
                self._desk.tell("Result copied", is_error=False)
            case "try again":
                await self._try_call(call)
            case "answer by hand":
                await self._answer_by_hand(call)

    async def _pick_call(self) -> ToolCall | None:
        reply = self._view.reply_at_cursor()
        calls = calls_of(reply, self._desk.conversation.exchanges) if reply is not None else ()
        if reply is None or not calls:
            self._desk.tell("This reply has no tool calls of yours.", is_error=False)
            return None
        results = results_under(reply, self._desk.conversation.tree)
        calls = tuple(with_result(call, results) for call in calls)
        if len(calls) == 1:
            return calls[0]
        rows = [(f"{n}. {c.name}", c.state.value) for n, c in enumerate(calls, start=1)]
        picked = await self._desk.ask(PickDialog("Which call?", rows))
        return None if picked is None else calls[int(picked.partition(".")[0]) - 1]

    async def _try_call(self, call: ToolCall) -> None:
        from replyscope.ui.dialogs.edit_dialog import EditDialog, ReadDialog  # loaded on first use

        note = "It runs when you accept. The result is not sent to the model."
        title = f"Try {exact_line(call.name)} with"
        dialog = EditDialog(title, editable_arguments(call.arguments), note)
        arguments = await self._desk.ask(dialog)
        if arguments is None:
            return
        release_keys()  # a tool may run for long
        try:
            outcome = await self._desk.conversation.try_call(call, arguments)
        except (ReplyscopeError, TimeoutError) as error:
            self._desk.tell(str(error) or "The tool took too long and was stopped.")
            return
        title = f"{call.name}: {'failed' if outcome.is_error else 'done'}"
        await self._desk.ask(
            ReadDialog(title, f"{outcome.output}\n{outcome.detail}".strip() or "(nothing)")
        )

    async def _answer_by_hand(self, call: ToolCall) -> None:
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        if self._desk.turns.is_running(self._desk.conversation.session.id):
            self._desk.tell("Stop the reply first (Esc).", is_error=False)
            return
        words = await self._desk.ask(EditDialog(f"Result of {call.name}"))
        if words is None:
            return
        try:
            await self._desk.conversation.answer_by_hand(call.id, words)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._view.redraw_replies()
        self._desk.tell("[t] send it to the model", is_error=False)
